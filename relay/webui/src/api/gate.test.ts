import { describe, expect, it } from "vitest";
import { admit, merge, mine, newGate } from "./gate";
import { Requests } from "./requests";

const live = (seq: number | undefined, type = "message_end", more: object = {}) => ({ event: { type }, seq, sessionId: "s", ...more });

describe("the gate of a viewer", () => {
  it("drops what belongs to another session or an earlier selection", () => {
    const gate = newGate("s", 7, 10);
    expect(mine(gate, { sessionId: "t" })).toBe(false);
    expect(mine(gate, { generation: 6 })).toBe(false);
    expect(mine(gate, { sessionId: "s", generation: 7 })).toBe(true);
    expect(admit(gate, live(11, "message_end", { generation: 6 })).event).toBeNull();
    expect(gate.cursor).toBe(10);
  });

  it("takes nothing of the room before the first transcript, and leaves the cursor alone meanwhile", () => {
    const gate = newGate("s", 1);
    expect(admit(gate, live(4)).event).toBeNull();
    expect(gate).toMatchObject({ awaiting: true, cursor: null });
    expect(admit(gate, live(5, "session_active")).event).not.toBeNull();
    expect(gate).toMatchObject({ awaiting: false, cursor: 5 });
  });

  it("takes what is sent to it alone while it awaits", () => {
    expect(admit(newGate("s", 1), live(undefined, "heartbeat", { generation: 1 })).event).not.toBeNull();
  });

  it("drops what it has, takes what follows, and names the gap before what is ahead", () => {
    const gate = newGate("s", 1, 10);
    expect(admit(gate, live(9)).event).toBeNull();
    expect(admit(gate, live(10)).event).not.toBeNull();
    expect(admit(gate, live(11))).toMatchObject({ gapAfter: null });
    expect(admit(gate, live(14))).toMatchObject({ gapAfter: 11, event: { type: "message_end" } });
    expect(gate.cursor).toBe(14);
  });

  it("takes a replay above the cursor only, without looking for gaps", () => {
    const gate = newGate("s", 1, 10);
    const replay = (seq: number) => admit(gate, live(seq, "message_end", { replay: true, deltaReplay: true, generation: 1 }));
    expect(replay(10).event).toBeNull();
    expect(replay(13)).toMatchObject({ gapAfter: null, event: { type: "message_end" } });
  });

  it("always takes what has no number", () => {
    const gate = newGate("s", 1, 10);
    expect(admit(gate, live(undefined, "message_update")).event).not.toBeNull();
    expect(gate.cursor).toBe(10);
  });

  it("merges the relay's counter downwards", () => {
    const gate = newGate("s", 1);
    merge(gate, 8);
    expect(gate.cursor).toBe(8);
    merge(gate, 12);
    expect(gate.cursor).toBe(8);
    merge(gate, 3);
    merge(gate, "x");
    expect(gate.cursor).toBe(3);
  });
});

describe("requests", () => {
  it("are settled by their own answer, and fail when the connection goes", async () => {
    const requests = new Requests();
    const [one, two] = [requests.id("exec"), requests.id("exec")];
    const first = requests.wait(one, 1_000);
    const second = requests.wait(two, 1_000);
    expect(requests.answer(two, { ok: true })).toBe(true);
    expect(await second).toEqual({ ok: true });
    expect(requests.answer(two, {})).toBe(false);
    requests.abandon("The connection was lost.");
    await expect(first).rejects.toThrow("The connection was lost.");
  });

  it("fail when nobody answers in time", async () => {
    await expect(new Requests().wait("x", 1)).rejects.toThrow("Nothing answered in time.");
  });
});
