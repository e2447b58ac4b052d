/** One session: its viewer, its transcript, and what a person does with it. */

import { type ReadonlySignal, computed, signal } from "@preact/signals";
import { readEnded } from "../api/ended";
import { uploadFile } from "../api/upload";
import { type Viewer, openViewer } from "../api/viewer";
import type { Block } from "../transcript/blocks";
import {
  type Approval,
  type ApprovalDecision,
  type PlanDecision,
  type PlanReview,
  type Question,
  answerText,
  approvalText,
  planText,
} from "../transcript/prompts";
import { Transcript } from "../transcript/transcript";
import { type AgentEvent, type Json, same, str, textOf } from "../transcript/wire";
import { noteViewer } from "./agent-link";
import { perFrame } from "./frames";
import { live } from "./hub-feed";
import { Input } from "./input";
import { LocalQueue } from "./local-queue";
import { sessionMeta } from "./session-meta";
import { type Facts, NO_FACTS, announce, learn, plain, setActive } from "./session-facts";
import { isExpected, rememberPrompt, reportOpen } from "./marks";
import { TriggerAnswers } from "./trigger-answers";
import type { Attachment, OpenSession, Phase, SendMode, SessionMeta } from "./types";

const PAGE = 50;
/** How long a page of older messages may take. */
const PAGE_MS = 10_000;
const PASTE_MS = 5_000;
const MODEL_MS = 8_000;
const COMPACT_MS = 300_000;

export class LiveSession implements OpenSession {
  private readonly transcript = new Transcript();
  private readonly shownClosed = signal<readonly Block[]>([]);
  private readonly shownOpen = signal<readonly Block[]>([]);
  private readonly shownPhase = signal<Phase>("loading");
  private readonly shownReason = signal("");
  private readonly more = signal(false);
  private readonly facts = signal<Facts>(NO_FACTS);
  private readonly doing = signal("");
  /** The prompt that was answered here and is about to vanish. */
  private readonly answered = signal<string | null>(null);
  private readonly localQueue = new LocalQueue();
  private readonly triggers = signal(0);
  private readonly children = signal<ReadonlyMap<string, string>>(new Map());
  private readonly frame = perFrame(() => this.show());
  private readonly input: Input;
  private readonly answers = new TriggerAnswers();
  private readonly services = new Set<(serviceId: string, type: string, payload: Json) => void>();
  private readonly modelAnswers = new Set<(error: string | null) => void>();
  private viewer: Viewer | null = null;
  private cursor: number | null = null;
  private paging: ((came: boolean) => void) | null = null;
  private replaying = false;

  readonly closed: ReadonlySignal<readonly Block[]> = this.shownClosed;
  readonly open: ReadonlySignal<readonly Block[]> = this.shownOpen;
  readonly blocks = computed(() => [...this.shownClosed.value, ...this.shownOpen.value]);
  readonly phase: ReadonlySignal<Phase> = this.shownPhase;
  readonly reason: ReadonlySignal<string> = this.shownReason;
  readonly hasOlder: ReadonlySignal<boolean> = this.more;
  readonly triggersVersion: ReadonlySignal<number> = this.triggers;
  readonly childStatus: ReadonlySignal<ReadonlyMap<string, string>> = this.children;
  readonly meta: ReadonlySignal<SessionMeta>;

  constructor(
    readonly id: string,
    private readonly leave: () => void,
  ) {
    const hubEntry = computed(() => live.value.get(id));
    let last: SessionMeta | undefined;
    this.meta = computed(() => {
      const entry = hubEntry.value;
      const queue = this.localQueue.messages.value ?? this.facts.value.queue;
      const fresh = sessionMeta(this.facts.value, entry, this.doing.value, queue, this.answered.value);
      if (last && same(last, fresh)) return last;
      last = fresh;
      return fresh;
    });
    this.input = new Input(this.transcript, () => this.viewer, this.frame.ask);
  }

