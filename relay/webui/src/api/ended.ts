/** Read the transcript of a session that ended: the relay replays what it stored and closes (sockets-browsers.md 3.8). */

import { type Json, obj } from "../transcript/wire";
import { close, open } from "./sockets";

const LONGEST_MS = 15_000;
let count = 0;

/** Answer the state of the newest snapshot; null when the relay has none of this session. Rejects when it does not answer. */
export function readEnded(sessionId: string): Promise<Json | null> {
  count += 1;
  const socket = open("/viewer", `replay-${count}`, { sessionId }, false);
  return new Promise<Json | null>((settle, fail) => {
    const timer = setTimeout(() => fail(new Error("The relay did not answer in time.")), LONGEST_MS);
    const done = (state: Json | null): void => {
      clearTimeout(timer);
      settle(state);
    };
    let state: Json | null = null;
    socket.on("event", (raw: unknown) => {
      const event = obj(obj(raw).event);
      if (event.type === "session_active") state = obj(event.state);
      else if (event.type === "agent_end" && Array.isArray(event.messages)) state = { messages: event.messages };
    });
    socket.on("error", () => done(null));
    socket.on("disconnected", () => done(state));
    socket.on("disconnect", () => done(state));
  }).finally(() => close(socket));
}
