/** Make the rows of lists out of what the hub, the history, the runners and this browser know, and order them. Pure. */

import { type Json, same, str } from "../transcript/wire";
import { firstSentence } from "./names";
import { type Meta, pendingOf, readModel } from "./meta";
import type { HomeGroups, SessionRow, SessionStatus, Sidebar, SidebarGroup } from "./types";

/** One live session with its meta state. */
export interface LiveInput {
  readonly info: Json;
  readonly meta: Meta;
  readonly changedAt: number;
  readonly pendingSince: number | undefined;
}

/** Everything that rows are made of. */
export interface RowInputs {
  readonly live: ReadonlyMap<string, LiveInput>;
  readonly stored: ReadonlyMap<string, Json>;
  readonly pinned: ReadonlySet<string>;
  /** Connected runners by id, null while nobody knows. */
  readonly connected: ReadonlyMap<string, string> | null;
  /** Until when this browser has seen each session, ms. */
  readonly seen: Readonly<Record<string, number>>;
  /** Sessions marked as new by hand. */
  readonly marked: ReadonlySet<string>;
  /** What changed before this was never shown as new. */
  readonly baseline: number;
  /** First prompts known to this browser. */
  readonly prompts: Readonly<Record<string, string>>;
  /** What open sessions do now, by id. */
  readonly doing: ReadonlyMap<string, string>;
  /** Open sessions whose last turn failed. */
  readonly failed: ReadonlySet<string>;
  /** The session on screen. */
  readonly current: string | null;
  readonly ending: ReadonlySet<string>;
  /** Sessions ordered a moment ago that have not reported yet. */
  readonly expected: ReadonlyMap<string, Json>;
}

/** Answer every row, each the same object as in `before` when nothing about it changed. */
export function makeRows(inputs: RowInputs, before: ReadonlyMap<string, SessionRow>): ReadonlyMap<string, SessionRow> {
  const rows = new Map<string, SessionRow>();
  const children = childrenOf(inputs.live);
  const keep = (row: SessionRow): void => {
    const known = before.get(row.id);
    rows.set(row.id, known && same(known, row) ? known : row);
  };
  for (const [id, entry] of inputs.live) keep(liveRow(id, entry, children.get(id) ?? NO_IDS, inputs));
  for (const [id, info] of inputs.expected) if (!rows.has(id)) keep(expectedRow(id, info, inputs));
  for (const [id, info] of inputs.stored) if (!rows.has(id)) keep(endedRow(id, info, inputs));
  return rows;
}

const NO_IDS: readonly string[] = [];

function childrenOf(live: RowInputs["live"]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [id, { info }] of live) {
    const parent = str(info.parentSessionId);
    // A child whose parent is gone stands for itself.
    if (parent === "" || parent === id || !live.has(parent)) continue;
    found.set(parent, [...(found.get(parent) ?? []), id]);
  }
  return found;
}

function liveRow(id: string, entry: LiveInput, children: readonly string[], inputs: RowInputs): SessionRow {
  const { info, meta } = entry;
  const pending = pendingOf(meta);
  const status = statusOf(id, entry, inputs);
  const parent = str(info.parentSessionId);
  const done = meta.todo.filter((step) => step.status === "done").length;
  const total = meta.todo.filter((step) => step.status !== "cancelled").length;
  return {
    ...common(id, info, inputs),
    model: readModel(info.model) ?? meta.model,
    status,
    live: true,
    doing: doingOf(id, entry, inputs, status),
    pending,
    pendingSince: entry.pendingSince,
    parentId: parent !== "" && parent !== id && inputs.live.has(parent) ? parent : null,
    children,
    isNew: isNew(id, entry.changedAt, inputs) && status !== "working",
    ending: inputs.ending.has(id),
    changedAt: entry.changedAt,
    startedAt: time(info.startedAt) ?? entry.changedAt,
    endedAt: undefined,
    plan: total > 0 ? { done, total } : null,
    todo: meta.todo,
    usage: meta.usage,
    compacting: meta.compacting,
  };
}

function expectedRow(id: string, info: Json, inputs: RowInputs): SessionRow {
  const at = time(info.startedAt) ?? 0;
  return { ...common(id, info, inputs), ...ENDED, status: "working", live: true, doing: "Starting", changedAt: at, startedAt: at };
}

function endedRow(id: string, info: Json, inputs: RowInputs): SessionRow {
  const ended = time(info.endedAt) ?? time(info.lastActiveAt) ?? 0;
  return {
    ...common(id, info, inputs),
    ...ENDED,
    model: readModel(info.model),
    isNew: isNew(id, ended, inputs),
    changedAt: ended,
    startedAt: time(info.startedAt) ?? ended,
    endedAt: ended,
  };
}

const ENDED = {
  model: null,
  status: "ended",
  live: false,
  doing: "",
  pending: null,
  pendingSince: undefined,
  parentId: null,
  children: NO_IDS,
  isNew: false,
  ending: false,
  endedAt: undefined,
  plan: null,
  todo: [],
  usage: null,
  compacting: false,
} as const;

