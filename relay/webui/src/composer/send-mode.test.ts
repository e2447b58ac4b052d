import { expect, it } from "vitest";
import { sendMode } from "../state/prefs";
import { modeOf, otherMode, setMode } from "./send-mode";

it("remembers the way of each session and follows the preference elsewhere", () => {
  setMode("a", "followUp");
  expect(modeOf("a")).toBe("followUp");
  expect(modeOf("b")).toBe("steer");
  sendMode.value = "followUp";
  expect(modeOf("b")).toBe("followUp");
  setMode("a", otherMode(modeOf("a")));
  expect(modeOf("a")).toBe("steer");
});

it("forgets the oldest choices", () => {
  sendMode.value = "steer";
  for (let number = 0; number < 120; number += 1) setMode(`s${number}`, "followUp");
  expect(modeOf("s0")).toBe("steer");
  expect(modeOf("s119")).toBe("followUp");
});
