/** Send prompts and answers to a session's agent (sockets-browsers.md 2.5): once each, in order, never in silence. */

import { NoAnswer } from "../api/requests";
import type { Viewer } from "../api/viewer";
import type { Picture } from "../transcript/blocks";
import type { Transcript } from "../transcript/transcript";
import { newId } from "./ids";
import type { Attachment } from "./types";

/** The relay acknowledges within 9.5 s; silence for longer counts as delivered. */
const ACK_MS = 10_000;
/** How long an answer to a question waits for the connection. */
const ANSWER_MS = 20_000;
const NOT_REACHED = "The agent is not connected.";

interface Waiting {
  readonly go: () => void;
  readonly stop: (error: Error) => void;
}

interface Prompt {
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

/** The prompts of one session. */
export class Input {
  private readonly prompts = new Map<string, Prompt>();
  private waiting: Waiting[] = [];
  private live = false;
  /** Prompts leave one after another, so that they arrive in the order in which they were typed. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly transcript: Transcript,
    private readonly viewer: () => Viewer | null,
    private readonly changed: () => void,
  ) {}

  /** Note that the transcript is there and the connection as well. */
  resume(): void {
    this.live = true;
    const waiting = this.waiting;
    this.waiting = [];
    for (const entry of waiting) entry.go();
  }

  /** Note that it is not; with words, whoever waits gives up. */
  pause(words: string | null): void {
    this.live = false;
    if (words === null) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const entry of waiting) entry.stop(new NoAnswer(words));
  }

  /** Send a prompt and show it; while offline it waits. */
  say(text: string, attachments: readonly Attachment[], steer: boolean): Promise<void> {
    const key = this.transcript.addOutgoing(text, attachments.filter(isPicture).map(pictureOf), steer);
    this.prompts.set(key, { text, attachments });
    this.changed();
    return this.attempt(key, { text, attachments }, steer);
  }

  /** Send a prompt again that could not be sent. */
  retry(key: string, steer: boolean): Promise<void> {
    const prompt = this.prompts.get(key);
    if (!prompt) return Promise.reject(new Error("This message is not here any more."));
    this.transcript.retryOutgoing(key);
    this.changed();
    return this.attempt(key, prompt, steer);
  }

  /** Take a prompt away that could not be sent; answers its text. */
  discard(key: string): string {
    this.prompts.delete(key);
    const text = this.transcript.removeOutgoing(key);
    this.changed();
    return text;
  }

  /** Queue a prompt behind the present turn. */
  follow(text: string, attachments: readonly Attachment[]): Promise<void> {
    return this.inOrder(() => this.deliver({ text, attachments }, "followUp"));
  }

  /** Answer what the agent asked. */
  answer(text: string): Promise<void> {
    return this.deliver({ text, attachments: [] }, undefined, ANSWER_MS);
  }

  private async attempt(key: string, prompt: Prompt, steer: boolean): Promise<void> {
    try {
      await this.inOrder(() => this.deliver(prompt, steer ? "steer" : undefined));
      this.prompts.delete(key);
      this.transcript.ackOutgoing(key);
    } catch (error) {
      this.transcript.failOutgoing(key, error instanceof Error ? error.message : NOT_REACHED);
      throw error;
    } finally {
      this.changed();
    }
  }

  private inOrder<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.last.then(run, run);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async deliver(prompt: Prompt, deliverAs: "steer" | "followUp" | undefined, patience?: number): Promise<void> {
    await this.ready(patience);
    const viewer = this.viewer();
    if (!viewer) throw new NoAnswer("This session was closed.");
    const payload = {
      text: prompt.text,
      attachments: prompt.attachments,
      client: "web",
      requestId: newId(),
      ...(deliverAs ? { deliverAs } : {}),
    };
    let delivered: unknown;
    try {
      delivered = await viewer.ask<unknown>("input", payload, ACK_MS);
    } catch (error) {
      if (error instanceof NoAnswer) throw error;
      // No acknowledgement in time: old agents never send one.
      return;
    }
    if (delivered !== true) throw new NoAnswer(NOT_REACHED);
  }

  private ready(patience?: number): Promise<void> {
    if (this.live) return Promise.resolve();
    return new Promise((go, stop) => {
      const entry: Waiting = { go, stop };
      this.waiting.push(entry);
      if (patience === undefined) return;
      setTimeout(() => {
        if (!this.waiting.includes(entry)) return;
        this.waiting = this.waiting.filter((other) => other !== entry);
        stop(new NoAnswer("The connection is lost."));
      }, patience);
    });
  }
}

function isPicture(attachment: Attachment): boolean {
  return /^image\/(png|jpe?g|gif|webp|avif|bmp)$/.test(attachment.mediaType);
}

function pictureOf(attachment: Attachment): Picture {
  return { src: `/api/attachments/${encodeURIComponent(attachment.attachmentId)}`, type: attachment.mediaType };
}
