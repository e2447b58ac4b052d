import { expect, it } from "vitest";
import { readServers } from "./mcp-section";

it("lists servers that are on, off and failed, with their tools", () => {
  const said = {
    config: { effectiveServers: [{ name: "github" }, { name: "linear" }], disabledServers: ["figma"] },
    serverTools: { github: ["a", "b"] },
    errors: [{ server: "linear", error: "It did not start." }],
  };
  expect(readServers(said)).toEqual([
    { name: "figma", tools: 0, on: false, error: "" },
    { name: "github", tools: 2, on: true, error: "" },
    { name: "linear", tools: 0, on: true, error: "It did not start." },
  ]);
  expect(readServers({})).toEqual([]);
});
