import { describe, expect, it } from "vitest";
import { answerOf, compose } from "./push-message";

const base = { sessionId: "s1", sessionName: "fix-ci" };

describe("a notification", () => {
  it("asks the question under the session's name, with two buttons and an own answer", () => {
    const push = {
      ...base,
      type: "agent_needs_input",
      title: "Input needed",
      body: 'Agent in "fix-ci" asks: Deploy now?',
      data: { toolCallId: "tc", options: ["Yes, now", "Type your own", "No", "Later"] },
    };
    const notice = compose(push);
    expect(notice).toMatchObject({ title: "fix-ci", body: "Deploy now?", tag: "relay-agent_needs_input-s1", stays: true, toolCallId: "tc" });
    expect(notice?.actions.map((action) => action.title)).toEqual(["Yes, now", "No", "Answer…"]);
    expect(answerOf(notice!, "option-1", undefined)).toBe("No");
    expect(answerOf(notice!, "reply", " tomorrow ")).toBe("tomorrow");
    expect(answerOf(notice!, "reply", "")).toBeNull();
    expect(answerOf(notice!, "", undefined)).toBeNull();
  });

  it("has no buttons when it could not deliver an answer", () => {
    expect(compose({ ...base, type: "agent_needs_input", body: "", data: { options: ["a"] } })?.actions).toEqual([]);
  });

  it.each([
    [{ type: "agent_needs_input", body: 'Agent in "fix-ci" asks: Plan ready for review' }, "A plan is ready to review."],
    [{ type: "agent_needs_input", body: 'Agent in "fix-ci" is waiting for your input.' }, "It waits for your answer."],
    [{ type: "agent_finished", body: "\n# All green\nmore" }, "Done: All green"],
    [{ type: "agent_finished", body: 'Your agent in "fix-ci" has finished its task.' }, "Done"],
    [{ type: "agent_error", body: 'Error in "fix-ci": overloaded' }, "Stopped on an error: overloaded"],
    [{ type: "agent_error", body: 'An error occurred in session "fix-ci".' }, "Stopped on an error"],
  ])("says what happened: %o", (push, body) => {
    expect(compose({ ...base, ...push })?.body).toBe(body);
  });

  it("is not made of something else", () => {
    expect(compose(null)).toBeNull();
    expect(compose({ type: "agent_finished" })).toBeNull();
  });
});
