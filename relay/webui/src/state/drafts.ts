/** What was typed and not sent, one draft per session, kept in this browser until it is sent. */

import { type Signal, signal } from "@preact/signals";
import { local } from "../lib/storage";
import type { Attachment } from "./types";

/** A draft. Attachments are uploaded already. */
export interface Draft {
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

const EMPTY: Draft = { text: "", attachments: [] };
/** Drafts that are kept; the oldest go first. */
const MOST = 60;

interface Kept extends Draft {
  readonly at: number;
}

const kept = local<Readonly<Record<string, Kept>>>("drafts", {}, (value) => typeof value === "object" && value !== null);
const open = new Map<string, Signal<Draft>>();

/** Answer the draft of a session; `new` holds that of the new-session dialog. */
export function draft(sessionId: string): Signal<Draft> {
  let found = open.get(sessionId);
  if (!found) {
    const stored = kept.peek()[sessionId];
    const made = signal<Draft>(stored ? { text: stored.text ?? "", attachments: stored.attachments ?? [] } : EMPTY);
    let last = made.peek();
    made.subscribe((value) => {
      if (value === last) return;
      last = value;
      keep(sessionId, value);
    });
    open.set(sessionId, made);
    found = made;
  }
  return found;
}

/** Empty the draft of a session. */
export function clearDraft(sessionId: string): void {
  draft(sessionId).value = EMPTY;
}

/** Answer whether anything was typed for a session. */
export function hasDraft(sessionId: string): boolean {
  const { text, attachments } = draft(sessionId).value;
  return text.trim() !== "" || attachments.length > 0;
}

function keep(sessionId: string, value: Draft): void {
  const next: Record<string, Kept> = { ...kept.peek() };
  if (value.text === "" && value.attachments.length === 0) delete next[sessionId];
  else next[sessionId] = { ...value, at: Date.now() };
  const ids = Object.keys(next).sort((a, b) => (next[b]?.at ?? 0) - (next[a]?.at ?? 0));
  for (const id of ids.slice(MOST)) delete next[id];
  kept.value = next;
}
