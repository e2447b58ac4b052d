/** Open the namespaces of the relay on the official client (sockets-browsers.md 1). One connection carries them all. */

import { type Socket, io } from "socket.io-client";
import { refused } from "./refused";
import { isOffline, note, onRetry } from "./connection";

/** The version of the socket protocol that we speak (1.3). */
const PROTOCOL_VERSION = 1;
const CLIENT_VERSION = "relay-webui";
/** How long after the relay closed one of our namespaces we ask again (1.5). */
const KICK_RETRY_MS = 2_000;

export type { Socket };

let hubSocket: Socket | null = null;
let runnersSocket: Socket | null = null;

/** Answer the socket of the session list; it connects at the first call. */
export function hub(): Socket {
  hubSocket ??= open("/hub", "hub");
  return hubSocket;
}

/** Answer the socket of the runner list. */
export function runnersFeed(): Socket {
  runnersSocket ??= open("/runners", "runners");
  return runnersSocket;
}

/** Close the lists, as after signing out. */
export function closeFeeds(): void {
  for (const socket of [hubSocket, runnersSocket]) close(socket);
  hubSocket = runnersSocket = null;
}

interface Kept {
  readonly socket: Socket;
  readonly name: string;
  readonly wake: () => void;
}

const cleanups = new WeakMap<Socket, () => void>();
const kept = new Set<Kept>();

/**
 * Connect everything that is offline at once.
 *
 * socket.io has no word for "now": a transport that waits for its next turn is only opened when all of its namespaces
 * were left and joined again.
 */
function wakeAll(): void {
  const asleep = [...kept].filter(({ socket, name }) => !socket.connected && isOffline(name));
  for (const { socket } of asleep) if (socket.active) socket.disconnect();
  for (const { wake } of asleep) wake();
}

onRetry(wakeAll);

/**
 * Open a namespace that connects, and connects again, for as long as it is kept.
 *
 * `name` tells it apart in `connection`. socket.io brings a lost transport back by itself, but neither a namespace that
 * the relay closed nor one that it refused: those are asked for again here, unless the session is over.
 */
export function open(namespace: string, name: string, auth: Record<string, string> = {}, returns = true): Socket {
  const socket = io(namespace, {
    auth: { protocolVersion: PROTOCOL_VERSION, clientVersion: CLIENT_VERSION, ...auth },
    transports: ["websocket", "polling"],
    withCredentials: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5_000,
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => {
    clearTimeout(timer);
    if (!socket.connected) socket.connect();
  };
  socket.on("connect", () => {
    clearTimeout(timer);
    note(name, "online");
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    note(name, "offline");
    if (reason === "io server disconnect" && returns) timer = setTimeout(again, KICK_RETRY_MS);
  });
  socket.on("connect_error", (error) => {
    note(name, "offline");
    // `active`: the library tries again itself, because only the transport failed.
    if (socket.active) return;
    void refused(error).then((signedOut) => {
      if (!signedOut && returns) timer = setTimeout(again, KICK_RETRY_MS);
    });
  });
  note(name, "connecting");
  const entry = { socket, name, wake: again };
  kept.add(entry);
  cleanups.set(socket, () => {
    clearTimeout(timer);
    kept.delete(entry);
    note(name, null);
  });
  return socket;
}

/** Close a socket of `open` for good. */
export function close(socket: Socket | null): void {
  if (!socket) return;
  cleanups.get(socket)?.();
  socket.removeAllListeners();
  socket.disconnect();
}
