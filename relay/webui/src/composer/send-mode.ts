/** How a prompt goes to a working agent, remembered per session: at once, or after the present turn. */

import { local } from "../lib/storage";
import { sendMode } from "../state/prefs";
import type { SendMode } from "../state/types";

/** So many sessions have a choice of their own; the oldest choices go first. */
const MOST = 100;

const chosen = local<Readonly<Record<string, SendMode>>>("sendModes", {}, (value) => typeof value === "object" && value !== null && !Array.isArray(value));

/** Answer the way of a session. Reads the signal. */
export function modeOf(sessionId: string): SendMode {
  return chosen.value[sessionId] ?? sendMode.value;
}

/** Choose the way of a session. */
export function setMode(sessionId: string, mode: SendMode): void {
  const rest = Object.entries(chosen.peek()).filter(([id]) => id !== sessionId);
  chosen.value = Object.fromEntries([...rest.slice(1 - MOST), [sessionId, mode]]);
}

/** Answer the other way. */
export function otherMode(mode: SendMode): SendMode {
  return mode === "steer" ? "followUp" : "steer";
}
