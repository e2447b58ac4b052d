/** Open sessions: those on screen are watched, the last few stay in memory for an instant return. */

import { LiveSession } from "./live-session";
import type { OpenSession } from "./types";

/** How many sessions stay in memory, those on screen among them. */
const MOST_KEPT = 5;

interface Kept {
  readonly session: LiveSession;
  users: number;
}

const kept = new Map<string, Kept>();

/** Open a session; call its `close` when it leaves the screen. Opening it twice answers the same object. */
export function openSession(id: string): OpenSession {
  let entry = kept.get(id);
  if (!entry) {
    entry = { session: new LiveSession(id, () => leave(id)), users: 0 };
  }
  // The map's order is the order of last use.
  kept.delete(id);
  kept.set(id, entry);
  entry.users += 1;
  if (entry.users === 1) entry.session.attach();
  forgetOldest();
  return entry.session;
}

/** Answer whether a session is in memory and can be shown at once. */
export function inMemory(id: string): boolean {
  return kept.get(id)?.session.hydrated ?? false;
}

/** Forget every session, as after signing out. */
export function forgetSessions(): void {
  for (const { session } of kept.values()) session.detach();
  kept.clear();
}

function leave(id: string): void {
  const entry = kept.get(id);
  if (!entry || entry.users === 0) return;
  entry.users -= 1;
  if (entry.users === 0) entry.session.detach();
  forgetOldest();
}

function forgetOldest(): void {
  for (const [id, { users }] of kept) {
    if (kept.size <= MOST_KEPT) return;
    if (users === 0) kept.delete(id);
  }
}
