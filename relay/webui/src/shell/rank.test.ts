import { describe, expect, it } from "vitest";
import { rank } from "./rank";

describe("finding commands by words", () => {
  const words = ["Go back", "Go to Runners", "Show or hide the sidebar", "Feedback"];

  it("wants every word, and puts beginnings first", () => {
    expect(rank(words, "back", String)).toEqual(["Go back", "Feedback"]);
    expect(rank(words, "go run", String)).toEqual(["Go to Runners"]);
    expect(rank(words, "SIDE show", String)).toEqual(["Show or hide the sidebar"]);
    expect(rank(words, "nothing", String)).toEqual([]);
  });

  it("answers everything, in order, for no words", () => {
    expect(rank(words, "  ", String)).toEqual(words);
  });
});
