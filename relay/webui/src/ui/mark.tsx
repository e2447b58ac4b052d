/** Status marks: each state has its own shape, so colour is never alone (brief 9). */
import type { JSX } from "preact";

/** Every state that has a mark. */
export type MarkState =
  | "working" | "waiting" | "idle" | "ended" | "offline" | "failed" | "connected" | "new"
  | "you" | "sending" | "tool" | "thought" | "question" | "stop" | "next" | "done" | "notice";

const SHAPE: Record<MarkState, string> = {
  working: "work", waiting: "wait", idle: "idle", ended: "end", offline: "off", failed: "fail", connected: "live", new: "new",
  you: "you", sending: "thought", tool: "dot", thought: "thought", question: "wait", stop: "end", next: "next", done: "done", notice: "dot",
};

/** The words of the states of a session (brief 8, row 2). */
export const STATE_WORDS: Record<"working" | "waiting" | "idle" | "ended" | "offline" | "failed", string> = {
  working: "Working",
  waiting: "Waiting for you",
  idle: "Idle",
  ended: "Ended",
  offline: "Runner offline",
  failed: "Stopped on an error",
};

/** A mark in its 16 px box. With `word` it is named for readers, or shown beside it with `show`. */
export function Mark({ state, word, show, class: more }: { state: MarkState; word?: string; show?: boolean; class?: string }): JSX.Element {
  const mark = (
    <span class={`mk mk-${SHAPE[state]}${more ? ` ${more}` : ""}`} aria-hidden={show || !word ? "true" : undefined} role={word && !show ? "img" : undefined} aria-label={word && !show ? word : undefined} />
  );
  if (!show || !word) return mark;
  return <span class="mk-word">{mark}{word}</span>;
}

/** The turning arc in the size of the text, inside buttons. */
export function Spinner(): JSX.Element {
  return <span class="spin" aria-hidden="true" />;
}

/** Two nodes on a wire. */
export function Logo({ large }: { large?: boolean }): JSX.Element {
  const [width, height] = large ? [39, 24] : [26, 16];
  return (
    <svg width={width} height={height} viewBox="0 0 26 16" aria-hidden="true" class="logo">
      <circle cx="4.5" cy="8" r="3.5" fill="none" stroke="currentColor" stroke-width="2" />
      <path d="M8.5 8h8" stroke="currentColor" stroke-width="2" />
      <circle class="logo-end" cx="20.5" cy="8" r="4.5" />
    </svg>
  );
}

/** A gauge: a wire with a bead. `value` from 0 to 1. */
export function Wire({ value, label, strong }: { value: number; label: string; strong?: boolean }): JSX.Element {
  const share = Math.min(1, Math.max(0, value));
  return (
    <span class={`wire${strong ? " wire-strong" : ""}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
      <i style={{ width: `${share * 100}%` }} />
    </span>
  );
}

/** How far a plan is: a pip per step up to eight, else a wire; always with the words "5 of 6". */
export function Pips({ done, total, working }: { done: number; total: number; working?: boolean }): JSX.Element {
  const pips = total <= 8 ? Array.from({ length: total }, (_, at) => (at < done ? "full" : at === done && working ? "now" : "")) : [];
  return (
    <span class="pips-words">
      {pips.length > 0 ? <span class="pips" aria-hidden="true">{pips.map((kind, at) => <i key={at} class={kind} />)}</span> : <Wire value={total ? done / total : 0} label="Plan" />}
      {`${done} of ${total}`}
    </span>
  );
}
