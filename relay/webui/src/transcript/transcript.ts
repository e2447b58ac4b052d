/**
 * Assemble a transcript from the events of a viewer (sockets-browsers.md 7.7). Pure: events in, blocks out, the time given.
 *
 * Taking an event in costs next to nothing; blocks are made when `read` is called, once per frame. Finished messages keep
 * their blocks, so a message that grows costs its own blocks and nothing else.
 */

import type { Block, NoticeBlock, Picture } from "./blocks";
import { ChunkBuffer } from "./chunks";
import { type Claim, Items } from "./items";
import { keyOf, normalise } from "./keys";
import { OutgoingList } from "./outgoing";
import { ToolRuns } from "./tool-runs";
import { type AgentEvent, type Json, callId, callsOf, isObj, isResult, num, obj, objects, str, strings, textOf } from "./wire";

/** What `read` answers. An array is the same object as the last time when nothing in it changed. */
export interface Reading {
  readonly closed: readonly Block[];
  readonly open: readonly Block[];
}

/** Ask for what, after taking an event in. */
export type Want = "nothing" | "resync";

const NO_BLOCKS: readonly Block[] = Object.freeze([]);

/** The transcript of one session. */
export class Transcript {
  /** True once a transcript came. */
  hydrated = false;
  hasOlder = false;
  oldestIndex = 0;
  /** The state of the newest snapshot, without its messages. */
  state: Json = {};
  private readonly items: Items;
  private readonly runs: ToolRuns;
  private readonly outgoing = new OutgoingList();
  private buffer: ChunkBuffer | null = null;
  private notices = 0;
  private reading: Reading = { closed: NO_BLOCKS, open: NO_BLOCKS };
  private active: boolean | null = null;

  constructor(private readonly now: () => number = Date.now) {
    this.runs = new ToolRuns(now);
    this.items = new Items(this.runs, now);
  }

  /** True while a snapshot comes in pieces. */
  get incomplete(): boolean {
    return this.buffer !== null;
  }

  /** Answer whether anything changed since the last reading. */
  get dirty(): boolean {
    return this.items.closedDirty || this.items.openDirty;
  }

  /** Answer the blocks. */
  read(): Reading {
    if (!this.dirty) return this.reading;
    const { closed, open } = this.items.read(this.reading, this.outgoing.blocks());
    this.reading = { closed, open };
    return this.reading;
  }

  /** Answer the finished messages, each call's result behind the message that made it. */
  messages(): readonly Json[] {
    const all: Json[] = [];
    for (const message of this.items.messages()) {
      all.push(message);
      for (const call of callsOf(message)) {
        const result = this.runs.result(callId(call));
        if (result && !result.partial) all.push(result.message);
      }
    }
    return all;
  }

  /** Say what the agent does now: its newest running tool, thinking, writing; "" when neither. */
  doing(): string {
    if (this.active === false) return "";
    const stream = this.items.stream;
    const last = this.read().open.filter((block) => block.kind !== "you").pop();
    if (last?.kind === "tool" && (last.state === "running" || last.state === "queued")) {
      return last.object === "" || last.mono ? last.doing : `${last.doing} ${last.object}`;
    }
    if (stream && last?.kind === "thinking") return "Thinking";
    if (stream && last?.kind === "answer") return "Writing an answer";
    return this.active ? "Working" : "";
  }

  /** Take one event in. */
  apply(event: AgentEvent): Want {
    if (this.buffer?.defer(event)) return "nothing";
    switch (event.type) {
      case "session_active":
        this.snapshot(obj(event.state));
        break;
      case "session_messages_chunk":
        return this.chunk(event);
      case "agent_start":
        this.setActive(true);
        break;
      case "agent_end":
        this.end(event);
        break;
      case "heartbeat":
        this.setActive(event.active === true);
        break;
      case "message_start":
        this.start(obj(event.message));
        break;
      case "message_update":
        this.grow(event);
        break;
      case "message_end":
      case "turn_end":
        this.finish(obj(event.message), event.type);
        for (const result of objects(event.toolResults)) this.result(result);
        break;
      case "tool_execution_start":
        this.runs.start(str(event.toolCallId));
        this.items.touch(str(event.toolCallId));
        break;
      case "tool_execution_update":
        this.runs.update(event);
        this.items.touch(str(event.toolCallId));
        break;
      case "tool_execution_end":
        this.runs.end(event);
        this.items.touch(str(event.toolCallId));
        break;
    }
    return "nothing";
  }

  /** Note whether the agent is in a turn; when it is not, nothing runs and nothing grows. */
  setActive(active: boolean): void {
    if (!active && this.outgoing.sweep(this.now())) this.items.openDirty = true;
    if (this.active === active) return;
    this.active = active;
    if (active) return;
    for (const id of this.runs.stopAll()) this.items.touch(id);
    this.items.closeStream();
  }

  /** Put a page of older messages in front (3.7). */
  prepend(messages: readonly Json[], oldestIndex: number, hasMore: boolean): void {
    const page = normalise(messages);
    for (const message of page) if (isResult(message)) this.result(message);
    this.items.prepend(page.filter((message) => !isResult(message)), oldestIndex);
    this.oldestIndex = oldestIndex;
    this.hasOlder = hasMore;
  }

