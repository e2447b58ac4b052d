import { describe, expect, it } from "vitest";
import type { AnswerBlock, Block, ToolBlock, YouBlock } from "./blocks";
import { Player, type Received, essence, lateState, stillGrowing, talk } from "./testing";
import { Transcript } from "./transcript";
import type { AgentEvent, Json } from "./wire";
import { obj } from "./wire";

const start = talk.viewers.start as readonly Received[];
const generation = talk.generations.start as number;
const whole = essence(new Player(talk.session, generation).all(start).transcript);
/** The recorded agent events, without what only the relay adds. */
const events: readonly AgentEvent[] = start.filter(([name]) => name === "event").map(([, payload]) => obj(payload.event) as AgentEvent);

const kinds = (transcript: Transcript): string[] => {
  const { closed, open } = transcript.read();
  return [...closed, ...open].map((block) => block.kind);
};
const assistant = (text: string, timestamp?: number, more: Json = {}): Json => ({
  role: "assistant",
  content: [{ type: "text", text }],
  ...(timestamp === undefined ? {} : { timestamp }),
  ...more,
});
const user = (text: string, timestamp: number): Json => ({ role: "user", content: text, timestamp });
const snapshot = (messages: readonly Json[], more: Json = {}): AgentEvent => ({ type: "session_active", state: { messages, ...more } });
const grown = (text: string, timestamp: number): AgentEvent => ({
  type: "message_update",
  assistantMessageEvent: { type: "text_delta", partial: assistant(text, timestamp) },
});
const apply = (transcript: Transcript, ...list: AgentEvent[]): Transcript => {
  for (const event of list) transcript.apply(event);
  return transcript;
};

