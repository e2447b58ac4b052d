/** What this browser knows of sessions that the relay does not: looks, marks, prompts, what was ordered, what is open. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { local } from "../lib/storage";
import type { Json } from "../transcript/wire";

/** Sessions whose last look is remembered; the oldest looks go first. */
const MOST_SEEN = 500;
const MOST_PROMPTS = 300;
const PROMPT_LENGTH = 300;
/** How long a session that was ordered may take to report. */
const EXPECTED_MS = 60_000;

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** Until when each session was seen, ms since the epoch. */
export const seen = local<Readonly<Record<string, number>>>("seen", {}, isRecord);
/** Sessions marked as new by hand. */
export const marked = local<readonly string[]>("marked", [], Array.isArray);
/** First prompts, as far as this browser knows them. */
export const prompts = local<Readonly<Record<string, string>>>("prompts", {}, isRecord);
/** When this browser saw its first list: what changed before is not new. */
export const baseline = local<number>("since", 0, (value) => typeof value === "number");
/** Sessions that were told to end. */
export const ending = signal<ReadonlySet<string>>(new Set());
/** Sessions that were ordered and have not reported yet. */
export const expected = signal<ReadonlyMap<string, Json>>(new Map());
/** What open sessions do now. */
export const doing = signal<ReadonlyMap<string, string>>(new Map());
/** Open sessions whose last turn failed. */
export const failed = signal<ReadonlySet<string>>(new Set());

const onScreen = signal<string | null>(null);
/** The session on screen. */
export const current: ReadonlySignal<string | null> = onScreen;

/** Begin to count what is new, at the first visit. */
export function startBaseline(): void {
  if (baseline.peek() === 0) baseline.value = Date.now();
}

/** Answer whether a session was ordered and has not reported yet. */
export function isExpected(id: string): boolean {
  return expected.peek().has(id);
}

/** Note that a session was ordered. */
export function expect(id: string, info: Json): void {
  expected.value = new Map([...expected.peek(), [id, info]]);
  setTimeout(() => arrived(id), EXPECTED_MS);
}

/** Note that it reported, or that nobody waits for it any more. */
export function arrived(id: string): void {
  if (!expected.peek().has(id)) return;
  const next = new Map(expected.peek());
  next.delete(id);
  expected.value = next;
}

/** Mark a session as new by hand. */
export function markNew(id: string): void {
  if (!marked.peek().includes(id)) marked.value = [...marked.peek().slice(-MOST_SEEN), id];
}

/** Mark a session as seen. */
export function markSeen(id: string): void {
  sawUntil(id, Date.now());
}

/** Note that what changed up to a time was seen. */
export function sawUntil(id: string, at: number): void {
  if (marked.peek().includes(id)) marked.value = marked.peek().filter((entry) => entry !== id);
  if ((seen.peek()[id] ?? 0) >= at) return;
  const entries = Object.entries({ ...seen.peek(), [id]: at });
  if (entries.length > MOST_SEEN) entries.sort((a, b) => b[1] - a[1]).length = MOST_SEEN;
  seen.value = Object.fromEntries(entries);
}

/** Say which session is on screen, null for none. */
export function setCurrent(id: string | null): void {
  const before = onScreen.peek();
  if (before === id) return;
  if (before !== null) markSeen(before);
  onScreen.value = id;
  if (id !== null) markSeen(id);
}

/** Remember the first prompt of a session, for its name and for finding it. */
export function rememberPrompt(id: string, prompt: string): void {
  const text = prompt.trim().slice(0, PROMPT_LENGTH);
  if (text === "" || prompts.peek()[id] !== undefined) return;
  prompts.value = Object.fromEntries([...Object.entries(prompts.peek()).slice(-MOST_PROMPTS), [id, text]]);
}

/** Note what an open session does now and whether its last turn failed. */
export function reportOpen(id: string, words: string, didFail: boolean): void {
  if ((doing.peek().get(id) ?? "") !== words) {
    const next = new Map(doing.peek());
    if (words === "") next.delete(id);
    else next.set(id, words);
    doing.value = next;
  }
  include(failed, id, didFail);
}

/** Note whether a session was told to end. */
export function setEnding(id: string, on: boolean): void {
  include(ending, id, on);
}

function include(target: { value: ReadonlySet<string>; peek(): ReadonlySet<string> }, id: string, on: boolean): void {
  if (target.peek().has(id) === on) return;
  const next = new Set(target.peek());
  if (on) next.add(id);
  else next.delete(id);
  target.value = next;
}
