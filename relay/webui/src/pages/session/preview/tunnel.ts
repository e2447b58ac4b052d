/** Reach a port of the runner's machine through the relay (tunnel.md 2, 10). */
import { post, seg } from "../../../api/rest";
import type { OpenSession } from "../../../state/types";
import { num, objects, str } from "../../../transcript/wire";

/** A port that the runner lets through. */
export interface Port {
  port: number;
  name: string;
  pinned: boolean;
}

/** Where a port is reached. */
export interface Door {
  /** Ends with "/"; the path in the service follows. */
  base: string;
  /** The page has an origin of its own, so it runs as if it were opened by itself. */
  own: boolean;
}

/** What stands behind a port: a service, nothing, or a reason in words. */
export type Answer = { state: "there" } | { state: "nothing" } | { state: "refused"; words: string };

/** Answer the ports that are let through for this session. */
export async function ports(session: OpenSession): Promise<readonly Port[]> {
  const said = await session.service("tunnel", "tunnel_list", {});
  return objects(said.tunnels)
    .map((entry) => ({ port: num(entry.port) ?? 0, name: str(entry.name), pinned: entry.pinned === true }))
    .filter((entry) => entry.port > 0);
}

/** Let a port through. Rejects with the runner's words. */
export async function expose(session: OpenSession, port: number): Promise<void> {
  const said = await session.service("tunnel", "tunnel_expose", { port });
  if (said.type === "tunnel_error") throw new Error(str(said.error) || "The runner does not let this port through.");
}

/** Close a port again. */
export async function unexpose(session: OpenSession, port: number): Promise<void> {
  await session.service("tunnel", "tunnel_unexpose", { port });
}

/** Answer where a port is reached: under an origin of its own where the relay has one, else under its path. */
export async function door(runnerId: string, port: number): Promise<Door> {
  const path = `/api/tunnel/runner/${seg(runnerId)}/${port}/`;
  try {
    const minted = await post<{ hostUrl?: unknown }>("/api/tunnel-token", { runnerId, port });
    const host = str(minted.hostUrl);
    // A page served over TLS may not frame one that is not.
    if (host && !(location.protocol === "https:" && host.startsWith("http:"))) return { base: host, own: true };
  } catch {
    // Without a token the path does the same for whoever is signed in.
  }
  return { base: path, own: false };
}

/** Ask whether something answers on a port. */
export async function probe(runnerId: string, port: number, signal: AbortSignal): Promise<Answer> {
  const answer = await fetch(`/api/tunnel/runner/${seg(runnerId)}/${port}/`, { method: "GET", credentials: "same-origin", redirect: "manual", signal, headers: { Accept: "text/html" } });
  if (answer.type === "opaqueredirect" || answer.status < 500) {
    if (answer.status === 404 && /not exposed/i.test(await answer.text())) return { state: "refused", words: `Port ${port} is not let through yet.` };
    void answer.body?.cancel().catch(() => undefined);
    return { state: "there" };
  }
  if (answer.status === 503) return { state: "refused", words: "The runner is not reachable at the moment." };
  const words = await answer.text();
  return answer.status === 502 && !/^\s*</.test(words) ? { state: "nothing" } : { state: "there" };
}
