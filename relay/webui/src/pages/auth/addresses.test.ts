import { beforeAll, describe, expect, it } from "vitest";
import { isLoopback, socketAddress } from "./addresses";

beforeAll(() => {
  Object.assign(globalThis, { location: { protocol: "http:", origin: "http://127.0.0.1:7492" } });
});

describe("addresses for the command that starts a runner", () => {
  it("writes what a person gave as the client wants it", () => {
    expect(socketAddress("http://192.168.1.20:7492/")).toBe("ws://192.168.1.20:7492");
    expect(socketAddress("https://relay.example.org")).toBe("wss://relay.example.org");
    expect(socketAddress(" relay.local:7492 ")).toBe("ws://relay.local:7492");
    expect(socketAddress("wss://example.org/relay/")).toBe("wss://example.org/relay");
    expect(socketAddress("http://[::1]:7492")).toBe("ws://[::1]:7492");
  });

  it("refuses what is no address", () => {
    for (const text of ["", "ftp://example.org", "http://", "a b", "javascript://x"]) expect(socketAddress(text), text).toBeNull();
  });

  it("knows the names of this machine", () => {
    expect(["http://localhost:1", "http://127.0.0.9", "http://[::1]:7492", "http://t.localhost"].map(isLoopback)).toEqual([true, true, true, true]);
    expect(["http://192.168.1.2", "https://relay.example.org", "nonsense"].map(isLoopback)).toEqual([false, false, false]);
  });
});
