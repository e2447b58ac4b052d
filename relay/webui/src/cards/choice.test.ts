import { describe, expect, it } from "vitest";
import { answerText, type Ask } from "../transcript/prompts";
import { answerOf, answered, choose, move, moved, optionWords, untouched, write } from "./choice";

const radio: Ask = { question: "Which?", options: ["left", "right"], type: "radio" };
const checkbox: Ask = { question: "Which ones?", options: ["a", "b", "c"], type: "checkbox" };
const ranked: Ask = { question: "In which order?", options: ["x", "y", "z"], type: "ranked" };

describe("optionWords", () => {
  it("shows what follows a dash or a new line as the explanation", () => {
    expect(optionWords("SQLite — no server")).toEqual({ label: "SQLite", detail: "no server" });
    expect(optionWords("Postgres - one more process")).toEqual({ label: "Postgres", detail: "one more process" });
    expect(optionWords("Yes\nboth load in 4.0")).toEqual({ label: "Yes", detail: "both load in 4.0" });
  });
  it("leaves hyphens inside words and negative numbers alone", () => {
    expect(optionWords("force-with-lease")).toEqual({ label: "force-with-lease", detail: "" });
    expect(optionWords("use -1")).toEqual({ label: "use -1", detail: "" });
  });
});

describe("one of several", () => {
  it("has no answer before a choice", () => {
    expect(answered(radio, untouched(radio))).toBe(false);
  });
  it("answers with the option's whole text", () => {
    const choice = choose(radio, choose(radio, untouched(radio), 0), 1);
    expect(answerOf(radio, choice)).toBe("right");
    expect(answered(radio, choice)).toBe(true);
  });
  it("takes the person's own words instead, and is unanswered without any", () => {
    const own = write(radio, choose(radio, untouched(radio), 0), "  straight on ");
    expect(answerOf(radio, own)).toBe("straight on");
    expect(answered(radio, choose(radio, untouched(radio), "own"))).toBe(false);
  });
});

describe("several at once", () => {
  it("answers in the order of the list, whatever was chosen first, own words last", () => {
    const choice = write(checkbox, choose(checkbox, choose(checkbox, untouched(checkbox), 2), 0), "d");
    expect(answerOf(checkbox, choice)).toEqual(["a", "c", "d"]);
  });
  it("lets go of a choice that is made twice", () => {
    const choice = choose(checkbox, choose(checkbox, untouched(checkbox), 1), 1);
    expect(answered(checkbox, choice)).toBe(false);
  });
  it("lets go of own words that are deleted", () => {
    expect(write(checkbox, write(checkbox, untouched(checkbox), "d"), "").chosen).toEqual([]);
  });
});

describe("in an order", () => {
  it("is answered from the start and numbers its places", () => {
    expect(answered(ranked, untouched(ranked))).toBe(true);
    expect(answerOf(ranked, move(untouched(ranked), 2, 0))).toEqual(["1. z", "2. x", "3. y"]);
  });
  it("moves within the ends of the list", () => {
    expect(moved(["a", "b", "c"], 0, 9)).toEqual(["b", "c", "a"]);
    expect(moved(["a", "b", "c"], 2, -4)).toEqual(["c", "a", "b"]);
    expect(moved(["a"], 4, 0)).toEqual(["a"]);
  });
});

it("writes several parts as the agent reads them", () => {
  const question = { kind: "question" as const, id: "q", asks: [radio, checkbox] };
  const answers = [answerOf(radio, choose(radio, untouched(radio), 0)), answerOf(checkbox, choose(checkbox, untouched(checkbox), 1))];
  expect(JSON.parse(answerText(question, answers))).toEqual({ "Q1: Which?": "left", "Q2: Which ones?": "b" });
});
