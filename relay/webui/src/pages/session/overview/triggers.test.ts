import { describe, expect, it } from "vitest";
import { readFired, readListening } from "./triggers";

describe("readListening", () => {
  const labels = new Map([["github:push", "Push"]]);
  it("says what it waits for and what that is narrowed to, without what only the scheduler needs", () => {
    const row = { subscriptionId: "s", triggerType: "github:push", params: { branch: "main", _cwd: "/x", note: "" }, filters: [{ field: "repo", value: "a/b", op: "contains" }] };
    expect(readListening(row, labels)).toEqual({ id: "s", type: "github:push", label: "Push", detail: "main, repo has a/b" });
  });
  it("makes words of a type that nobody describes", () => {
    expect(readListening({ subscriptionId: "s", triggerType: "time:timer_fired" }, labels).label).toBe("Timer fired");
  });
});

describe("readFired", () => {
  it("tells what came in from what went out, and the answer that was given", () => {
    const row = { triggerId: "t", type: "ask_user_question", source: "child", ts: "2025-01-15T12:00:00.000Z", direction: "inbound", response: { action: "ack", text: "left" } };
    expect(readFired(row)).toEqual({ id: "t", inbound: true, words: "A child session asked a question", source: "child", at: Date.UTC(2025, 0, 15, 12), answer: "left" });
    expect(readFired({ triggerId: "t", type: "x:deploy_done", direction: "outbound" })).toMatchObject({ inbound: false, words: "Deploy done", at: 0, answer: "" });
  });
});
