/**
 * The blocks that a conversation shows. A block never changes: what grows or ends is replaced by another object with
 * the same `key`, and everything that did not change stays the same object, so `===` tells what to draw again. Pure.
 */

import type { PlanReview, Question } from "./prompts";

/** A picture: an address of this relay, or the bytes inline. Only raster types are kept. */
export interface Picture {
  readonly src: string;
  readonly type: string;
}

/** What a person said. */
export interface YouBlock {
  readonly kind: "you";
  readonly key: string;
  readonly text: string;
  readonly images: readonly Picture[];
  /** Milliseconds since the epoch; undefined when nobody told. */
  readonly at: number | undefined;
  readonly steered: boolean;
  /** `sending`: not acknowledged yet. `failed`: "Not sent", with a reason; `OpenSession.retry(key)` sends it again. */
  readonly delivery: "sent" | "sending" | "failed";
  readonly reason?: string;
}

/** Why an answer ended early. */
export type Cut = "stopped" | "length" | "error";

/** What the agent said, as Markdown. */
export interface AnswerBlock {
  readonly kind: "answer";
  readonly key: string;
  readonly markdown: string;
  /** True while it grows. */
  readonly open: boolean;
  readonly cut?: Cut;
  /** The provider's words for `cut: "error"`. */
  readonly message?: string;
  readonly at: number | undefined;
}

/** What the agent thought. */
export interface ThinkingBlock {
  readonly kind: "thinking";
  readonly key: string;
  readonly text: string;
  readonly open: boolean;
  readonly redacted: boolean;
  /** How long it thought; undefined when nobody measured. */
  readonly seconds: number | undefined;
  /** When it began, by this browser's clock, while `open`. */
  readonly startedAt: number | undefined;
}

/** One line of a diff. `gap` stands for lines that are left out. */
export interface DiffLine {
  readonly kind: "same" | "add" | "del" | "gap";
  readonly text: string;
  readonly old?: number;
  readonly new?: number;
}

/** A change to one file. */
export interface FileDiff {
  readonly path: string;
  readonly lines: readonly DiffLine[];
  readonly added: number;
  readonly removed: number;
}

/** What sort of thing a tool does: reads and searches fold into one line, only a shell can be stopped. */
export type ToolSort = "shell" | "read" | "search" | "edit" | "write" | "web" | "ask" | "plan" | "session" | "todo" | "other";

/** One tool call with what came of it. */
export interface ToolBlock {
  readonly kind: "tool";
  readonly key: string;
  readonly callId: string;
  readonly name: string;
  readonly sort: ToolSort;
  /** Past tense: "Ran", "Read"; the name itself (mono) for a tool that nobody knows. */
  readonly verb: string;
  /** Present tense, for `running`: "Running", "Reading". */
  readonly doing: string;
  /** True when the verb is the tool's own name, to be set in mono. */
  readonly mono: boolean;
  /** A command, path, pattern or address; "" without one. */
  readonly object: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The whole text output so far. */
  readonly output: string;
  readonly images: readonly Picture[];
  /** `queued`: the arguments are still being written. `lost`: the run ended without a result. */
  readonly state: "queued" | "running" | "done" | "failed" | "lost";
  readonly exit: number | undefined;
  /** What the result comes to, for the right edge: "Failed, exit 1", "214 lines", "3 files"; "" when nothing. */
  readonly result: string;
  readonly startedAt: number | undefined;
  readonly seconds: number | undefined;
  readonly diff: FileDiff | undefined;
  /** Set for a question or a plan that the agent put: what it asked and what was answered. */
  readonly question?: Question;
  readonly plan?: PlanReview;
  /** The id of a session that this call started. */
  readonly childId?: string;
}

/** A thin centred line. `detail` opens below it. */
export interface NoticeBlock {
  readonly kind: "notice";
  readonly key: string;
  readonly words: string;
  readonly tone: "plain" | "error";
  readonly detail?: string;
}

/** What a trigger or another session sent into this one. */
export interface TriggerBlock {
  readonly kind: "trigger";
  readonly key: string;
  readonly triggerId: string;
  /** The sender: a session's id, or `external:github`. */
  readonly source: string;
  readonly sourceIsSession: boolean;
  /** A question of a child session to be answered here, a child that ended, or an event. */
  readonly about: "question" | "plan" | "complete" | "event";
  readonly text: string;
  readonly questions: readonly Question[];
  readonly at: number | undefined;
}

/** A message of an extension, shown as Markdown. */
export interface NoteBlock {
  readonly kind: "note";
  readonly key: string;
  readonly title: string;
  readonly markdown: string;
}

export type Block =
  | YouBlock
  | AnswerBlock
  | ThinkingBlock
  | ToolBlock
  | NoticeBlock
  | TriggerBlock
  | NoteBlock;
