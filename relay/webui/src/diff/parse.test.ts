import { describe, expect, it } from "vitest";
import { hunkWords, parseDiff, splitRows } from "./parse";

const DIFF = `diff --git a/src/retry.py b/src/retry.py
index 1..2 100644
--- a/src/retry.py
+++ b/src/retry.py
@@ -40,4 +40,5 @@ def backoff(attempt):
 a
-b
-c
+B
+C
+D
 e
\\ No newline at end of file
diff --git a/pic.png b/pic.png
Binary files a/pic.png and b/pic.png differ
`;

describe("parseDiff", () => {
  it("numbers lines on both sides and counts them", () => {
    const [file, picture] = parseDiff(DIFF);
    expect(file?.path).toBe("src/retry.py");
    expect([file?.added, file?.removed]).toEqual([3, 2]);
    expect(file?.hunks[0]?.lines).toEqual([
      { kind: "same", text: "a", before: 40, after: 40 },
      { kind: "del", text: "b", before: 41 },
      { kind: "del", text: "c", before: 42 },
      { kind: "add", text: "B", after: 41 },
      { kind: "add", text: "C", after: 42 },
      { kind: "add", text: "D", after: 43 },
      { kind: "same", text: "e", before: 43, after: 44 },
    ]);
    expect(picture).toMatchObject({ path: "pic.png", binary: true, hunks: [] });
  });

  it("takes a removed line that looks like a header for what it is", () => {
    const text = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- old\n+++ new\n same\n";
    const [file, ...more] = parseDiff(text);
    expect(more).toEqual([]);
    expect(file?.hunks[0]?.lines.map(({ kind, text: words }) => [kind, words])).toEqual([
      ["del", "-- old"],
      ["add", "++ new"],
      ["same", "same"],
    ]);
  });

  it("reads a new file and a deleted one", () => {
    const made = parseDiff("diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n");
    expect(made).toHaveLength(1);
    expect(made[0]).toMatchObject({ path: "n", added: 1, removed: 0 });
    const gone = parseDiff("diff --git a/n b/n\ndeleted file mode 100644\n--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
    expect(gone).toHaveLength(1);
    expect(gone[0]).toMatchObject({ path: "n", added: 0, removed: 1 });
  });

  it("answers nothing for nothing", () => {
    expect(parseDiff("")).toEqual([]);
  });
});

describe("hunkWords", () => {
  it("says lines and the function around them", () => {
    const hunk = parseDiff(DIFF)[0]?.hunks[0];
    expect(hunk && hunkWords(hunk)).toBe("Lines 40 to 44, backoff");
  });
});

describe("splitRows", () => {
  it("puts a removed run beside the added run behind it", () => {
    const rows = splitRows(parseDiff(DIFF)[0]?.hunks[0]?.lines ?? []);
    expect(rows.map(({ left, right }) => [left?.text, right?.text])).toEqual([
      ["a", "a"],
      ["b", "B"],
      ["c", "C"],
      [undefined, "D"],
      ["e", "e"],
    ]);
  });
});
