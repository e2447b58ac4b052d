/** Prompts on their way: shown at once, replaced by the agent's own copy when that comes. Pure. */

import type { Picture, YouBlock } from "./blocks";

interface Outgoing {
  block: YouBlock;
  /** The agent has it; its copy is to come. */
  acked: boolean;
  ackedAt: number;
}

/** How long an acknowledged prompt waits for the agent's copy once the agent is idle. */
const LOST_MS = 10_000;
/** How far the clocks of a runner and of this browser may be apart. */
const SKEW_MS = 120_000;

/** The prompts of one session that the agent has not shown yet. */
export class OutgoingList {
  private list: Outgoing[] = [];
  private count = 0;

  /** Answer the blocks, oldest first. */
  blocks(): readonly YouBlock[] {
    return this.list.map((entry) => entry.block);
  }

  get size(): number {
    return this.list.length;
  }

  /** Show a prompt; answers its key. */
  add(text: string, images: readonly Picture[], steered: boolean, at: number): string {
    this.count += 1;
    const key = `out${this.count}`;
    const block: YouBlock = { kind: "you", key, text, images, at, steered, delivery: "sending" };
    this.list.push({ block, acked: false, ackedAt: 0 });
    return key;
  }

  /** Note that the agent has it. */
  ack(key: string, now: number): void {
    this.change(key, (entry) => ({ block: { ...entry.block, delivery: "sent" }, acked: true, ackedAt: now }));
  }

  /** Note that it could not be sent. */
  fail(key: string, reason: string): void {
    this.change(key, (entry) => ({ ...entry, block: { ...entry.block, delivery: "failed", reason } }));
  }

  /** Note that it is being sent again. */
  again(key: string): void {
    this.change(key, ({ block: { reason: _reason, ...block } }) => ({
      block: { ...block, delivery: "sending" },
      acked: false,
      ackedAt: 0,
    }));
  }

  /** Take one away; answers its text. */
  remove(key: string): string {
    const found = this.list.find((entry) => entry.block.key === key);
    this.list = this.list.filter((entry) => entry !== found);
    return found?.block.text ?? "";
  }

  /**
   * Answer the prompt that a person's message of the agent stands for, and take it away: one of equal text, else one whose
   * text the message contains (files add to it, commands expand), else the oldest that the agent acknowledged. A message
   * of a snapshot, of which `at` tells the time, may be an old one: it must have the text and the age.
   */
  claim(text: string, at?: number): YouBlock | null {
    const wanted = text.trim();
    const open = this.list.filter(({ block }) => block.delivery !== "failed" && (at === undefined || at > (block.at ?? 0) - SKEW_MS));
    const contained = (entry: Outgoing): boolean => entry.block.text.trim() !== "" && wanted.includes(entry.block.text.trim());
    const found =
      open.find((entry) => entry.block.text.trim() === wanted) ??
      open.find(contained) ??
      (at === undefined ? open.find((entry) => entry.acked) : undefined);
    if (!found) return null;
    this.list = this.list.filter((entry) => entry !== found);
    return found.block;
  }

  /** Drop what an idle agent acknowledged and never showed, as a command that it ran; answers whether any was. */
  sweep(now: number): boolean {
    const before = this.list.length;
    this.list = this.list.filter((entry) => !entry.acked || now - entry.ackedAt < LOST_MS);
    return this.list.length !== before;
  }

  private change(key: string, to: (entry: Outgoing) => Outgoing): void {
    this.list = this.list.map((entry) => (entry.block.key === key ? to(entry) : entry));
  }
}