  /** Add a line of our own after what is there. */
  notice(words: string, tone: NoticeBlock["tone"] = "plain", detail?: string): void {
    this.notices += 1;
    const key = `n${this.notices}`;
    this.items.addLocal({ kind: "notice", key, words, tone, ...(detail === undefined ? {} : { detail }) });
  }

  /** Show a prompt that is on its way; answers its key. */
  addOutgoing(text: string, images: readonly Picture[] = [], steered = false): string {
    this.items.openDirty = true;
    return this.outgoing.add(text, images, steered, this.now());
  }

  ackOutgoing(key: string): void {
    this.outgoing.ack(key, this.now());
    this.items.openDirty = true;
  }

  failOutgoing(key: string, reason: string): void {
    this.outgoing.fail(key, reason);
    this.items.openDirty = true;
  }

  retryOutgoing(key: string): void {
    this.outgoing.again(key);
    this.items.openDirty = true;
  }

  removeOutgoing(key: string): string {
    this.items.openDirty = true;
    return this.outgoing.remove(key);
  }

  private snapshot(state: Json): void {
    if (state.chunked === true) {
      this.buffer = new ChunkBuffer(state);
      return;
    }
    this.replace(objects(state.messages), state);
  }

  private chunk(event: AgentEvent): Want {
    const buffer = this.buffer;
    const outcome = buffer?.add(event) ?? "ignored";
    if (outcome === "holes") return "resync";
    if (!buffer || typeof outcome === "string") return "nothing";
    this.replace(outcome, buffer.state);
    for (const waiting of buffer.deferred) this.apply(waiting);
    return "nothing";
  }

  private end(event: AgentEvent): void {
    this.buffer = null;
    if (Array.isArray(event.messages)) this.replace(objects(event.messages), this.state);
    this.setActive(false);
  }

  /** Swap the transcript for a snapshot; whatever says the same stays the same object. */
  private replace(messages: readonly Json[], state: Json): void {
    this.buffer = null;
    const kept = normalise(messages);
    const oldest = num(state.oldestLoadedIndex) ?? 0;
    const truncated = state.hasMore === true;
    this.runs.replace(kept.filter(isResult), pendingCalls(kept, this.active));
    const numbers = new Map(messages.map((message, index) => [message, (truncated ? oldest : 0) + index]));
    const keptOlder = this.items.replace(
      kept.filter((message) => !isResult(message) && message.role !== "system"),
      (message) => numbers.get(message) ?? 0,
      truncated,
      (message) => this.claim(message, true),
    );
    this.runs.prune((id) => this.items.owns(id));
    if (!keptOlder) {
      this.hasOlder = truncated;
      this.oldestIndex = truncated ? oldest : 0;
    }
    const { messages: _messages, ...rest } = state;
    this.state = rest;
    this.hydrated = true;
  }

  private start(message: Json): void {
    if (message.role === "assistant") {
      this.active = true;
      if (!this.items.has(keyOf(message, "message_start"))) this.items.grow(message);
    } else {
      this.upsert(message, "message_start");
    }
  }

  private grow(event: AgentEvent): void {
    const step = obj(event.assistantMessageEvent);
    const message = isObj(step.partial) ? step.partial : obj(event.message);
    // A relay may repeat the newest update after a snapshot that has the finished message already.
    if (message.timestamp && this.items.has(keyOf(message, "growing"))) return;
    this.active = true;
    this.items.grow(message);
  }

  private finish(message: Json, label: string): void {
    if (message.role !== "assistant") {
      this.upsert(message, label);
      return;
    }
    this.items.finish(message, keyOf(message, label), label === "message_end");
  }

  private upsert(message: Json, label: string): void {
    if (typeof message.role !== "string" || message.role === "system") return;
    if (isResult(message)) {
      this.result(message);
      return;
    }
    const key = keyOf(message, label);
    if (this.items.has(key)) this.items.put(key, message);
    else this.items.append(key, message, this.claim(message));
  }

  private result(message: Json): void {
    const id = str(message.toolCallId);
    if (id === "") return;
    this.runs.finish(id, message);
    this.items.touch(id);
  }

  /** Answer what of a prompt on its way a person's message takes over. */
  private claim(message: Json, snapshot = false): Claim | undefined {
    if (message.role !== "user" || this.outgoing.size === 0) return undefined;
    const text = textOf(message);
    if (text.trimStart().startsWith("<!-- trigger:")) return undefined;
    const block = this.outgoing.claim(text, snapshot ? num(message.timestamp) : undefined);
    return block ? { uid: block.key, steered: block.steered } : undefined;
  }
}

/** Answer the calls that wait for their result: those of the last assistant's message, unless the agent is idle. */
function pendingCalls(messages: readonly Json[], active: boolean | null): readonly string[] {
  if (active === false) return [];
  const last = messages.findLast((message) => message.role === "assistant");
  if (!last) return [];
  const done = new Set(messages.filter(isResult).map((message) => str(message.toolCallId)));
  return strings(callsOf(last).map(callId)).filter((id) => id !== "" && !done.has(id));
}
