/** How the session on screen stands and what it does now, in words. */

import { clock, elapsed } from "../../lib/format";
import type { OpenSession, SessionRow, SessionStatus } from "../../state/types";
import { headline } from "../../transcript/prompts";

/** Answer the state of the session on screen, the more pressing before the less. */
export function standing(session: OpenSession, row: SessionRow | undefined): SessionStatus {
  const phase = session.phase.value;
  const meta = session.meta.value;
  if (phase === "ended" || phase === "gone") return "ended";
  if (row?.status === "offline" || phase === "awaited") return "offline";
  if (phase === "loading" && row) return row.status;
  if (meta.pending) return "waiting";
  if (meta.active) return "working";
  return meta.failed ? "failed" : "idle";
}

/** What the live line says: a few words, and how long already. */
export interface Doing {
  readonly words: string;
  readonly time: string;
}

/** Answer when the present turn began: when it was seen to begin, or when its prompt was given if that is longer ago. */
export function turnStart(session: OpenSession): number | undefined {
  const { active, turnSince } = session.meta.value;
  if (!active) return undefined;
  const asked = session.closed.value.findLast((block) => block.kind === "you" && !block.steered);
  const at = asked?.kind === "you" ? asked.at : undefined;
  if (at === undefined || turnSince === undefined) return turnSince ?? at;
  return Math.min(at, turnSince);
}

/** Answer what the agent does now. `present` is the time in milliseconds. */
export function doing(session: OpenSession, status: SessionStatus, row: SessionRow | undefined, present: number): Doing {
  const meta = session.meta.value;
  const start = turnStart(session);
  const since = start === undefined ? "" : elapsed(present - start);
  switch (status) {
    case "waiting":
      return { words: meta.pending ? `Waiting for you: ${headline(meta.pending)}` : "Waiting for you", time: "" };
    case "working":
      return { words: meta.compacting ? "Summarising…" : meta.doing || row?.doing || "Working", time: since };
    case "failed":
      return { words: "Stopped on an error", time: "" };
    case "offline":
      return { words: "Runner offline", time: "" };
    case "ended":
      return { words: row?.endedAt === undefined ? "Ended" : `Ended at ${clock(row.endedAt, present)}`, time: "" };
    case "idle":
      return { words: "Idle", time: "" };
  }
}
