/**
 * Say whether the relay can be reached: the worst of the namespaces that are open. Being offline is no reason to sign
 * anybody out; only the relay's own word is.
 */

import { type ReadonlySignal, computed, signal } from "@preact/signals";

/** How a connection stands, and since when (ms since the epoch). */
export interface Connection {
  readonly state: "connecting" | "online" | "offline";
  readonly since: number;
}

const links = signal<ReadonlyMap<string, Connection>>(new Map());

/** The worst of the open namespaces; `connecting` before the first of them ever answered. */
export const connection: ReadonlySignal<Connection> = computed(() => {
  const all = [...links.value.values()];
  const worst = (state: Connection["state"]): Connection | undefined =>
    all.filter((link) => link.state === state).sort((a, b) => a.since - b.since)[0];
  return worst("offline") ?? worst("connecting") ?? worst("online") ?? NEVER;
});

const NEVER: Connection = { state: "connecting", since: 0 };

/** Note how a namespace stands; null forgets it. */
export function note(name: string, state: Connection["state"] | null): void {
  const before = links.peek().get(name);
  if (before?.state === state || (state === null && !before)) return;
  const next = new Map(links.peek());
  if (state === null) next.delete(name);
  else next.set(name, { state, since: Date.now() });
  links.value = next;
}

/** Answer whether a namespace is offline. */
export function isOffline(name: string): boolean {
  return links.peek().get(name)?.state === "offline";
}

const tries = new Set<() => void>();

/** Add a way to connect at once; answer how to take it away again. */
export function onRetry(run: () => void): () => void {
  tries.add(run);
  return () => tries.delete(run);
}

/** Connect at once instead of at the next turn. */
export function retryNow(): void {
  for (const run of [...tries]) run();
}

/** Connect at once whenever the network is back or the page is looked at again; call it once. */
export function watchForeground(): () => void {
  const look = (): void => {
    if (document.visibilityState === "visible") retryNow();
  };
  window.addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", look);
  return () => {
    window.removeEventListener("online", retryNow);
    document.removeEventListener("visibilitychange", look);
  };
}
