/** Which questions were on screen here and then answered somewhere else. */

import { signal } from "@preact/signals";

/** So many are remembered while the page is open. */
const MOST = 200;

const closed = signal<ReadonlySet<string>>(new Set());

/** Note that a question left the screen without an answer from here. */
export function noteElsewhere(id: string): void {
  if (id !== "") closed.value = new Set([...[...closed.peek()].slice(1 - MOST), id]);
}

/** Answer whether a question was answered on another device while it was on screen here. Reads the signal. */
export function answeredElsewhere(id: string): boolean {
  return closed.value.has(id);
}