describe("a recorded conversation", () => {
  it("has what was said and done, in order", () => {
    const shown = whole as Block[];
    expect(shown.map((block) => (block.kind === "tool" ? `${block.verb} ${block.state}` : block.kind))).toEqual([
      "you",
      "answer",
      "you",
      "answer",
      "you",
      "Ran done",
      "Ran failed",
      "Wrote done",
      "Edited done",
      "Read done",
      "Searched failed",
      "Planned done",
      "Asked done",
      "answer",
      "you",
      "answer",
      "you",
      "answer",
    ]);
    const tools = shown.filter((block): block is ToolBlock => block.kind === "tool");
    expect(tools[0]).toMatchObject({ object: "echo one; sleep 1; echo two; sleep 1; echo three", output: "one\ntwo\nthree\n", result: "" });
    expect(tools[1]).toMatchObject({ exit: 3, result: "Failed, exit 3", output: "broken" });
    expect(tools[2]?.diff).toMatchObject({ path: "notes.txt", added: 3, removed: 0 });
    expect(tools[3]?.diff).toMatchObject({
      added: 1,
      removed: 1,
      lines: [
        { kind: "same", text: "alpha", old: 1, new: 1 },
        { kind: "del", text: "beta", old: 2 },
        { kind: "add", text: "delta", new: 2 },
        { kind: "same", text: "gamma", old: 3, new: 3 },
      ],
    });
    expect(tools[7]?.question?.asks[0]).toMatchObject({ question: "Which way?", options: ["left", "right"] });
    expect(shown.at(-1)).toMatchObject({ kind: "answer", cut: "stopped" });
  });

  it.each(Object.keys(talk.viewers))("ends in the same transcript for the viewer that came %s", (name) => {
    const player = new Player(talk.session, talk.generations[name]).all(talk.viewers[name] as readonly Received[]);
    expect(essence(player.transcript)).toEqual(whole);
    expect(player.resyncs).toEqual([]);
  });

  it("ends in the same transcript for a viewer that joins at any event", () => {
    for (let at = 0; at <= events.length; at += 1) {
      const before = apply(new Transcript(), ...events.slice(0, at));
      const late = apply(new Transcript(), { type: "session_active", state: lateState(before) }, ...stillGrowing(events.slice(0, at)));
      apply(late, ...events.slice(at));
      expect(essence(late), `joined at ${at}`).toEqual(whole);
    }
  });

  it("ends in the same transcript for a viewer that joins at any event and gets only the last messages first", () => {
    for (let at = 0; at <= events.length; at += 1) {
      const before = apply(new Transcript(), ...events.slice(0, at));
      const late = apply(new Transcript(), { type: "session_active", state: lateState(before, 6) }, ...stillGrowing(events.slice(0, at)));
      if (late.hasOlder) late.prepend(before.messages().slice(0, late.oldestIndex), 0, false);
      apply(late, ...events.slice(at));
      expect(essence(late), `joined at ${at}`).toEqual(whole);
    }
  });

  it("ends in the same transcript when any stretch of events is lost and a snapshot repairs it", () => {
    for (let from = 0; from < events.length; from += 3) {
      for (const length of [1, 5, 40]) {
        const to = Math.min(events.length, from + length);
        const reference = apply(new Transcript(), ...events.slice(0, to));
        const shown = apply(new Transcript(), ...events.slice(0, from));
        apply(shown, { type: "session_active", state: lateState(reference) }, ...stillGrowing(events.slice(0, to)), ...events.slice(to));
        expect(essence(shown), `lost ${from} to ${to}`).toEqual(whole);
      }
    }
  });

  it("ends in the same transcript when a snapshot comes in pieces between any two events", () => {
    for (let at = 0; at < events.length; at += 2) {
      const before = apply(new Transcript(), ...events.slice(0, at));
      const state = lateState(before);
      const messages = state.messages as readonly Json[];
      const pieces = [0, 1, 2].map((index): AgentEvent => {
        const size = Math.ceil(messages.length / 3);
        return {
          type: "session_messages_chunk",
          snapshotId: "s",
          chunkIndex: index,
          totalChunks: 3,
          messages: messages.slice(index * size, (index + 1) * size),
          final: index === 2,
        };
      });
      const header: AgentEvent = { type: "session_active", state: { ...state, chunked: true, snapshotId: "s", messages: [] } };
      const shown = apply(new Transcript(), ...events.slice(0, at));
      const rest = events.slice(at);
      const until = rest.findIndex((event) => event.type === "agent_end" || event.type === "session_active");
      const between = rest.slice(0, until < 0 ? 6 : Math.min(6, until));
      apply(shown, header, pieces[1] as AgentEvent, ...between.slice(0, 3), pieces[0] as AgentEvent, ...between.slice(3));
      apply(shown, pieces[2] as AgentEvent, ...rest.slice(between.length));
      expect(essence(shown), `in pieces at ${at}`).toEqual(whole);
    }
  });

  it("ends in the same transcript when the relay replays what the viewer has", () => {
    for (let at = 1; at < start.length; at += 4) {
      const player = new Player(talk.session, generation).all(start.slice(0, at));
      const replayed = start
        .slice(Math.max(0, at - 30), at)
        .filter(([name, payload]) => name === "event" && typeof payload.seq === "number")
        .map(([name, payload]): Received => [name, { ...payload, replay: true, deltaReplay: true, generation }]);
      player.all(replayed).all(start.slice(at));
      expect(essence(player.transcript), `replayed at ${at}`).toEqual(whole);
    }
  });

  it("ends in the same transcript after switching to another session and back", () => {
    for (let at = 1; at < start.length; at += 8) {
      const player = new Player(talk.session, generation).all(start.slice(0, at));
      const foreign = start.slice(at, at + 20).map(([name, payload]): Received => [name, { ...payload, sessionId: "another" }]);
      player.all(foreign);
      const stale = start.slice(at, at + 5).map(([name, payload]): Received => [name, { ...payload, generation: generation + 1 }]);
      player.all(stale).all(start.slice(at));
      expect(essence(player.transcript), `switched at ${at}`).toEqual(whole);
      expect(player.resyncs).toEqual([]);
    }
  });

  it("asks for what is missing when a sequence number is skipped", () => {
    const sequenced = start.findIndex(([, payload], index) => index > 40 && typeof payload.seq === "number");
    const player = new Player(talk.session, generation).all([...start.slice(0, sequenced), ...start.slice(sequenced + 1)]);
    expect(player.resyncs[0]).toEqual({ lastSeq: (start[sequenced]?.[1].seq as number) - 1 });
  });
});

