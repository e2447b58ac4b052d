import { describe, expect, it } from "vitest";
import { match } from "./router";

describe("patterns of addresses", () => {
  it("takes the parts that a pattern names, decoded", () => {
    expect(match("/", "/")).toEqual({});
    expect(match("/session/:id", "/session/a%20b")).toEqual({ id: "a b" });
    expect(match("/session/:id/:view/*rest", "/session/x/files/src/a%23.py")).toEqual({ id: "x", view: "files", rest: "src/a#.py" });
    expect(match("/session/:id/:view/*rest", "/session/x/terminal")).toEqual({ id: "x", view: "terminal", rest: "" });
    expect(match("/session/:id", "/session/x/")).toEqual({ id: "x" });
  });

  it("refuses what is longer, shorter or other", () => {
    expect(match("/session/:id", "/session")).toBeNull();
    expect(match("/session/:id", "/session/x/files")).toBeNull();
    expect(match("/runners", "/runner")).toBeNull();
  });

  it("leaves a broken escape as it stands", () => {
    expect(match("/session/:id", "/session/%E0%A4%A")).toEqual({ id: "%E0%A4%A" });
  });
});
