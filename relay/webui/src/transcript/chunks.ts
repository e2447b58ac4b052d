/** Put a snapshot together that comes in pieces (sockets-browsers.md 3.5, 7.7). Pure. */

import { type AgentEvent, type Json, num, objects, str } from "./wire";

/** Events that wait until the pieces are together. */
const DEFERRED: ReadonlySet<string> = new Set([
  "message_start",
  "message_update",
  "message_end",
  "turn_end",
  "tool_execution_start",
  "tool_execution_update",
  "tool_execution_end",
]);

/** What a piece completes. */
export type ChunkOutcome = "ignored" | "more" | "holes" | readonly Json[];

/** One snapshot on its way. */
export class ChunkBuffer {
  readonly snapshotId: string;
  readonly deferred: AgentEvent[] = [];
  private readonly pieces = new Map<number, readonly Json[]>();
  private total = 0;

  /** Begin with the header's state, which has everything but the messages. */
  constructor(readonly state: Json) {
    this.snapshotId = str(state.snapshotId);
  }

  /** Keep an event until the end when it would touch the messages; answers whether it was kept. */
  defer(event: AgentEvent): boolean {
    if (!DEFERRED.has(event.type)) return false;
    this.deferred.push(event);
    return true;
  }

  /** Take a piece in; answers all messages when it was the last. */
  add(event: Json): ChunkOutcome {
    const index = num(event.chunkIndex);
    if (str(event.snapshotId) !== this.snapshotId || index === undefined) return "ignored";
    if (!this.pieces.has(index)) this.pieces.set(index, objects(event.messages));
    this.total = num(event.totalChunks) ?? this.total;
    if (event.final !== true) return "more";
    const all: Json[] = [];
    for (let at = 0; at < this.total; at += 1) {
      const piece = this.pieces.get(at);
      if (!piece) return "holes";
      all.push(...piece);
    }
    return all;
  }
}
