import { expect, it } from "vitest";
import type { Block } from "../../transcript/blocks";
import { fileName, toMarkdown } from "./export";

const you: Block = { kind: "you", key: "1", text: "Fix it", images: [], at: undefined, steered: false, delivery: "sent" };
const answer: Block = { kind: "answer", key: "2", markdown: "Done.", open: false, at: undefined };
const thinking: Block = { kind: "thinking", key: "3", text: "hm", open: false, redacted: false, seconds: 3, startedAt: undefined };

it("writes who said what, and leaves thoughts out", () => {
  expect(toMarkdown("My session", [you, thinking, answer])).toBe("# My session\n\n## You\n\nFix it\n\nDone.\n");
});

it("fences output with more backticks than it has itself", () => {
  const tool = { kind: "tool", key: "4", verb: "Ran", object: "cat a.md", result: "", output: "```\ncode\n```" } as Block;
  expect(toMarkdown("x", [tool])).toContain("**Ran** `cat a.md`\n\n````\n```\ncode\n```\n````");
});

it("makes a file name of any name", () => {
  expect(fileName("Fix the “backoff” test: é!")).toBe("fix-the-backoff-test-e.md");
  expect(fileName("???")).toBe("session.md");
});
