import { describe, expect, it } from "vitest";
import { conflicted, readBlame, readStatus, sides } from "./git";

const STATUS = readStatus({
  branch: "main",
  ahead: 1,
  hasUpstream: true,
  changes: [
    { status: "M ", path: "staged.py" },
    { status: " M", path: "open.py" },
    { status: "MM", path: "both.py" },
    { status: "??", path: "new.py" },
    { status: "R ", path: "to.py", originalPath: "from.py" },
    { status: "UU", path: "fight.py" },
  ],
});

describe("git status", () => {
  it("is read with its numbers and old names", () => {
    expect(STATUS).toMatchObject({ branch: "main", ahead: 1, behind: 0, upstream: true });
    expect(STATUS.changes[4]).toEqual({ path: "to.py", from: "from.py", x: "R", y: " " });
  });

  it("splits into staged and not staged, a file in both where it is both", () => {
    const { staged, rest } = sides(STATUS.changes);
    expect(staged.map(({ path }) => path)).toEqual(["staged.py", "both.py", "to.py"]);
    expect(rest.map(({ path }) => path)).toEqual(["open.py", "both.py", "new.py", "fight.py"]);
    expect(STATUS.changes.filter(conflicted).map(({ path }) => path)).toEqual(["fight.py"]);
  });
});

describe("git blame", () => {
  it("gives every line of a run to its commit", () => {
    const line = (finalLine: number, author: string) => ({ finalLine, author, hash: author, authorDate: "2026-11-24T10:00:00Z", summary: "s" });
    const { text, by } = readBlame({ content: ["a", "b", "c"], lines: [line(1, "Ann"), line(3, "Bob")] });
    expect(text).toBe("a\nb\nc");
    expect(by.map((author) => author?.author)).toEqual(["Ann", "Ann", "Bob"]);
  });
});
