/** The runners of this account, live over /runners; those that are away come from the relay's list. */

import { type ReadonlySignal, computed, signal } from "@preact/signals";
import { del, get, seg } from "../api/rest";
import { runnersFeed } from "../api/sockets";
import { type Json, num, obj, objects, str, strings } from "../transcript/wire";

/** A skill or an agent of a runner. */
export interface Definition {
  readonly name: string;
  readonly description: string;
  readonly filePath: string;
}

/** A machine that runs agents. */
export interface Runner {
  readonly id: string;
  /** Its name, else its platform's, never its id. */
  readonly name: string;
  readonly connected: boolean;
  /** Ms since the epoch when it was last connected; undefined while it is. */
  readonly lastSeenAt: number | undefined;
  readonly sessionCount: number;
  readonly platform: string;
  readonly version: string;
  readonly roots: readonly string[];
  readonly warnings: readonly string[];
  readonly skills: readonly Definition[];
  readonly agents: readonly Definition[];
  readonly plugins: readonly Json[];
  readonly hooks: readonly Json[];
  readonly serviceIds: readonly string[];
  readonly disabledServiceIds: readonly string[];
  readonly panels: readonly Json[];
  readonly triggerDefs: readonly Json[];
  readonly sessionModes: readonly Json[];
}

const list = signal<readonly Runner[]>([]);
const ready = signal(false);

/** All runners, connected ones first, each group by name. */
export const runners: ReadonlySignal<readonly Runner[]> = list;
/** True after the first list came. */
export const runnersLoaded: ReadonlySignal<boolean> = ready;
/** The connected ones. */
export const connectedRunners: ReadonlySignal<readonly Runner[]> = computed(() =>
  list.value.filter((runner) => runner.connected),
);

/** Answer a runner, undefined for an unknown one. Reads the signal. */
export function runner(id: string | null | undefined): Runner | undefined {
  return list.value.find((entry) => entry.id === id);
}

/** Begin to follow the list; call it when somebody has signed in. Answers how to stop. */
export function followRunners(): () => void {
  const socket = runnersFeed();
  const on = (event: string, hear: (payload: Json) => void): void => {
    socket.on(event, (payload: unknown) => hear(obj(payload)));
  };
  on("runners", (payload) => {
    const away = list.peek().filter((entry) => !entry.connected);
    show(objects(payload.runners).map((entry) => readRunner(entry, true)), away);
    ready.value = true;
    void loadAway();
  });
  const upsert = (payload: Json): void => {
    const fresh = readRunner(payload, true);
    if (fresh.id !== "") show([fresh], list.peek().filter((entry) => entry.id !== fresh.id));
  };
  on("runner_added", upsert);
  on("runner_updated", upsert);
  on("runner_removed", (payload) => {
    const id = str(payload.runnerId);
    show(
      [],
      list.peek().map((entry) => (entry.id === id ? { ...entry, connected: false, lastSeenAt: Date.now() } : entry)),
    );
  });
  return () => {
    for (const event of ["runners", "runner_added", "runner_updated", "runner_removed"]) socket.off(event);
    list.value = [];
    ready.value = false;
  };
}

/** Forget a runner that is away. */
export async function forgetRunner(id: string): Promise<void> {
  await del(`/api/runners/${seg(id)}`);
  list.value = list.peek().filter((entry) => entry.id !== id);
}

async function loadAway(): Promise<void> {
  try {
    const answer = await get<unknown>("/api/runners?all=1&format=object");
    const known = objects(obj(answer).runners).map((entry) => readRunner(entry, entry.connected !== false));
    const live = list.peek().filter((entry) => entry.connected);
    show(live, known.filter((entry) => !entry.connected));
  } catch {
    // Those that are away are missing until the list comes again; nothing else depends on them.
  }
}

function show(fresh: readonly Runner[], rest: readonly Runner[]): void {
  const ids = new Set(fresh.map((entry) => entry.id));
  const all = [...fresh, ...rest.filter((entry) => !ids.has(entry.id))];
  list.value = all.sort((a, b) => Number(b.connected) - Number(a.connected) || a.name.localeCompare(b.name));
}

/** Read a RunnerInfo (rest-runners.md 2.1). */
export function readRunner(value: Json, connected: boolean): Runner {
  const seen = Date.parse(str(value.lastSeenAt));
  const platform = str(value.platform);
  return {
    id: str(value.runnerId) || str(value.id),
    name: str(value.name) || (platform === "" ? "Unnamed runner" : `Runner on ${platformName(platform)}`),
    connected,
    lastSeenAt: connected || Number.isNaN(seen) ? undefined : seen,
    sessionCount: num(value.sessionCount) ?? 0,
    platform,
    version: str(value.version),
    roots: strings(value.roots),
    warnings: strings(value.warnings),
    skills: objects(value.skills).map(readDefinition),
    agents: objects(value.agents).map(readDefinition),
    plugins: objects(value.plugins),
    hooks: objects(value.hooks),
    serviceIds: strings(value.serviceIds),
    disabledServiceIds: strings(value.disabledServiceIds),
    panels: objects(value.panels),
    triggerDefs: objects(value.triggerDefs),
    sessionModes: objects(value.sessionModes),
  };
}

function readDefinition(value: Json): Definition {
  return { name: str(value.name), description: str(value.description), filePath: str(value.filePath) };
}

/** Write a platform's name. */
export function platformName(platform: string): string {
  if (platform === "darwin") return "macOS";
  if (platform === "win32") return "Windows";
  return platform === "linux" ? "Linux" : platform;
}