describe("what a person sees", () => {
  it("keeps the key of an answer while it grows, ends and comes again in a snapshot", () => {
    const shown = apply(new Transcript(), snapshot([user("q", 1)]));
    apply(shown, { type: "agent_start" }, { type: "message_start", message: assistant("", 5) }, grown("one", 5));
    const growing = shown.read().open[0] as AnswerBlock;
    expect(growing).toMatchObject({ markdown: "one", open: true });
    apply(shown, grown("one two", 5));
    expect(shown.read().open[0]?.key).toBe(growing.key);
    apply(shown, { type: "message_end", message: assistant("one two three", 5) });
    expect(shown.read().closed.at(-1)).toMatchObject({ key: growing.key, markdown: "one two three", open: false });
    const before = shown.read().closed;
    apply(shown, { type: "turn_end", message: assistant("one two three", 5), toolResults: [] }, { type: "agent_end" });
    apply(shown, snapshot([user("q", 1), assistant("one two three", 5)]));
    expect(shown.read().closed).toBe(before);
  });

  it("does not touch finished blocks while a message grows", () => {
    const messages = Array.from({ length: 500 }, (_, index) => (index % 2 ? assistant(`a${index}`, index + 1) : user(`q${index}`, index + 1)));
    const shown = apply(new Transcript(), snapshot(messages), { type: "agent_start" }, grown("x", 9_000));
    const { closed } = shown.read();
    for (let length = 0; length < 50; length += 1) {
      apply(shown, grown("x".repeat(length), 9_000));
      expect(shown.read().closed).toBe(closed);
    }
  });

  it("keeps every object of a snapshot that says the same", () => {
    const messages = [user("q", 1), assistant("a", 2), user("q2", 3), assistant("b", 4)];
    const shown = apply(new Transcript(), snapshot(structuredClone(messages)));
    const before = shown.read().closed;
    apply(shown, snapshot([...structuredClone(messages), user("q3", 5)]));
    expect(shown.read().closed.slice(0, 4)).toEqual(before);
    shown.read().closed.slice(0, 4).forEach((block, index) => expect(block).toBe(before[index]));
  });

  it("shows a prompt at once, and the agent's copy in its place", () => {
    const shown = apply(new Transcript(() => 50), snapshot([]));
    const key = shown.addOutgoing("hello");
    expect(shown.read().open).toMatchObject([{ kind: "you", key, delivery: "sending" }]);
    shown.ackOutgoing(key);
    expect((shown.read().open[0] as YouBlock).delivery).toBe("sent");
    apply(shown, { type: "message_start", message: user("hello", 60) });
    expect([...shown.read().closed, ...shown.read().open]).toMatchObject([{ kind: "you", key, text: "hello", delivery: "sent" }]);
    apply(shown, { type: "message_end", message: user("hello", 60) }, snapshot([user("hello", 60)]));
    expect(kinds(shown)).toEqual(["you"]);
  });

  it("keeps a prompt that failed until it is sent again or taken away", () => {
    const shown = apply(new Transcript(), snapshot([]));
    const key = shown.addOutgoing("hello");
    shown.failOutgoing(key, "The agent is not connected.");
    apply(shown, { type: "agent_end" }, snapshot([user("other", 60)]));
    expect(shown.read().open).toMatchObject([{ delivery: "failed", reason: "The agent is not connected." }]);
    expect(shown.removeOutgoing(key)).toBe("hello");
    expect(kinds(shown)).toEqual(["you"]);
  });

  it("does not take an old message of a snapshot for a prompt on its way", () => {
    const shown = new Transcript(() => 10_000_000);
    shown.addOutgoing("go on");
    apply(shown, snapshot([user("go on", 5), assistant("ok", 6)]));
    expect(kinds(shown)).toEqual(["you", "answer", "you"]);
  });

  it("joins a page of older messages with results whose calls stand on it", () => {
    const call: Json = { role: "assistant", timestamp: 2, content: [{ type: "toolCall", id: "c", name: "bash", arguments: { command: "ls" } }] };
    const result: Json = { role: "toolResult", toolCallId: "c", toolName: "bash", content: [{ type: "text", text: "src" }], timestamp: 3 };
    const shown = apply(new Transcript(), snapshot([result, assistant("done", 4)], { hasMore: true, oldestLoadedIndex: 2, totalMessages: 4 }));
    expect(kinds(shown)).toEqual(["answer"]);
    shown.prepend([user("go", 1), call], 0, false);
    const { closed } = shown.read();
    expect(closed).toMatchObject([{ kind: "you" }, { kind: "tool", state: "done", output: "src" }, { kind: "answer" }]);
    expect(shown.hasOlder).toBe(false);
  });

  it("keeps loaded pages when only the end comes again, and drops them when the transcript is another", () => {
    const at = (index: number): Json => user(`m${index}`, index + 1);
    const page = (from: number, to: number): Json[] => Array.from({ length: to - from }, (_, index) => at(from + index));
    const tail = { hasMore: true, oldestLoadedIndex: 50, totalMessages: 100 };
    const shown = apply(new Transcript(), snapshot(page(50, 100), tail));
    shown.prepend(page(0, 50), 0, false);
    apply(shown, snapshot(page(50, 100), tail));
    expect(kinds(shown)).toHaveLength(100);
    expect(shown.hasOlder).toBe(false);
    apply(shown, snapshot(page(50, 100), { ...tail, oldestLoadedIndex: 20, totalMessages: 70 }));
    expect(kinds(shown)).toHaveLength(50);
    expect(shown).toMatchObject({ hasOlder: true, oldestIndex: 20 });
  });

  it("keeps our own lines where they were", () => {
    const shown = apply(new Transcript(), snapshot([user("a", 1)]));
    shown.notice("The provider is busy");
    apply(shown, { type: "message_end", message: assistant("b", 2) }, snapshot([user("a", 1), assistant("b", 2)]));
    expect(kinds(shown)).toEqual(["you", "notice", "answer"]);
  });

  it("tells what the agent does", () => {
    const call: Json = { role: "assistant", timestamp: 2, content: [{ type: "toolCall", id: "c", name: "bash", arguments: { command: "pytest -q" } }] };
    const shown = apply(new Transcript(), snapshot([user("a", 1)]), { type: "agent_start" });
    expect(shown.doing()).toBe("Working");
    apply(shown, grown("let me see", 2));
    expect(shown.doing()).toBe("Writing an answer");
    apply(shown, { type: "message_end", message: call }, { type: "tool_execution_start", toolCallId: "c", toolName: "bash" });
    expect(shown.doing()).toBe("Running pytest -q");
    apply(shown, { type: "agent_end" });
    expect(shown.doing()).toBe("");
    expect(shown.read().closed.at(-1)).toMatchObject({ kind: "tool", state: "lost" });
  });

  it("measures how long the agent thought", () => {
    let now = 1_000;
    const shown = new Transcript(() => now);
    const thought = (...parts: Json[]): AgentEvent => ({
      type: "message_update",
      assistantMessageEvent: { type: "thinking_delta", partial: { role: "assistant", timestamp: 5, content: parts } },
    });
    apply(shown, snapshot([]), { type: "agent_start" }, thought({ type: "thinking", thinking: "hm" }));
    expect(shown.read().open).toMatchObject([{ kind: "thinking", open: true, startedAt: 1_000, seconds: undefined }]);
    now = 6_200;
    apply(shown, thought({ type: "thinking", thinking: "hm" }, { type: "text", text: "so" }));
    expect(shown.read().open).toMatchObject([{ kind: "thinking", open: false, seconds: 6 }, { kind: "answer", open: true }]);
  });

  it("reads triggers of other sessions out of a person's message", () => {
    const questions = btoa(JSON.stringify([{ question: "Which DB?", options: ["SQLite", "Postgres"] }]));
    const text = `<!-- trigger:t1 source:5f0c2d1a-0000-4000-8000-000000000002 questions64:${questions} -->\nA child asks.`;
    const shown = apply(new Transcript(), snapshot([user(text, 1)]));
    expect(shown.read().closed).toMatchObject([
      { kind: "trigger", triggerId: "t1", about: "question", sourceIsSession: true, text: "A child asks.", questions: [{ asks: [{ options: ["SQLite", "Postgres"] }] }] },
    ]);
  });

  it("says how an answer was cut short", () => {
    const ends = [
      assistant("a", 1, { stopReason: "length" }),
      assistant("", 2, { stopReason: "error", errorMessage: "overloaded" }),
      assistant("b", 3, { stopReason: "aborted" }),
    ];
    expect(apply(new Transcript(), snapshot(ends)).read().closed).toMatchObject([
      { markdown: "a", cut: "length" },
      { markdown: "", cut: "error", message: "overloaded" },
      { markdown: "b", cut: "stopped" },
    ]);
  });

  it("shows no picture of another host and no drawing that could carry a script", () => {
    const parts = [
      { type: "image", mimeType: "image/png", source: { type: "url", url: "/api/attachments/a1" } },
      { type: "image", mimeType: "image/png", source: { type: "url", url: "https://elsewhere.example/x.png" } },
      { type: "image", mimeType: "image/svg+xml", data: "PHN2Zz4=" },
      { type: "image", mimeType: "image/png", data: "AAAA" },
    ];
    const shown = apply(new Transcript(), snapshot([{ role: "user", content: parts, timestamp: 1 }]));
    expect((shown.read().closed[0] as YouBlock).images.map((image) => image.src)).toEqual(["/api/attachments/a1", "data:image/png;base64,AAAA"]);
  });
});
