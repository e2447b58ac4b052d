/** The shapes that pages read from the state. */

import type { ReadonlySignal } from "@preact/signals";
import type { Json } from "../transcript/wire";
import type { Block } from "../transcript/blocks";
import type { Approval, ApprovalDecision, Pending, PlanDecision, PlanReview, Question } from "../transcript/prompts";

/** How a session stands, the more pressing before the less (brief 5, status mark). */
export type SessionStatus = "offline" | "waiting" | "working" | "failed" | "idle" | "ended";

/** A model as runners name it. */
export interface Model {
  readonly provider: string;
  readonly id: string;
  readonly name: string;
  readonly reasoning: boolean;
  readonly contextWindow: number | undefined;
  /** The levels that it takes; empty when nobody said. */
  readonly thinkingLevels: readonly string[];
}

/** One step of the agent's list. */
export interface Todo {
  readonly id: string;
  readonly text: string;
  readonly status: "pending" | "in_progress" | "done" | "cancelled";
}

/** What a session used so far. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cost: number;
  readonly contextTokens: number | undefined;
}

/** What the agent works towards, if it was given a goal. */
export interface Goal {
  readonly description: string;
  readonly status: string;
  readonly turnCount: number;
  readonly maxTurns: number | undefined;
}

/** How the servers of the Model Context Protocol came up. */
export interface McpReport {
  readonly slow: boolean;
  readonly errors: readonly { readonly server: string; readonly error: string }[];
  readonly servers: readonly { readonly name: string; readonly tools: number; readonly ms: number; readonly error: string }[];
}

/** One session as lists show it. */
export interface SessionRow {
  readonly id: string;
  /** Never an id: a person's name for it, the first sentence of its prompt, or "New session in {folder}". */
  readonly name: string;
  /** The name that a person or the agent gave it; "" without one. */
  readonly givenName: string;
  readonly cwd: string;
  /** The last part of `cwd`. */
  readonly folder: string;
  readonly runnerId: string | null;
  readonly runnerName: string;
  readonly model: Model | null;
  readonly status: SessionStatus;
  readonly live: boolean;
  /** What it does now, in words; "" when nothing is known. */
  readonly doing: string;
  /** What it asks of a person. */
  readonly pending: Pending | null;
  /** Ms since the epoch when it began to wait, by what this browser saw. */
  readonly pendingSince: number | undefined;
  readonly parentId: string | null;
  /** Ids of its live children. */
  readonly children: readonly string[];
  readonly pinned: boolean;
  /** Something happened since this browser last looked at it. */
  readonly isNew: boolean;
  /** Told to end and still there. */
  readonly ending: boolean;
  readonly changedAt: number;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly plan: { readonly done: number; readonly total: number } | null;
  readonly todo: readonly Todo[];
  readonly usage: TokenUsage | null;
  readonly compacting: boolean;
  /** The first prompt as far as known, for finding it. */
  readonly prompt: string;
}

/** The groups of home, each session in one of them. */
export interface HomeGroups {
  readonly waiting: readonly SessionRow[];
  readonly working: readonly SessionRow[];
  readonly fresh: readonly SessionRow[];
  readonly earlier: readonly SessionRow[];
}

/** One place of the sidebar: a folder on a runner. Roots only; children hang below through `children`. */
export interface SidebarGroup {
  readonly key: string;
  readonly folder: string;
  readonly cwd: string;
  readonly runnerId: string | null;
  readonly runnerName: string;
  readonly rows: readonly SessionRow[];
}

/** The order of the sidebar: by place. */
export interface Sidebar {
  readonly waiting: readonly SessionRow[];
  readonly pinned: readonly SessionRow[];
  readonly groups: readonly SidebarGroup[];
}

/** What one open session is, besides its transcript. */
export interface SessionMeta {
  readonly name: string;
  readonly cwd: string;
  /** True while the agent is in a turn. */
  readonly active: boolean;
  readonly model: Model | null;
  readonly models: readonly Model[];
  readonly commands: readonly Command[];
  readonly thinkingLevel: string;
  readonly planMode: boolean;
  readonly compacting: boolean;
  /** The provider refused and the agent tries again. */
  readonly retry: { readonly message: string; readonly since: number } | null;
  readonly todo: readonly Todo[];
  readonly goal: Goal | null;
  readonly usage: TokenUsage | null;
  /** Tokens in the context and how many fit; undefined when unknown. */
  readonly context: { readonly used: number; readonly window: number } | undefined;
  /** What the context consists of, as the agent tells it; null when it does not. */
  readonly analysis: Json | null;
  /** Prompts that wait for the end of the turn. */
  readonly queue: readonly string[];
  readonly pending: Pending | null;
  readonly pendingSince: number | undefined;
  /** What the agent does now: "Writing an answer", "Running pytest -q"; "" when idle. */
  readonly doing: string;
  /** When the present turn began. */
  readonly turnSince: number | undefined;
  /** The last turn ended with an error. */
  readonly failed: boolean;
  readonly mcp: McpReport | null;
  /** Sign-in requests of MCP servers. */
  readonly mcpAuth: readonly McpAuth[];
  readonly providerUsage: Json | null;
  /** Services of the runner that answer for this session, as last announced. */
  readonly serviceIds: readonly string[];
  readonly panels: readonly Json[];
  /** Commands may be given; false for a session that only mirrors another. */
  readonly collab: boolean;
}

