import { expect, it } from "vitest";
import { contextParts } from "./context-gauge";

it("adds up what fills the context by kind, the largest first, and names what it does not know by its title", () => {
  const blocks = [
    { role: "system", tokens: 40 },
    { role: "turn", tokens: 30 },
    { role: "turn", tokens: 50 },
    { role: "separator", tokens: 9 },
    { role: "context:skill", tokens: 0 },
    { role: "weather", title: "Weather report", tokens: 5 },
    { role: "odd", tokens: 1 },
  ];
  expect(contextParts({ blocks })).toEqual([
    { words: "The conversation", tokens: 80 },
    { words: "Instructions and tools", tokens: 40 },
    { words: "Weather report", tokens: 5 },
    { words: "odd", tokens: 1 },
  ]);
});

it("shows nothing for an agent that tells nothing", () => {
  expect(contextParts(null)).toEqual([]);
  expect(contextParts({ blocks: "none" })).toEqual([]);
});
