import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { OpenSession, Phase, SessionMeta, SessionRow, SessionStatus } from "../../state/types";
import type { Block } from "../../transcript/blocks";
import { doing, standing, turnStart } from "./standing";

const IDLE = { active: false, failed: false, pending: null, compacting: false, doing: "", turnSince: undefined } as unknown as SessionMeta;

function open(phase: Phase, meta: Partial<SessionMeta> = {}, closed: readonly Partial<Block>[] = []): OpenSession {
  return { phase: signal(phase), meta: signal({ ...IDLE, ...meta }), closed: signal(closed) } as unknown as OpenSession;
}
const row = (status: SessionStatus, more: Partial<SessionRow> = {}): SessionRow => ({ status, doing: "", ...more }) as SessionRow;
const question = { kind: "question" as const, id: "q", asks: [{ question: "Which way?", options: [], type: "radio" as const }] };

describe("standing", () => {
  it("puts the end and a lost runner before everything else", () => {
    expect(standing(open("ended", { active: true }), row("working"))).toBe("ended");
    expect(standing(open("live", { pending: question }), row("offline"))).toBe("offline");
    expect(standing(open("awaited", { active: true }), undefined)).toBe("offline");
  });
  it("puts what waits before work, and work before a failure", () => {
    expect(standing(open("live", { pending: question, active: true }), row("working"))).toBe("waiting");
    expect(standing(open("live", { active: true, failed: true }), row("idle"))).toBe("working");
    expect(standing(open("live", { failed: true }), row("idle"))).toBe("failed");
    expect(standing(open("live"), undefined)).toBe("idle");
  });
  it("believes the list until the transcript is there", () => {
    expect(standing(open("loading"), row("working"))).toBe("working");
  });
});

describe("doing", () => {
  it("says what the agent does and for how long, from the prompt that began the turn", () => {
    const session = open("live", { active: true, doing: "Writing an answer", turnSince: 100_000 }, [
      { kind: "you", at: 66_000, steered: false },
      { kind: "you", at: 90_000, steered: true },
    ]);
    expect(turnStart(session)).toBe(66_000);
    expect(doing(session, "working", undefined, 200_000)).toEqual({ words: "Writing an answer", time: "2m 14s" });
  });
  it("repeats what is asked", () => {
    expect(doing(open("live", { pending: question }), "waiting", undefined, 0).words).toBe("Waiting for you: Which way?");
  });
  it("has words for every state", () => {
    for (const status of ["offline", "failed", "idle", "ended"] as const) expect(doing(open("live"), status, undefined, 0).words).not.toBe("");
  });
});