/** A server that wants a person to sign in. With a nonce, what the page gives back is to be pasted. */
export interface McpAuth {
  readonly server: string;
  readonly url: string;
  readonly nonce: string | null;
}

/** A slash command. */
export interface Command {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly argumentHint: string;
  readonly completions: readonly { readonly value: string; readonly label: string; readonly description: string }[];
}

/**
 * How a session on screen stands. `awaited`: the relay expects its agent back. `ended`: the transcript is what is left.
 * `gone`: no such session. `failed`: the transcript did not come.
 */
export type Phase = "loading" | "live" | "reconnecting" | "awaited" | "ended" | "gone" | "failed";

/** A file that was uploaded for a prompt. */
export interface Attachment {
  readonly attachmentId: string;
  readonly filename: string;
  readonly mediaType: string;
  readonly size: number;
}

/** How a prompt is delivered while the agent works. */
export type SendMode = "steer" | "followUp";

/** One open session: its transcript, what it is, and everything that a person can do with it. */
export interface OpenSession {
  readonly id: string;
  /**
   * What will not change any more. The array is another one only when its content is; growing touches `open` alone.
   * A block that did not change is the same object as before.
   */
  readonly closed: ReadonlySignal<readonly Block[]>;
  /** The end that still grows: the present answer, its running tools, prompts on their way. */
  readonly open: ReadonlySignal<readonly Block[]>;
  /** Both, in order. */
  readonly blocks: ReadonlySignal<readonly Block[]>;
  readonly phase: ReadonlySignal<Phase>;
  readonly meta: ReadonlySignal<SessionMeta>;
  /** Why `phase` is `ended` or `failed`, in words; else "". */
  readonly reason: ReadonlySignal<string>;
  readonly hasOlder: ReadonlySignal<boolean>;
  /** Load the page before; answers whether anything came. */
  older(): Promise<boolean>;
  /** Send a prompt. While offline it waits. Rejects with words; the block then says "Not sent". */
  send(text: string, options?: { attachments?: readonly Attachment[]; mode?: SendMode }): Promise<void>;
  /** Send a prompt again that could not be sent. */
  retry(key: string): Promise<void>;
  /** Take a prompt that could not be sent away; answers its text. */
  discard(key: string): string;
  /** Answer what the agent asked; one entry per part, a list for several choices. */
  answer(question: Question, answers: readonly (string | readonly string[])[]): Promise<void>;
  decidePlan(plan: PlanReview, decision: PlanDecision): Promise<void>;
  decideApproval(approval: Approval, decision: ApprovalDecision): Promise<void>;
  decideTrust(promptId: string, trusted: boolean): Promise<void>;
  /** Stop the present turn. */
  stop(): Promise<void>;
  setModel(provider: string, id: string): Promise<void>;
  setThinking(level: string): Promise<void>;
  setPlanMode(on: boolean): Promise<void>;
  setQueue(messages: readonly string[]): Promise<void>;
  compact(instructions?: string): Promise<void>;
  /** Any other command of sockets-browsers.md 2.8. */
  exec(command: string, fields?: object, timeout?: number): Promise<Json>;
  /** Answer a child's question or acknowledge its end. */
  respondToTrigger(triggerId: string, response: string, action?: string, childId?: string): Promise<void>;
  pasteMcpCode(nonce: string, code: string): Promise<void>;
  service(serviceId: string, type: string, payload: object, timeout?: number): Promise<Json>;
  onService(hear: (serviceId: string, type: string, payload: Json) => void): () => void;
  /** Upload a file; `progress` hears parts of 1. */
  upload(file: File, progress?: (part: number) => void, signal?: AbortSignal): Promise<Attachment>;
  /** Rises whenever triggers or subscriptions of this session changed. */
  readonly triggersVersion: ReadonlySignal<number>;
  /** The newest word of each linked child that reports its progress, by trigger id. */
  readonly childStatus: ReadonlySignal<ReadonlyMap<string, string>>;
  /** Ask for the transcript again after `failed`. */
  reload(): void;
  /** Leave it. It stays in memory for a while and opens at once the next time. */
  close(): void;
}
