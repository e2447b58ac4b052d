/** The sessions of this account as lists show them, and what can be done with one without opening it. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { post } from "../api/rest";
import { local } from "../lib/storage";
import { type Json, obj, str } from "../transcript/wire";
import { withAgent } from "./agent-link";
import { forgetHistory, hasMore, historyLoaded, loadHistory, loadMore, pinned, setPin, stored } from "./history";
import { newId } from "./ids";
import { followHub, live, liveLoaded, onSessionAdded, onSessionGone } from "./hub-feed";
import { groupHome, groupSidebar, makeRows, search } from "./rows";
import { connectedRunners, runnersLoaded } from "./runners";
import type { HomeGroups, SessionRow, Sidebar } from "./types";

/** Sessions whose last look is remembered; the oldest looks go first. */
const MOST_SEEN = 500;
const MOST_PROMPTS = 300;
const PROMPT_LENGTH = 300;
/** How long a session that was ordered may take to report. */
const EXPECTED_MS = 60_000;

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
const seen = local<Readonly<Record<string, number>>>("seen", {}, isRecord);
const marked = local<readonly string[]>("marked", [], Array.isArray);
const prompts = local<Readonly<Record<string, string>>>("prompts", {}, isRecord);
const baseline = local<number>("since", Date.now(), (value) => typeof value === "number");
const ending = signal<ReadonlySet<string>>(new Set());
const expected = signal<ReadonlyMap<string, Json>>(new Map());
const doing = signal<ReadonlyMap<string, string>>(new Map());
const failed = signal<ReadonlySet<string>>(new Set());
const current = signal<string | null>(null);

const connectedNames = computed(() =>
  runnersLoaded.value ? new Map(connectedRunners.value.map((runner) => [runner.id, runner.name])) : null,
);

let last: ReadonlyMap<string, SessionRow> = new Map();
const byId = computed(() => {
  last = makeRows(
    {
      live: live.value,
      stored: stored.value,
      pinned: pinned.value,
      connected: connectedNames.value,
      seen: seen.value,
      marked: new Set(marked.value),
      baseline: baseline.value,
      prompts: prompts.value,
      doing: doing.value,
      failed: failed.value,
      current: current.value,
      ending: ending.value,
      expected: expected.value,
    },
    last,
  );
  return last;
});

/** Every known session, in no order. */
export const sessions: ReadonlySignal<readonly SessionRow[]> = computed(() => [...byId.value.values()]);
/** True once the live list came. */
export const loaded: ReadonlySignal<boolean> = liveLoaded;
/** True once the first page of ended sessions came. */
export const endedLoaded: ReadonlySignal<boolean> = historyLoaded;
/** True when there are older ended sessions to load with `more`. */
export const hasMoreEnded: ReadonlySignal<boolean> = hasMore;
/** Sessions by urgency. */
export const homeGroups: ReadonlySignal<HomeGroups> = computed(() => groupHome(sessions.value));
/** Sessions by place. */
export const sidebarGroups: ReadonlySignal<Sidebar> = computed(() => groupSidebar(sessions.value));
/** How many sessions wait for a person. */
export const waitingCount: ReadonlySignal<number> = computed(() => homeGroups.value.waiting.length);
/** The session on screen. */
export const currentSession: ReadonlySignal<string | null> = current;

const single = new Map<string, ReadonlySignal<SessionRow | undefined>>();

/** Answer the row of one session, live. */
export function session(id: string): ReadonlySignal<SessionRow | undefined> {
  let found = single.get(id);
  if (!found) {
    found = computed(() => byId.value.get(id));
    single.set(id, found);
  }
  return found;
}

/** Begin to follow the sessions; call it when somebody has signed in. Answers how to stop. */
export function followSessions(): () => void {
  const stop = followHub();
  const gone = onSessionGone((id) => {
    set(ending, id, false);
    // The relay writes the row when the session ends; the list of ended ones is asked for after that.
    setTimeout(() => void loadHistory().catch(() => undefined), 300);
  });
  const added = onSessionAdded((id) => {
    if (!expected.peek().has(id)) return;
    const next = new Map(expected.peek());
    next.delete(id);
    expected.value = next;
  });
  void loadHistory().catch(() => undefined);
  // Being looked at is being seen, as long as the page is.
  const look = effect(() => {
    const id = current.value;
    const row = id === null ? undefined : byId.value.get(id);
    if (row && document.visibilityState === "visible") note(row.id, row.changedAt);
  });
  return () => {
    stop();
    gone();
    added();
    look();
    forgetHistory();
    expected.value = new Map();
    doing.value = new Map();
  };
}

