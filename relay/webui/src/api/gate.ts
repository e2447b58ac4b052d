/** Decide what of a viewer's stream counts for the session on screen (sockets-browsers.md 2.1, 3.9). Pure. */

import { type AgentEvent, type Json, num, obj } from "../transcript/wire";

/** What one selection of a session knows. */
export interface Gate {
  readonly sessionId: string;
  readonly generation: number;
  /** The newest sequence number that was taken in; null before the first. */
  cursor: number | null;
  /** True until the first transcript came. */
  awaiting: boolean;
}

/** What to do with a payload: take its event in, and ask again from before a gap. */
export interface Verdict {
  readonly event: AgentEvent | null;
  /** The cursor from which something is missing. */
  readonly gapAfter: number | null;
}

const DROP: Verdict = { event: null, gapAfter: null };

/** Begin a selection; `cursor` continues an earlier one whose transcript is still here. */
export function newGate(sessionId: string, generation: number, cursor: number | null = null): Gate {
  return { sessionId, generation, cursor, awaiting: cursor === null };
}

/** Answer whether a payload belongs to this selection: no other session's, no earlier generation's. */
export function mine(gate: Gate, payload: Json): boolean {
  const { sessionId, generation } = payload;
  if (sessionId !== undefined && sessionId !== null && sessionId !== gate.sessionId) return false;
  return generation === undefined || generation === null || generation === gate.generation;
}

/** Merge the relay's own counter into the cursor (3.9, 5). */
export function merge(gate: Gate, lastSeq: unknown): void {
  const seq = num(lastSeq);
  if (seq !== undefined) gate.cursor = gate.cursor === null ? seq : Math.min(gate.cursor, seq);
}

/** Judge one `event` payload and move the cursor. */
export function admit(gate: Gate, payload: Json): Verdict {
  if (!mine(gate, payload)) return DROP;
  const event = obj(payload.event) as AgentEvent;
  if (typeof event.type !== "string") return DROP;
  const snapshot = event.type === "session_active" || event.type === "agent_end";
  if (gate.awaiting && payload.generation === undefined && !snapshot) return DROP;
  const seq = num(payload.seq);
  let gapAfter: number | null = null;
  if (seq !== undefined) {
    const cursor = gate.cursor;
    const replayed = payload.deltaReplay === true;
    if (cursor !== null) {
      if (replayed && seq <= cursor) return DROP;
      if (seq < cursor && !(event.type === "session_active" && gate.awaiting)) return DROP;
      if (!replayed && seq > cursor + 1) gapAfter = cursor;
    }
    gate.cursor = seq;
  }
  if (snapshot) gate.awaiting = false;
  return { event, gapAfter };
}