  /** True when there is a transcript to show at once. */
  get hydrated(): boolean {
    return this.transcript.hydrated;
  }

  /** Begin to watch. */
  attach(): void {
    if (this.viewer) return;
    if (this.transcript.hydrated && this.shownPhase.peek() === "live") this.shownPhase.value = "reconnecting";
    this.viewer = openViewer(this.id, this.handlers(), this.cursor);
    this.viewer.onService((serviceId, type, payload) => {
      for (const hear of this.services) hear(serviceId, type, payload);
    });
    noteViewer(this.id, this.viewer);
  }

  /** Watch no longer; what was read stays. */
  detach(): void {
    const viewer = this.viewer;
    if (!viewer) return;
    this.cursor = this.transcript.incomplete ? null : viewer.cursor;
    this.viewer = null;
    viewer.close();
    noteViewer(this.id, null);
    this.frame.cancel();
    this.show();
    this.input.pause("This session was closed.");
    reportOpen(this.id, "", this.facts.peek().failed);
  }

  close(): void {
    this.leave();
  }

  reload(): void {
    this.shownReason.value = "";
    this.shownPhase.value = "loading";
    this.viewer?.reload();
  }

  async older(): Promise<boolean> {
    if (!this.more.peek() || this.paging || !this.viewer?.online) return false;
    const came = new Promise<boolean>((settle) => {
      const timer = setTimeout(() => this.pageCame(false), PAGE_MS);
      this.paging = (some) => {
        clearTimeout(timer);
        settle(some);
      };
    });
    this.viewer.older(this.transcript.oldestIndex, PAGE);
    return came;
  }

  send(text: string, options: { attachments?: readonly Attachment[]; mode?: SendMode } = {}): Promise<void> {
    const { attachments = [], mode = "steer" } = options;
    rememberPrompt(this.id, text);
    const active = this.facts.peek().active;
    if (active && mode === "followUp") {
      this.localQueue.set([...this.queueNow(), text]);
      return this.input.follow(text, attachments).catch((error: unknown) => {
        this.localQueue.set(this.queueNow().filter((entry) => entry !== text));
        throw error;
      });
    }
    return this.input.say(text, attachments, active);
  }

  retry(key: string): Promise<void> {
    return this.input.retry(key, this.facts.peek().active);
  }

  discard(key: string): string {
    return this.input.discard(key);
  }

  answer(question: Question, answers: readonly (string | readonly string[])[]): Promise<void> {
    return this.settle(question.id, answerText(question, answers));
  }

  decidePlan(plan: PlanReview, decision: PlanDecision): Promise<void> {
    return this.settle(plan.id, planText(decision));
  }

  decideApproval(approval: Approval, decision: ApprovalDecision): Promise<void> {
    return this.settle(approval.id, approvalText(approval, decision));
  }

  async decideTrust(promptId: string, trusted: boolean): Promise<void> {
    await this.exec("plugin_trust_response", { promptId, trusted });
    this.answered.value = promptId;
  }

  async stop(): Promise<void> {
    await this.exec("abort");
  }

  async setModel(provider: string, id: string): Promise<void> {
    const told = new Promise<string | null>((settle) => {
      const hear = (error: string | null): void => {
        clearTimeout(timer);
        this.modelAnswers.delete(hear);
        settle(error);
      };
      const timer = setTimeout(() => hear(null), MODEL_MS);
      this.modelAnswers.add(hear);
    });
    this.watched().emit("model_set", { provider, modelId: id });
    const refused = await told;
    if (refused !== null) throw new Error(refused);
  }

  async setThinking(level: string): Promise<void> {
    await this.exec("set_thinking_level", { level });
    this.facts.value = { ...this.facts.peek(), thinkingLevel: level };
  }

  async setPlanMode(on: boolean): Promise<void> {
    await this.exec("set_plan_mode", { enabled: on });
  }

  async setQueue(messages: readonly string[]): Promise<void> {
    this.localQueue.set(messages);
    await this.exec("set_queued_messages", { messages });
  }

