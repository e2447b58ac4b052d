import { describe, expect, it } from "vitest";
import { diffTexts, parseUnified } from "./diff";
import { answerText, approvalText, planText, readApproval, readPlan, readQuestion } from "./prompts";

describe("answers", () => {
  it("are plain for one question and an object for several", () => {
    const one = readQuestion({ toolCallId: "t", questions: [{ question: "Which?", options: ["a", "b"] }] });
    expect(answerText(one!, ["b"])).toBe("b");
    expect(answerText(one!, [["a", "b"]])).toBe("a, b");
    const two = readQuestion({ questions: [{ question: "Which?", options: [] }, { question: "When?", options: [], type: "checkbox" }] });
    expect(JSON.parse(answerText(two!, ["x", ["y", "z"]]))).toEqual({ "Q1: Which?": "x", "Q2: When?": "y, z" });
  });

  it("to a plan and an approval are what the agent reads", () => {
    expect(JSON.parse(planText({ action: "edit", editSuggestion: "smaller" }))).toEqual({ action: "edit", editSuggestion: "smaller" });
    const approval = readApproval({ promptId: "p", title: "Send?", fields: [{ key: "to", label: "To", value: "x", editable: true }] });
    const edits = { to: "y" };
    expect(JSON.parse(approvalText(approval!, { action: "approve", approved: true, edits }))).toEqual({ action: "approve", approved: true, promptId: "p", edits });
    expect(JSON.parse(approvalText(approval!, { action: "reject", approved: false, edits }))).toEqual({ action: "reject", approved: false, promptId: "p" });
  });

  it("are asked for in the older form as well", () => {
    expect(readQuestion({ question: "Go?", options: ["yes", "Type your own"] }, "t")).toMatchObject({ id: "t", asks: [{ options: ["yes"] }] });
    expect(readPlan({ title: "Plan", steps: ["one", { title: "two" }] })?.steps.map((step) => step.title)).toEqual(["one", "two"]);
    expect(readQuestion({ questions: [{ question: " " }] })).toBeNull();
  });
});

describe("diffs", () => {
  it("compare texts line by line, with three lines around each change", () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const after = before.map((line, index) => (index === 10 ? "changed" : line));
    const diff = diffTexts("a.txt", before.join("\n"), after.join("\n"));
    expect([diff.added, diff.removed, diff.lines.length]).toEqual([1, 1, 8]);
    expect(diff.lines[3]).toEqual({ kind: "del", text: "line 10", old: 11 });
    expect(diff.lines[4]).toEqual({ kind: "add", text: "changed", new: 11 });
  });

  it("are read as git writes them", () => {
    const text = "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,3 @@\n one\n-two\n+2\n+3\n@@ -9 +10 @@\n-n\n+m\n";
    const [file] = parseUnified(text);
    expect(file).toMatchObject({ path: "x.py", added: 3, removed: 2 });
    expect(file?.lines.map((line) => line.kind)).toEqual(["same", "del", "add", "add", "gap", "del", "add"]);
    expect(file?.lines[0]).toMatchObject({ old: 1, new: 1 });
    expect(file?.lines.at(-1)).toMatchObject({ new: 10 });
  });
});
