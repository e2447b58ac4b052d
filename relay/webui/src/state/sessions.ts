/** The sessions of this account as lists show them, and what can be done with one without opening it. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { post } from "../api/rest";
import { hub } from "../api/sockets";
import { obj, str } from "../transcript/wire";
import { withAgent } from "./agent-link";
import { forgetHistory, hasMore, historyLoaded, loadHistory, loadMore, pinned, setPin, stored } from "./history";
import { followHub, live, liveLoaded, onSessionAdded, onSessionGone } from "./hub-feed";
import { newId } from "./ids";
import * as marks from "./marks";
import { groupHome, groupSidebar, makeRows, search } from "./rows";
import { connectedRunners, runnersLoaded } from "./runners";
import { forgetSessions } from "./session";
import type { HomeGroups, SessionRow, Sidebar } from "./types";

export { isExpected, markNew, markSeen, rememberPrompt, setCurrent } from "./marks";

/** The relay writes the row of a session as it ends; the list of ended ones is asked for after that. */
const WRITTEN_MS = 300;

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
      seen: marks.seen.value,
      marked: new Set(marks.marked.value),
      baseline: marks.baseline.value,
      prompts: marks.prompts.value,
      doing: marks.doing.value,
      failed: marks.failed.value,
      current: marks.current.value,
      ending: marks.ending.value,
      expected: marks.expected.value,
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
export const currentSession: ReadonlySignal<string | null> = marks.current;

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

const visible = signal(typeof document === "undefined" || document.visibilityState === "visible");

/** Begin to follow the sessions; call it when somebody has signed in. Answers how to stop. */
export function followSessions(): () => void {
  marks.startBaseline();
  const stop = followHub();
  const gone = onSessionGone((id) => {
    marks.setEnding(id, false);
    setTimeout(() => void loadHistory().catch(() => undefined), WRITTEN_MS);
  });
  const added = onSessionAdded(marks.arrived);
  const look = (): void => {
    visible.value = document.visibilityState === "visible";
  };
  document.addEventListener("visibilitychange", look);
  const refresh = (): void => void loadHistory().catch(() => undefined);
  const socket = hub();
  // Sessions may have ended while the connection was lost, and the first list may have been asked for in vain.
  socket.on("connect", refresh);
  refresh();
  // Being on screen is being seen, as long as the page is looked at.
  const watch = effect(() => {
    const id = marks.current.value;
    const row = id === null ? undefined : byId.value.get(id);
    if (row && visible.value) marks.sawUntil(row.id, row.changedAt);
  });
  return () => {
    socket.off("connect", refresh);
    stop();
    gone();
    added();
    watch();
    document.removeEventListener("visibilitychange", look);
    forgetHistory();
    forgetSessions();
    marks.expected.value = new Map();
    marks.doing.value = new Map();
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
  marks.setEnding(id, true);
  try {
    await withAgent(id, (agent) => agent.exec("end_session"));
  } catch (error) {
    // It may be gone before it could answer, which is what was asked for.
    if (!live.peek().has(id)) return;
    marks.setEnding(id, false);
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
  const answer = obj(await post<unknown>("/api/runners/spawn", { ...body, idempotencyKey: newId() }));
  const id = str(answer.sessionId);
  if (id === "") throw new Error("The runner did not say which session it started.");
  if (order.prompt) marks.rememberPrompt(id, order.prompt);
  const startedAt = new Date().toISOString();
  marks.expect(id, { cwd: order.cwd ?? "", runnerId: order.runnerId, startedAt, sessionName: name ?? "" });
  return id;
}
