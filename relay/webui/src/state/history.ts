/** Sessions that ended, in pages, and those that are pinned (rest-runners.md 7.1 to 7.3). */

import { type ReadonlySignal, computed, signal } from "@preact/signals";
import { del, get, put, seg } from "../api/rest";
import { type Json, obj, objects, str } from "../transcript/wire";

const PAGE = 50;

const rows = signal<ReadonlyMap<string, Json>>(new Map());
const pins = signal<ReadonlySet<string>>(new Set());
const cursor = signal<string | null>(null);
const ready = signal(false);

/** Stored sessions by id, as far as they were loaded. */
export const stored: ReadonlySignal<ReadonlyMap<string, Json>> = rows;
/** Ids of pinned sessions. */
export const pinned: ReadonlySignal<ReadonlySet<string>> = pins;
/** True when there are older ones to load. */
export const hasMore: ReadonlySignal<boolean> = computed(() => cursor.value !== null);
/** True after the first page came. */
export const historyLoaded: ReadonlySignal<boolean> = ready;

/** Load the newest page and the pins; what was loaded before stays. */
export async function loadHistory(): Promise<void> {
  const [page, marked] = await Promise.all([fetchPage(null), get<unknown>("/api/sessions/pinned")]);
  const kept = objects(obj(marked).pinnedSessions);
  add([...page.rows, ...kept]);
  pins.value = new Set(kept.map((row) => str(row.sessionId)));
  if (!ready.peek()) cursor.value = page.next;
  ready.value = true;
}

/** Load the next older page; answers whether there may be more. */
export async function loadMore(): Promise<boolean> {
  const from = cursor.peek();
  if (from === null) return false;
  const page = await fetchPage(from);
  add(page.rows);
  cursor.value = page.next;
  return page.next !== null;
}

/** Pin or unpin; shown at once and taken back when the relay refuses. */
export async function setPin(id: string, on: boolean): Promise<void> {
  mark(id, on);
  try {
    await (on ? put(`/api/sessions/${seg(id)}/pin`) : del(`/api/sessions/${seg(id)}/pin`));
  } catch (error) {
    mark(id, !on);
    throw error;
  }
}

/** Forget everything, as after signing out. */
export function forgetHistory(): void {
  rows.value = new Map();
  pins.value = new Set();
  cursor.value = null;
  ready.value = false;
}

function mark(id: string, on: boolean): void {
  const next = new Set(pins.peek());
  if (on) next.add(id);
  else next.delete(id);
  pins.value = next;
}

function add(list: readonly Json[]): void {
  const next = new Map(rows.peek());
  for (const row of list) if (str(row.sessionId) !== "") next.set(str(row.sessionId), row);
  rows.value = next;
}

async function fetchPage(from: string | null): Promise<{ rows: readonly Json[]; next: string | null }> {
  const after = from === null ? "" : `&cursor=${seg(from)}`;
  const answer = obj(await get<unknown>(`/api/sessions?includePersisted=1&limit=${PAGE}${after}`));
  return { rows: objects(answer.persistedSessions), next: str(answer.nextCursor) || null };
}
