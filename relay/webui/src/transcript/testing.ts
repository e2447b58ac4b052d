/** What the tests of the transcript share: recorded streams, and what must be equal whatever way they came. */

import { admit, merge, mine, newGate, type Gate } from "../api/gate";
import type { Block } from "./blocks";
import talkText from "./fixtures/talk.json";
import { Transcript } from "./transcript";
import { type AgentEvent, type Json, obj } from "./wire";

/** One payload of a viewer: the name of its event and what it carried. */
export type Received = readonly [string, Json];

/** A conversation as several viewers of the published agent received it. */
export interface Recording {
  readonly session: string;
  readonly generations: Readonly<Record<string, number>>;
  readonly viewers: Readonly<Record<string, readonly Received[]>>;
}

export const talk = talkText as unknown as Recording;

/** Play what a viewer received, as the page does; answers the transcript and the requests to fill gaps. */
export class Player {
  readonly transcript = new Transcript(() => 1_000_000);
  readonly gate: Gate;
  readonly resyncs: unknown[] = [];

  constructor(session = talk.session, generation = 1) {
    this.gate = newGate(session, generation);
  }

  take([name, payload]: Received): void {
    if (name === "connected" && mine(this.gate, payload)) {
      merge(this.gate, payload.lastSeq);
      if (typeof payload.isActive === "boolean") this.transcript.setActive(payload.isActive);
    }
    if (name !== "event") return;
    const { event, gapAfter } = admit(this.gate, payload);
    if (gapAfter !== null) this.resyncs.push({ lastSeq: gapAfter });
    if (event && this.transcript.apply(event) === "resync") this.resyncs.push({});
  }

  all(received: readonly Received[]): this {
    for (const entry of received) this.take(entry);
    return this;
  }
}

/** Answer the blocks of a transcript without what differs between viewers: keys, and times that one measured and one did not. */
export function essence(transcript: Transcript): unknown[] {
  const { closed, open } = transcript.read();
  return [...closed, ...open].filter((block) => block.kind !== "notice").map(bare);
}

function bare(block: Block): unknown {
  const { key: _key, ...rest } = block;
  if (rest.kind === "tool") {
    const { seconds: _seconds, startedAt: _startedAt, ...tool } = rest;
    return tool;
  }
  if (rest.kind === "thinking") {
    const { seconds: _seconds, startedAt: _startedAt, ...thinking } = rest;
    return thinking;
  }
  return rest;
}

/** Answer what a relay sends to a late viewer of this transcript: a snapshot, then what grows (sockets-browsers.md 3.1, 4). */
export function lateState(transcript: Transcript, last?: number): Json {
  const all = transcript.messages();
  const from = last === undefined ? 0 : Math.max(0, all.length - last);
  const tail = last === undefined ? {} : { totalMessages: all.length, hasMore: from > 0, oldestLoadedIndex: from };
  return { ...transcript.state, messages: all.slice(from), ...tail };
}

/** Answer the events of a stream that a late viewer is sent again: the newest update, unless it is over. */
export function stillGrowing(events: readonly AgentEvent[]): AgentEvent[] {
  let update: AgentEvent | null = null;
  const tools = new Map<unknown, AgentEvent>();
  for (const event of events) {
    const role = obj(event.message).role;
    if (event.type === "message_update") update = event;
    else if (event.type === "turn_end" || event.type === "agent_start" || event.type === "agent_end") update = null;
    else if ((event.type === "message_start" || event.type === "message_end") && role === "assistant") update = null;
    if (event.type === "tool_execution_update") tools.set(event.toolCallId, event);
    else if (event.type === "tool_execution_end") tools.delete(event.toolCallId);
    else if (event.type === "agent_start" || event.type === "agent_end") tools.clear();
  }
  return [...(update ? [update] : []), ...tools.values()];
}
