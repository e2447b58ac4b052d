import { describe, expect, it } from "vitest";
import { colour, piecesOf } from "./highlight";

describe("piecesOf", () => {
  it("keeps the colour of a span over the end of a line and reads entities", () => {
    const lines = piecesOf('a <span class="hljs-string">&quot;b\nc&quot;</span> &lt;\n');
    expect(lines).toEqual([
      [{ kind: "", text: "a " }, { kind: "str", text: '"b' }],
      [{ kind: "str", text: 'c"' }, { kind: "", text: " <" }],
      [],
    ]);
  });
});

describe("colour", () => {
  it("colours a language that is loaded then, without losing a character", async () => {
    const text = 'def f(x):\n    return "<&>" # why\n';
    const lines = await colour(text, "src/a.py");
    expect(lines?.map((line) => line.map((piece) => piece.text).join("")).join("\n")).toBe(text);
    expect(lines?.[0]?.[0]).toEqual({ kind: "key", text: "def" });
  });

  it("leaves what it does not know alone", async () => {
    expect(await colour("x", "a.unknown")).toBeNull();
  });
});
