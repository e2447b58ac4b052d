import { describe, expect, it } from "vitest";
import type { Command } from "../state/types";
import { argumentSuggestions, commandSuggestions, fileSuggestions, insertAt, readCommand, tokenAt } from "./suggest";

const command = (name: string, more: Partial<Command> = {}): Command => ({ name, description: "", source: "", argumentHint: "", completions: [], ...more });

describe("tokenAt", () => {
  it("finds a command at the start of the text only", () => {
    expect(tokenAt("/com", 4)).toMatchObject({ kind: "command", query: "com", start: 0, end: 4 });
    expect(tokenAt("/compact", 3)).toMatchObject({ kind: "command", query: "co", end: 8 });
    expect(tokenAt("see /com", 8)).toBeNull();
    expect(tokenAt("src/app", 7)).toBeNull();
  });
  it("finds the argument of a command", () => {
    expect(tokenAt("/model son", 10)).toMatchObject({ kind: "argument", command: "model", query: "son", start: 7 });
    expect(tokenAt("/model a b", 10)).toBeNull();
  });
  it("finds a file after a sign that stands alone, not inside an address", () => {
    expect(tokenAt("look at @src/re", 15)).toMatchObject({ kind: "file", query: "src/re", start: 8 });
    expect(tokenAt("(@a", 3)).toMatchObject({ kind: "file", query: "a", start: 1 });
    expect(tokenAt("me@example", 10)).toBeNull();
    expect(tokenAt("@done and on", 12)).toBeNull();
  });
});

describe("commands", () => {
  const commands = [command("recompact"), command("compact", { argumentHint: "what to keep" }), command("skill:pdf", { source: "skill", description: "Read a PDF file" })];
  it("lists those that begin with the query first", () => {
    expect(commandSuggestions(commands, "comp").map((each) => each.label)).toEqual(["/compact", "/recompact"]);
  });
  it("finds words of the description once the query says enough", () => {
    expect(commandSuggestions(commands, "fil").map((each) => each.label)).toEqual(["/skill:pdf"]);
    expect(commandSuggestions(commands, "fi")).toEqual([]);
  });
  it("knows which are complete without an argument", () => {
    expect(commandSuggestions(commands, "").map((each) => each.complete)).toEqual([true, false, true]);
  });
  it("offers the values of an argument", () => {
    const model = command("model", { completions: [{ value: "sonnet", label: "", description: "" }, { value: "opus", label: "", description: "" }] });
    expect(argumentSuggestions(model, "son").map((each) => each.insert)).toEqual(["sonnet "]);
    expect(argumentSuggestions(undefined, "")).toEqual([]);
  });
});

describe("files", () => {
  it("shows the name before its folder and keeps folders open for more", () => {
    expect(fileSuggestions([{ path: "src/app.ts", isDirectory: false }, { path: "src/my lib", isDirectory: true }])).toMatchObject([
      { label: "app.ts", detail: "src", insert: "@src/app.ts ", complete: true },
      { label: "my lib/", detail: "src", insert: '@"src/my lib"/', complete: false },
    ]);
  });
});

it("puts a suggestion in the place of what was typed", () => {
  const token = tokenAt("see @re now", 7);
  const [row] = fileSuggestions([{ path: "src/retry.py", isDirectory: false }]);
  if (!token || !row) throw new Error("no token");
  expect(insertAt("see @re now", token, row)).toEqual({ text: "see @src/retry.py now", caret: 17 });
});

it("takes a command apart", () => {
  expect(readCommand("/compact keep the names")).toEqual({ name: "compact", rest: "keep the names" });
  expect(readCommand("/stop")).toEqual({ name: "stop", rest: "" });
  expect(readCommand("a /stop")).toBeNull();
});
