/** Follow /hub: the live sessions of this account and the meta state of each (sockets-browsers.md 4). */

import { type ReadonlySignal, signal } from "@preact/signals";
import { get } from "../api/rest";
import { hub } from "../api/sockets";
import { type Json, obj, objects, str } from "../transcript/wire";
import { type Meta, NO_META, applyMeta, pendingOf, readMeta } from "./meta";

/** A live session as the hub describes it, with what this browser saw of it. */
export interface Live {
  readonly info: Json;
  readonly meta: Meta;
  /** Ms since the epoch when it last began or stopped working, or asked something. */
  readonly changedAt: number;
  /** Since when it asks what it asks. */
  readonly pendingSince: number | undefined;
}

const all = signal<ReadonlyMap<string, Live>>(new Map());
const ready = signal(false);
const goneHandlers = new Set<(id: string) => void>();
const addedHandlers = new Set<(id: string) => void>();

/** Every live session by id. */
export const live: ReadonlySignal<ReadonlyMap<string, Live>> = all;
/** True after the first list came. */
export const liveLoaded: ReadonlySignal<boolean> = ready;

/** Hear of sessions that end; answers how to stop. */
export function onSessionGone(hear: (id: string) => void): () => void {
  goneHandlers.add(hear);
  return () => goneHandlers.delete(hear);
}

/** Hear of sessions that come or come back; answers how to stop. */
export function onSessionAdded(hear: (id: string) => void): () => void {
  addedHandlers.add(hear);
  return () => addedHandlers.delete(hear);
}

/** How long after connecting the list may take before it is fetched over HTTP (1.5). */
const LATE_MS = 1_200;
const REQUIRED = ["sessionId", "cwd", "startedAt"] as const;

/** Begin to follow; answers how to stop. */
export function followHub(): () => void {
  const socket = hub();
  let late: ReturnType<typeof setTimeout> | undefined;
  let subscribed = new Set<string>();
  const subscribe = (id: string): void => {
    if (subscribed.has(id)) return;
    subscribed.add(id);
    socket.emit("subscribe_session_meta", { sessionId: id });
  };
  const replace = (list: readonly Json[]): void => {
    clearTimeout(late);
    const next = new Map<string, Live>();
    for (const info of list.filter(complete)) {
      const id = str(info.sessionId);
      next.set(id, merge(all.peek().get(id), info));
    }
    const before = all.peek();
    all.value = next;
    ready.value = true;
    for (const id of next.keys()) {
      subscribe(id);
      if (!before.has(id)) for (const hear of addedHandlers) hear(id);
    }
  };
  const hears: Readonly<Record<string, (payload: Json) => void>> = {
    sessions: (payload) => replace(objects(payload.sessions)),
    session_added: (info) => {
      if (!complete(info)) return;
      const id = str(info.sessionId);
      // A session that comes back has dropped what it asked; the meta room tells what is left.
      subscribed.delete(id);
      put(id, merge(all.peek().get(id), info));
      subscribe(id);
      for (const hear of addedHandlers) hear(id);
    },
    session_removed: (payload) => {
      const id = str(payload.sessionId);
      subscribed.delete(id);
      if (!all.peek().has(id)) return;
      const next = new Map(all.peek());
      next.delete(id);
      all.value = next;
      for (const hear of goneHandlers) hear(id);
    },
    session_status: (payload) => {
      const id = str(payload.sessionId);
      const known = all.peek().get(id);
      if (known) put(id, merge(known, { ...known.info, ...payload }));
    },
    state_snapshot: (payload) => {
      const known = all.peek().get(str(payload.sessionId));
      const meta = readMeta(payload.state);
      if (known && meta && meta.version >= known.meta.version) put(str(payload.sessionId), withMeta(known, meta));
    },
    meta_event: (payload) => {
      const known = all.peek().get(str(payload.sessionId));
      if (!known) return;
      const meta = applyMeta(known.meta, payload);
      if (meta !== known.meta) put(str(payload.sessionId), withMeta(known, meta));
    },
  };
  for (const [event, hear] of Object.entries(hears)) socket.on(event, (payload: unknown) => hear(obj(payload)));
  const connected = (): void => {
    subscribed = new Set();
    // Versions are only monotonic within one connection.
    all.value = new Map([...all.peek()].map(([id, entry]) => [id, { ...entry, meta: { ...entry.meta, version: -1 } }]));
    late = setTimeout(() => void fetchList().then(replace, () => undefined), LATE_MS);
  };
  socket.on("connect", connected);
  if (socket.connected) connected();
  return () => {
    clearTimeout(late);
    for (const event of Object.keys(hears)) socket.off(event);
    socket.off("connect", connected);
    all.value = new Map();
    ready.value = false;
  };
}

async function fetchList(): Promise<readonly Json[]> {
  return objects(obj(await get<unknown>("/api/sessions?includePersisted=0")).sessions);
}

function put(id: string, entry: Live): void {
  if (all.peek().get(id) === entry) return;
  const next = new Map(all.peek());
  next.set(id, entry);
  all.value = next;
}

function complete(info: Json): boolean {
  return REQUIRED.every((name) => str(info[name]) !== "");
}

/** Take a description in; a session that began or stopped working has changed now. */
function merge(known: Live | undefined, info: Json): Live {
  const told = Date.parse(str(info.changedAt));
  if (!known) {
    const at = Number.isNaN(told) ? Date.parse(str(info.startedAt)) : told;
    return { info, meta: NO_META, changedAt: Number.isNaN(at) ? Date.now() : at, pendingSince: undefined };
  }
  const turned = (known.info.isActive === true) !== (info.isActive === true);
  const changedAt = turned ? Date.now() : Number.isNaN(told) ? known.changedAt : Math.max(told, known.changedAt);
  return { ...known, info, changedAt };
}

function withMeta(known: Live, meta: Meta): Live {
  const before = pendingOf(known.meta);
  const after = pendingOf(meta);
  if (after === null) return { ...known, meta, pendingSince: undefined };
  if (before?.id === after.id && known.pendingSince !== undefined) return { ...known, meta };
  return { ...known, meta, pendingSince: Date.now(), changedAt: before?.id === after.id ? known.changedAt : Date.now() };
}
