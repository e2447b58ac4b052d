/** The line at the end of the log: who waits for whom. Pure. */

import type { Phase, SessionMeta } from "../state/types";
import type { Block } from "../transcript";
import type { EndBlock } from "./rows";

function line(what: EndBlock["what"], words: string, since?: number): EndBlock {
  return { kind: "end", key: "end", what, words, since };
}

/** Whether a block shows the turning arc itself. */
export function works(block: Block): boolean {
  if (block.kind === "tool") return block.state === "running" || block.state === "queued";
  return (block.kind === "answer" || block.kind === "thinking") && block.open;
}

/** Whether a question or plan is what the session waits for, so that its card stands for it. */
export function isAsking(block: Block): boolean {
  return block.kind === "tool" && (block.sort === "ask" || block.sort === "plan") && (block.state === "running" || block.state === "queued");
}

/** Answer the line for the end of the log, null when the last block says enough. `quiet`: nothing has moved for a moment. */
export function endOf(meta: SessionMeta, phase: Phase, open: readonly Block[], quiet: boolean): EndBlock | null {
  if (phase === "reconnecting") return line("away", "Reconnecting, the rest will follow");
  if (phase === "awaited") return line("away", "The runner is away, the rest will follow");
  if (phase !== "live") return null;
  if (meta.pending) return line("waiting", "Waiting for you", meta.pendingSince);
  if (meta.retry) return line("retry", "The provider is busy, trying again");
  if (meta.compacting) return line("now", "Summarising…");
  if (meta.active && quiet && !open.some(works)) return line("now", "Working");
  return null;
}
