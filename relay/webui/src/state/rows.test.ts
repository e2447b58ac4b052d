import { describe, expect, it } from "vitest";
import { NO_META, applyMeta, readMeta } from "./meta";
import { firstSentence } from "./names";
import { type LiveInput, type RowInputs, groupHome, groupSidebar, makeRows, search } from "./rows";

const info = (id: string, more: object = {}): LiveInput => ({
  info: { sessionId: id, cwd: "/home/ada/site", startedAt: "2026-11-24T10:00:00Z", runnerId: "r1", runnerName: "studio", ...more },
  meta: NO_META,
  changedAt: 1_000,
  pendingSince: undefined,
});
const asking = (id: string, since: number): LiveInput => {
  const meta = readMeta({ version: 1, pendingQuestion: { toolCallId: "t", questions: [{ question: "Which?", options: ["a"] }] } });
  return { ...info(id), meta: meta!, pendingSince: since };
};
const inputs = (live: Readonly<Record<string, LiveInput>>, more: Partial<RowInputs> = {}): RowInputs => ({
  live: new Map(Object.entries(live)),
  stored: new Map(),
  pinned: new Set(),
  connected: new Map([["r1", "studio"]]),
  seen: {},
  marked: new Set(),
  baseline: 0,
  prompts: {},
  doing: new Map(),
  failed: new Set(),
  current: null,
  ending: new Set(),
  expected: new Map(),
  ...more,
});
const rowsOf = (given: RowInputs) => [...makeRows(given, new Map()).values()];

describe("a row", () => {
  it("is named by a person, else by the first prompt, else by its folder, never by its id", () => {
    const given = inputs(
      { a: info("a", { sessionName: "Backoff" }), b: info("b"), c: info("c") },
      { prompts: { b: "Fix the retry. Then run everything." } },
    );
    expect(rowsOf(given).map((row) => row.name)).toEqual(["Backoff", "Fix the retry", "New session in site"]);
  });

  it("is offline before it waits, waits before it works", () => {
    const live = { a: asking("a", 5), b: info("b", { isActive: true }), c: info("c") };
    expect(rowsOf(inputs(live)).map((row) => row.status)).toEqual(["waiting", "working", "idle"]);
    expect(rowsOf(inputs(live, { connected: new Map() })).map((row) => row.status)).toEqual(["offline", "offline", "offline"]);
    expect(rowsOf(inputs(live, { failed: new Set(["c"]) }))[2]?.status).toBe("failed");
  });

  it("is new until it was seen, and while it works not at all", () => {
    const live = { a: info("a"), b: info("b", { isActive: true }) };
    expect(rowsOf(inputs(live)).map((row) => row.isNew)).toEqual([true, false]);
    expect(rowsOf(inputs(live, { seen: { a: 1_000 } }))[0]?.isNew).toBe(false);
    expect(rowsOf(inputs(live, { baseline: 2_000 }))[0]?.isNew).toBe(false);
    expect(rowsOf(inputs(live, { current: "a" }))[0]?.isNew).toBe(false);
    expect(rowsOf(inputs(live, { seen: { a: 1_000 }, marked: new Set(["a"]) }))[0]?.isNew).toBe(true);
  });

  it("stays the same object while nothing about it changes", () => {
    const live = { a: info("a"), b: info("b") };
    const first = makeRows(inputs(live), new Map());
    const second = makeRows(inputs({ ...live, b: info("b", { isActive: true }) }), first);
    expect(second.get("a")).toBe(first.get("a"));
    expect(second.get("b")).not.toBe(first.get("b"));
  });

  it("of an ended session takes the place of no live one", () => {
    const stored = new Map([
      ["a", { sessionId: "a", cwd: "/x", endedAt: "2026-11-24T11:00:00Z" }],
      ["z", { sessionId: "z", cwd: "/x", endedAt: "2026-11-24T11:00:00Z", runnerName: "attic" }],
    ]);
    const rows = rowsOf(inputs({ a: info("a") }, { stored }));
    expect(rows.map((row) => [row.id, row.status, row.runnerName])).toEqual([["a", "idle", "studio"], ["z", "ended", "attic"]]);
  });
});

describe("the groups", () => {
  const live = {
    late: asking("late", 90),
    early: asking("early", 10),
    busy: info("busy", { isActive: true }),
    child: info("child", { parentSessionId: "busy", isActive: true }),
    fresh: { ...info("fresh"), changedAt: 3_000 },
    old: { ...info("old", { cwd: "/home/ada/ledger" }), changedAt: 500 },
  };
  const given = inputs(live, { baseline: 1_000, pinned: new Set(["old"]) });

  it("of home order by urgency, each session in one of them", () => {
    const { waiting, working, fresh, earlier } = groupHome(rowsOf(given));
    expect([waiting, working, fresh, earlier].map((group) => group.map((row) => row.id))).toEqual([["early", "late"], ["busy"], ["fresh"], ["old"]]);
    expect(working[0]?.children).toEqual(["child"]);
  });

  it("of the sidebar order by place", () => {
    const { waiting, pinned, groups } = groupSidebar(rowsOf(given));
    expect(waiting.map((row) => row.id)).toEqual(["early", "late"]);
    expect(pinned.map((row) => row.id)).toEqual(["old"]);
    expect(groups.map((group) => [group.folder, group.runnerName, group.rows.map((row) => row.id)])).toEqual([["site", "studio", ["fresh", "busy"]]]);
  });

  it("are searched by name and prompt", () => {
    const rows = rowsOf(inputs({ a: info("a", { sessionName: "Retry" }), b: info("b") }, { prompts: { b: "Look at the retry test" } }));
    expect(search(rows, "retry").map((row) => row.id)).toEqual(["a", "b"]);
    expect(search(rows, "retry test").map((row) => row.id)).toEqual(["b"]);
    expect(search(rows, "nothing")).toEqual([]);
  });
});

describe("the first sentence of a prompt", () => {
  it.each([
    ["Fix the test. Then commit.", "Fix the test"],
    ["Why is it red?", "Why is it red?"],
    ["# Title\nbody", "Title"],
    ["<!-- trigger:1 source:2 -->\nDo v1.2 now", "Do v1.2 now"],
    ["   ", ""],
    ["a".repeat(80), `${"a".repeat(59)}…`],
    ["Move the settings from YAML to TOML and keep the old files readable for a release", "Move the settings from YAML to TOML and keep the old files…"],
  ])("of %o is %o", (prompt, sentence) => {
    expect(firstSentence(prompt)).toBe(sentence);
  });
});

describe("the meta state", () => {
  const first = readMeta({ version: 5, todoList: [{ id: 1, text: "a", status: "done" }] });
  it("takes newer events only", () => {
    const asked = applyMeta(first!, { version: 6, type: "question_pending", question: { toolCallId: "t", questions: [{ question: "Q", options: [] }] } });
    expect(asked.question).toMatchObject({ kind: "question", id: "t" });
    expect(applyMeta(asked, { version: 6, type: "question_cleared" })).toBe(asked);
    expect(applyMeta(asked, { version: 7, type: "question_cleared" }).question).toBeNull();
  });
  it("takes no snapshot without a version", () => {
    expect(readMeta({ todoList: [] })).toBeNull();
  });
});
