import { describe, expect, it } from "vitest";
import type { Block, ToolBlock } from "../transcript";
import { Heights } from "./heights";
import { gapAbove, joinRows, type Row, rowsOf, runWords } from "./rows";

function tool(key: string, sort: ToolBlock["sort"], object: string, state: ToolBlock["state"] = "done"): ToolBlock {
  return {
    kind: "tool", key, callId: key, name: sort, sort, verb: "Read", doing: "Reading", mono: false, object, args: {}, output: "", images: [],
    state, exit: undefined, result: "", startedAt: undefined, seconds: undefined, diff: undefined,
  };
}
const answer = (key: string): Block => ({ kind: "answer", key, markdown: key, open: false, at: undefined });

describe("rowsOf", () => {
  it("folds runs of reads and searches and nothing else", () => {
    const rows = rowsOf([tool("a", "read", "x/a.py"), tool("b", "search", "cap"), tool("c", "shell", "ls"), tool("d", "read", "d"), answer("e")]);
    expect(rows.map((row) => [row.key, row.shown.kind])).toEqual([["a", "run"], ["c", "tool"], ["d", "tool"], ["e", "answer"]]);
  });

  it("leaves failed reads for themselves", () => {
    expect(rowsOf([tool("a", "read", "a"), tool("b", "read", "b", "failed"), tool("c", "read", "c")])).toHaveLength(3);
  });

  it("answers the same row objects for the same blocks", () => {
    const blocks = [tool("a", "read", "a"), tool("b", "read", "b"), answer("c")];
    const [first, second] = [rowsOf(blocks), rowsOf(blocks)];
    expect(first.map((row, at) => row === second[at])).toEqual([true, true]);
  });

  it("lets a read of the open end join the run before it under the same key", () => {
    const closed = [answer("x"), tool("a", "read", "a")];
    const open = [tool("b", "read", "b", "running"), answer("y")];
    const rows = joinRows(rowsOf(closed), closed, open);
    expect(rows.map((row) => row.key)).toEqual(["x", "a", "y"]);
    expect(rows.map((row) => row.key)).toEqual(rowsOf([...closed, ...open]).map((row) => row.key));
  });
});

describe("words and gaps", () => {
  it("says what a run did", () => {
    expect(runWords([tool("a", "read", "s/retry.py"), tool("b", "read", "s/client.py")])).toMatchObject({ verb: "Read", object: "retry.py, client.py", sum: "2 files" });
    expect(runWords([tool("a", "read", "a"), tool("b", "search", "q"), tool("c", "search", "r")]).verb).toBe("Read 1 file, searched twice");
  });

  it("keeps closed lines close and gives open ones room", () => {
    const [line, text] = rowsOf([tool("a", "shell", "ls"), answer("b")]) as [Row, Row];
    expect([gapAbove(undefined, false, line), gapAbove(line, false, line), gapAbove(line, true, line), gapAbove(line, false, text), gapAbove(text, false, line)]).toEqual([0, 2, 12, 8, 10]);
  });
});

describe("Heights", () => {
  const rows = rowsOf(Array.from({ length: 1000 }, (_, at) => answer(String(at))));

  it("finds rows by offset and puts measures in the place of guesses", () => {
    const heights = new Heights(() => 20);
    heights.set(rows);
    expect([heights.total, heights.find(0), heights.find(19), heights.find(20), heights.find(1e9)]).toEqual([20_000, 0, 0, 1, 999]);
    expect(heights.measured("3", 120, 3)).toBe(true);
    expect(heights.measured("3", 120, 3)).toBe(false);
    expect([heights.offset(3), heights.offset(4), heights.total, heights.find(179)]).toEqual([60, 180, 20_100, 3]);
  });

  it("keeps measures when rows come in front or at the end", () => {
    const heights = new Heights(() => 20);
    heights.set(rows.slice(500));
    heights.measured("500", 50, 0);
    heights.set(rows);
    expect([heights.offset(501), heights.total]).toEqual([500 * 20 + 50, 20_030]);
    heights.set(rows.slice(0, 10));
    expect(heights.total).toBe(200);
  });
});
