import { describe, expect, it } from "vitest";
import { completing, guessHome, spelled } from "./settings";

describe("folders", () => {
  it("finds the home in what was used", () => {
    expect(guessHome(["/srv/x", "/home/jo/code", "/home/ann"])).toBe("/home/jo");
    expect(guessHome(["/Users/jo"])).toBe("/Users/jo");
    expect(guessHome(["/srv"])).toBe("");
  });

  it("spells ~ out and drops the slash at the end", () => {
    expect(spelled(" ~/code/ ", "/home/jo")).toBe("/home/jo/code");
    expect(spelled("~", "/home/jo")).toBe("/home/jo");
    expect(spelled("~/code", "")).toBe("~/code");
    expect(spelled("/", "/home/jo")).toBe("/");
  });

  it("splits what is typed into a folder and the start of a name", () => {
    expect(completing("~/code/si", "/home/jo")).toEqual({ folder: "/home/jo/code", start: "si" });
    expect(completing("/sr", "")).toEqual({ folder: "/", start: "sr" });
    expect(completing("/srv/", "")).toEqual({ folder: "/srv", start: "" });
    expect(completing("", "/home/jo")).toEqual({ folder: "/home/jo", start: "" });
  });
});