/** Load older ended sessions. */
export function more(): Promise<boolean> {
  return loadMore();
}

/** Answer the sessions that a text finds, by name, folder, runner and first prompt, best first. */
export function find(text: string): SessionRow[] {
  return search(sessions.value, text);
}

/** Pin or unpin. */
export function pin(id: string, on: boolean): Promise<void> {
  return setPin(id, on);
}

/** Name a live session. Rejects with words when its agent cannot be reached. */
export async function rename(id: string, name: string): Promise<void> {
  await withAgent(id, (agent) => agent.exec("set_session_name", { name: name.trim() }));
}

/** End a live session: its agent stops, its terminals close. */
export async function end(id: string): Promise<void> {
  set(ending, id, true);
  try {
    await withAgent(id, (agent) => agent.exec("end_session"));
  } catch (error) {
    // It may be gone before it could answer, which is what was asked for.
    if (!live.peek().has(id)) return;
    set(ending, id, false);
    throw error;
  }
}

/** Start the agent of a live session anew; the conversation stays. */
export async function restart(id: string): Promise<void> {
  try {
    await withAgent(id, (agent) => agent.exec("restart", {}, 8_000));
  } catch (error) {
    // An agent that restarts is gone before it answers.
    if (error instanceof Error && error.name === "NoAnswer") return;
    throw error;
  }
}

/** Take an ended session up again on a runner; answers the id of the session that goes on. */
export async function resume(id: string, runnerId?: string): Promise<string> {
  const row = byId.peek().get(id);
  const on = runnerId ?? row?.runnerId;
  if (!on) throw new Error("Nobody knows where this session ran.");
  return startSession({ runnerId: on, ...(row?.cwd ? { cwd: row.cwd } : {}), resumeId: id, ...(row ? { name: row.name } : {}) });
}

/** What a new session is to be. */
export interface SessionOrder {
  readonly runnerId: string;
  readonly cwd?: string;
  readonly prompt?: string;
  readonly model?: { readonly provider: string; readonly id: string };
  readonly effort?: string;
  readonly agent?: { readonly name: string };
  readonly imageUrls?: readonly string[];
  readonly resumeId?: string;
  /** What to show until the agent names it. */
  readonly name?: string;
}

/** Start a session; answers its id as soon as the runner knows of it. Rejects with the relay's words. */
export async function startSession(order: SessionOrder): Promise<string> {
  const { name, ...body } = order;
  const idempotencyKey = newId();
  const answer = obj(await post<unknown>("/api/runners/spawn", { ...body, idempotencyKey }));
  const id = str(answer.sessionId);
  if (id === "") throw new Error("The runner did not say which session it started.");
  if (order.prompt) rememberPrompt(id, order.prompt);
  const info = { cwd: order.cwd ?? "", runnerId: order.runnerId, startedAt: new Date().toISOString(), sessionName: name ?? "" };
  expected.value = new Map([...expected.peek(), [id, info]]);
  setTimeout(() => {
    const next = new Map(expected.peek());
    if (next.delete(id)) expected.value = next;
  }, EXPECTED_MS);
  return id;
}

/** Answer whether a session was ordered and has not reported yet. */
export function isExpected(id: string): boolean {
  return expected.value.has(id);
}

/** Mark a session as new by hand. */
export function markNew(id: string): void {
  if (!marked.peek().includes(id)) marked.value = [...marked.peek().slice(-MOST_SEEN), id];
}

/** Mark a session as seen. */
export function markSeen(id: string): void {
  note(id, Date.now());
}

/** Say which session is on screen, null for none. */
export function setCurrent(id: string | null): void {
  const before = current.peek();
  if (before === id) return;
  if (before !== null) note(before, Date.now());
  current.value = id;
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
  if (failed.peek().has(id) !== didFail) set(failed, id, didFail);
}

function note(id: string, at: number): void {
  if (marked.peek().includes(id)) marked.value = marked.peek().filter((entry) => entry !== id);
  if ((seen.peek()[id] ?? 0) >= at) return;
  const entries = Object.entries({ ...seen.peek(), [id]: at });
  if (entries.length > MOST_SEEN) entries.sort((a, b) => b[1] - a[1]).length = MOST_SEEN;
  seen.value = Object.fromEntries(entries);
}

function set(target: { value: ReadonlySet<string>; peek(): ReadonlySet<string> }, id: string, on: boolean): void {
  if (target.peek().has(id) === on) return;
  const next = new Set(target.peek());
  if (on) next.add(id);
  else next.delete(id);
  target.value = next;
}