  async compact(instructions?: string): Promise<void> {
    await this.exec("compact", instructions ? { customInstructions: instructions } : {}, COMPACT_MS);
  }

  exec(command: string, fields: object = {}, timeout?: number): Promise<Json> {
    try {
      return this.watched().exec(command, fields, timeout);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async respondToTrigger(triggerId: string, response: string, action?: string, childId?: string): Promise<void> {
    const payload = { response, targetSessionId: childId ?? this.id, ...(action ? { action } : {}) };
    await this.answers.send(this.watched(), triggerId, payload);
  }

  async pasteMcpCode(nonce: string, code: string): Promise<void> {
    const answer = await this.watched().ask<Json>("mcp_oauth_paste", { nonce, code }, PASTE_MS);
    if (answer.ok !== true) throw new Error(str(answer.error) || "The code was not taken.");
  }

  service(serviceId: string, type: string, payload: object, timeout?: number): Promise<Json> {
    try {
      return this.watched().service(serviceId, type, payload, timeout);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  onService(hear: (serviceId: string, type: string, payload: Json) => void): () => void {
    this.services.add(hear);
    return () => this.services.delete(hear);
  }

  upload(file: File, progress?: (part: number) => void, abort?: AbortSignal): Promise<Attachment> {
    return uploadFile(this.id, file, progress, abort);
  }

  private watched(): Viewer {
    if (!this.viewer) throw new Error("This session is not open.");
    return this.viewer;
  }

  private async settle(promptId: string, text: string): Promise<void> {
    await this.input.answer(text);
    this.answered.value = promptId;
  }

  private queueNow(): readonly string[] {
    return this.localQueue.messages.peek() ?? this.facts.peek().queue;
  }

  private handlers(): Parameters<typeof openViewer>[1] {
    return {
      connected: (payload) => this.connected(payload),
      event: (event) => this.event(event),
      page: (messages, oldest, hasMore) => {
        this.transcript.prepend(messages, oldest, hasMore);
        this.show();
        this.pageCame(messages.length > 0);
      },
      gone: (code, reason) => this.gone(code, reason),
      error: (message) => this.failed(message),
      other: (name, payload) => this.other(name, payload),
      online: (on) => this.online(on),
      stalled: () => {
        this.shownReason.value = "This conversation did not load.";
        this.shownPhase.value = "failed";
      },
      expectant: () => ({ active: this.facts.peek().active, incomplete: this.transcript.incomplete }),
    };
  }

  private pageCame(some: boolean): void {
    this.paging?.(some);
    this.paging = null;
  }

  private connected(payload: Json): void {
    if (payload.isActive === true || payload.isActive === false) this.activity(payload.isActive);
    if (typeof payload.sessionName === "string") this.facts.value = { ...this.facts.peek(), name: payload.sessionName };
    if (this.transcript.hydrated && this.viewer?.cursor !== null) this.goLive();
    else if (this.shownPhase.peek() !== "live") this.shownPhase.value = "loading";
  }

  private activity(active: boolean): void {
    this.transcript.setActive(active);
    this.facts.value = setActive(this.facts.peek(), active, Date.now());
    this.frame.ask();
  }

  private goLive(): void {
    this.shownReason.value = "";
    this.shownPhase.value = "live";
    this.input.resume();
  }

  private online(on: boolean): void {
    if (on) return;
    const phase = this.shownPhase.peek();
    if (phase === "live") this.shownPhase.value = "reconnecting";
    this.input.pause(null);
    this.pageCame(false);
  }

  private event(event: AgentEvent): void {
    if (this.transcript.apply(event) === "resync") this.viewer?.resync();
    const facts = learn(this.facts.peek(), event, Date.now());
    if (facts !== this.facts.peek()) this.facts.value = facts;
    switch (event.type) {
      case "session_active":
        this.took();
        break;
      case "session_messages_chunk":
        if (!this.transcript.incomplete) this.took();
        break;
      case "message_start":
      case "message_end":
        this.names(event);
        break;
      case "cli_error":
        this.transcript.notice(str(event.message), "error");
        break;
      case "ui_notify":
        this.transcript.notice(plain(str(event.message)), event.notifyType === "error" ? "error" : "plain");
        break;
      case "model_select":
        for (const hear of [...this.modelAnswers]) hear(null);
        break;
      case "model_set_result":
        for (const hear of [...this.modelAnswers]) hear(event.ok === true ? null : str(event.message) || "This model cannot be used.");
        break;
    }
    this.frame.ask();
  }

  /** Note that a transcript came. */
  private took(): void {
    if (!this.transcript.hydrated) return;
    this.goLive();
    // What a page of before was asked of is not what is shown now.
    this.pageCame(false);
    this.show();
    const first = this.transcript.hasOlder ? undefined : this.shownClosed.peek().find((block) => block.kind === "you");
    if (first?.kind === "you") rememberPrompt(this.id, first.text);
  }

  private names(event: AgentEvent): void {
    const message = event.message;
    if (typeof message !== "object" || message === null) return;
    const said = message as Json;
    if (said.role === "user" && !this.transcript.hasOlder) rememberPrompt(this.id, textOf(said).replace(/<!--[\s\S]*?-->/g, ""));
  }

  private gone(code: string, reason: string): void {
    this.activity(false);
    if (code === "session_reconnected" || reason === "Session reconnected") {
      this.shownPhase.value = "awaited";
      this.shownReason.value = "The agent is starting again.";
      return;
    }
    // A session that was ordered a moment ago is not there yet; the relay tells when it is.
    if (isExpected(this.id)) return;
    if (this.transcript.hydrated) {
      this.shownReason.value = reason;
      this.shownPhase.value = "ended";
      this.frame.ask();
      return;
    }
    void this.replay();
  }

  /** Show what the relay stored of a session that is not live. */
  private async replay(): Promise<void> {
    if (this.replaying) return;
    this.replaying = true;
    try {
      const state = await readEnded(this.id);
      if (this.transcript.hydrated) return;
      if (state) {
        this.transcript.apply({ type: "session_active", state });
        this.transcript.setActive(false);
        this.facts.value = learn(this.facts.peek(), { type: "session_active", state }, Date.now());
      }
      this.shownPhase.value = state ? "ended" : "gone";
      this.show();
    } catch (error) {
      this.shownReason.value = error instanceof Error ? error.message : "This conversation did not load.";
      this.shownPhase.value = "failed";
    } finally {
      this.replaying = false;
    }
  }

  private failed(message: string): void {
    if (message === "Session not found") {
      if (!this.transcript.hydrated) void this.replay();
      return;
    }
    if (/offline/i.test(message) && !this.transcript.hydrated) {
      this.shownReason.value = message;
      this.shownPhase.value = "awaited";
      return;
    }
    this.transcript.notice(message, "error");
    this.frame.ask();
  }

  private other(name: string, payload: Json): void {
    switch (name) {
      case "trigger_error":
        this.answers.refuse(str(payload.triggerId), str(payload.message));
        break;
      case "trigger_status_update":
        this.children.value = new Map([...this.children.peek(), [str(payload.sourceSessionId), str(payload.statusText)]]);
        break;
      case "trigger_delivered":
      case "trigger_subscriptions_changed":
        this.triggers.value += 1;
        break;
      default:
        this.facts.value = announce(this.facts.peek(), name, payload);
    }
  }

  /** Put what the transcript has on screen. */
  private show(): void {
    const { closed, open } = this.transcript.read();
    this.shownClosed.value = closed;
    this.shownOpen.value = open;
    this.more.value = this.transcript.hasOlder;
    this.doing.value = this.transcript.doing();
    reportOpen(this.id, this.viewer ? this.doing.value : "", this.facts.peek().failed);
  }
}
