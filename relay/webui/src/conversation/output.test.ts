import { describe, expect, it } from "vitest";
import { entryOf } from "./actions";
import { lastLines, plain } from "./output";
import type { YouBlock } from "../transcript";

describe("output", () => {
  it("drops what colours a terminal and the empty end", () => {
    expect(plain("\u001b[31mred\u001b[0m\r\nnext\n\n")).toBe("red\nnext");
  });

  it("answers the last lines and how many there are", () => {
    expect(lastLines("a\nb\nc\nd", 2)).toEqual({ shown: "c\nd", all: 4 });
    expect(lastLines("a\nb", 8)).toEqual({ shown: "a\nb", all: 2 });
  });
});

describe("entryOf", () => {
  const you = (key: string, text: string): YouBlock => ({ kind: "you", key, text, images: [], at: 1, steered: false, delivery: "sent" });

  it("finds the message of equal texts that is as far from the end", () => {
    const blocks = [you("a", "again"), you("b", "other"), you("c", "again")];
    const told = { messages: [{ entryId: "0", text: "again" }, { entryId: "1", text: "again" }, { entryId: "2", text: "other" }, { entryId: "3", text: "again " }] };
    expect(entryOf(told, blocks[2] as YouBlock, blocks)).toBe("3");
    expect(entryOf(told, blocks[0] as YouBlock, blocks)).toBe("1");
    expect(entryOf({}, blocks[0] as YouBlock, blocks)).toBeUndefined();
  });
});
