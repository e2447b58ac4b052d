import { describe, expect, it } from "vitest";
import { browserName } from "./browser-name";
import { tokenOf } from "./token";

describe("a browser", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36", "Chrome on Linux"],
    ["", "A browser"],
  ])("%s is %s", (agent, name) => expect(browserName(agent)).toBe(name));
});

describe("the link of a runner", () => {
  const token = "0123456789abcdef".repeat(4);
  it.each([token, `https://relay.example/setup-claim?t=${token}`, `http://10.0.0.5:7492/link/${token}`])("%s has its token", (link) =>
    expect(tokenOf(link)).toBe(token),
  );
  it("is told from anything else", () => {
    expect(tokenOf("https://relay.example/setup-claim?t=abc")).toBeNull();
    expect(tokenOf("hello")).toBeNull();
  });
});