function common(id: string, info: Json, inputs: RowInputs) {
  const cwd = str(info.cwd);
  const folder = folderOf(cwd);
  const givenName = str(info.sessionName).trim();
  const prompt = str(info.firstPrompt) || inputs.prompts[id] || "";
  const runnerId = str(info.runnerId) || null;
  return {
    id,
    name: givenName || firstSentence(prompt) || (folder === "" ? "New session" : `New session in ${folder}`),
    givenName,
    cwd,
    folder,
    runnerId,
    runnerName: str(info.runnerName) || (runnerId !== null && inputs.connected?.get(runnerId)) || "",
    pinned: inputs.pinned.has(id),
    prompt,
  };
}

function statusOf(id: string, entry: LiveInput, inputs: RowInputs): SessionStatus {
  const runner = str(entry.info.runnerId);
  if (runner !== "" && inputs.connected !== null && !inputs.connected.has(runner)) return "offline";
  if (pendingOf(entry.meta) !== null) return "waiting";
  if (entry.info.isActive === true || entry.meta.compacting) return "working";
  return inputs.failed.has(id) ? "failed" : "idle";
}

function doingOf(id: string, entry: LiveInput, inputs: RowInputs, status: SessionStatus): string {
  if (status !== "working") return "";
  if (entry.meta.compacting) return "Summarising";
  if (entry.meta.retry) return "The provider is busy, trying again";
  const step = entry.meta.todo.find((todo) => todo.status === "in_progress");
  return inputs.doing.get(id) || str(entry.info.activity) || step?.text || "";
}

function isNew(id: string, changedAt: number, inputs: RowInputs): boolean {
  if (inputs.current === id) return false;
  return inputs.marked.has(id) || changedAt > Math.max(inputs.seen[id] ?? 0, inputs.baseline);
}

function time(value: unknown): number | undefined {
  const at = Date.parse(str(value));
  return Number.isNaN(at) ? undefined : at;
}

/** Answer the last part of a path, on either kind of system. */
export function folderOf(cwd: string): string {
  return cwd.replace(/[\\/]+$/, "").split(/[\\/]/).pop() ?? "";
}

const newest = (a: SessionRow, b: SessionRow): number => b.changedAt - a.changedAt || (a.id < b.id ? -1 : 1);
const longestWaiting = (a: SessionRow, b: SessionRow): number =>
  (a.pendingSince ?? a.changedAt) - (b.pendingSince ?? b.changedAt) || (a.id < b.id ? -1 : 1);

/** Order rows by urgency; each stands in one group. A child stands in a group only when it waits. */
export function groupHome(rows: readonly SessionRow[]): HomeGroups {
  const waiting = rows.filter((row) => row.status === "waiting").sort(longestWaiting);
  const roots = rows.filter((row) => row.status !== "waiting" && row.parentId === null);
  const working = roots.filter((row) => row.status === "working").sort(newest);
  const rest = roots.filter((row) => row.status !== "working");
  return {
    waiting,
    working,
    fresh: rest.filter((row) => row.isNew).sort(newest),
    earlier: rest.filter((row) => !row.isNew).sort(newest),
  };
}

/** Order rows by place: waiting, pinned, then folders with a live session first, live before ended within each. */
export function groupSidebar(rows: readonly SessionRow[]): Sidebar {
  const waiting = rows.filter((row) => row.status === "waiting").sort(longestWaiting);
  const roots = rows.filter((row) => row.status !== "waiting" && row.parentId === null);
  const pinned = roots.filter((row) => row.pinned).sort(newest);
  const places = new Map<string, SessionRow[]>();
  for (const row of roots) {
    if (row.pinned) continue;
    const key = `${row.runnerId ?? row.runnerName}\u0000${row.cwd}`;
    places.set(key, [...(places.get(key) ?? []), row]);
  }
  const groups = [...places].map(([key, list]): SidebarGroup => {
    const sorted = list.sort((a, b) => Number(b.live) - Number(a.live) || newest(a, b));
    const first = sorted[0] as SessionRow;
    const { folder, cwd, runnerId, runnerName } = first;
    return { key, folder, cwd, runnerId, runnerName, rows: sorted };
  });
  const lively = (group: SidebarGroup): number => Number(group.rows[0]?.live ?? false);
  const latest = (group: SidebarGroup): number => Math.max(...group.rows.map((row) => row.startedAt));
  groups.sort((a, b) => lively(b) - lively(a) || latest(b) - latest(a) || (a.key < b.key ? -1 : 1));
  return { waiting, pinned, groups };
}

/** Answer the rows whose name, folder, runner or first prompt has every word of a text, best first. */
export function search(rows: readonly SessionRow[], text: string): SessionRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows].sort(newest);
  const scored: { row: SessionRow; score: number }[] = [];
  for (const row of rows) {
    const name = row.name.toLowerCase();
    const all = `${name}\n${row.folder}\n${row.runnerName}\n${row.prompt}`.toLowerCase();
    if (!words.every((word) => all.includes(word))) continue;
    const inName = words.filter((word) => name.includes(word)).length;
    const starts = name.startsWith(words[0] as string) ? 1 : 0;
    scored.push({ row, score: inName * 2 + starts * 3 + Number(row.live) });
  }
  return scored.sort((a, b) => b.score - a.score || newest(a.row, b.row)).map(({ row }) => row);
}
