/** Keep the messages of a transcript in order, with the blocks of each, and the one that grows. Pure. */

import type { Block, NoticeBlock, YouBlock } from "./blocks";
import { keyOf } from "./keys";
import { blocksOf } from "./message-blocks";
import type { ToolRuns } from "./tool-runs";
import { type Json, callId, callsOf, objects, same } from "./wire";

interface Thought {
  readonly startedAt: number | undefined;
  seconds: number | undefined;
}

/** What a prompt on its way leaves to the agent's copy of it. */
export interface Claim {
  readonly uid: string;
  readonly steered: boolean;
}

/** One message. Its `uid`, which the keys of its blocks begin with, stays when its `key` changes. */
export interface Item {
  readonly uid: string;
  key: string;
  message: Json;
  /** Its number in the whole transcript; undefined for one that came live. */
  at: number | undefined;
  open: boolean;
  steered: boolean;
  /** Its blocks as last made; null when they are to be made again. */
  blocks: readonly Block[] | null;
  before: readonly Block[];
  /** True when its blocks stand among those that do not change any more. */
  closed: boolean;
  readonly thoughts: Map<number, Thought>;
  /** A line of our own, which no snapshot knows. */
  readonly local: boolean;
  claimed?: Claim | undefined;
}

const NONE: readonly Block[] = Object.freeze([]);

/** The messages of one transcript. */
export class Items {
  closedDirty = true;
  openDirty = true;
  /** The assistant's message that grows; it comes last. */
  stream: Item | null = null;
  private list: Item[] = [];
  private index = new Map<string, Item>();
  private readonly owners = new Map<string, Item>();
  private from = 0;
  private made = 0;

  constructor(
    private readonly runs: ToolRuns,
    private readonly now: () => number,
  ) {}

  has(key: string): boolean {
    return this.index.has(key);
  }

  /** Answer the finished messages that the agent knows of. */
  messages(): readonly Json[] {
    return this.list.filter((item) => !item.local).map((item) => item.message);
  }

  /** Answer whether a call stands in the transcript. */
  owns(id: string): boolean {
    return this.owners.has(id);
  }

  /** Make the blocks of a call's message again. */
  touch(id: string): void {
    const owner = this.owners.get(id);
    if (!owner) return;
    owner.blocks = null;
    if (owner.closed) this.closedDirty = true;
    else this.openDirty = true;
  }

  append(key: string, message: Json, claimed?: Claim): void {
    this.add(this.make(key, message, undefined, claimed));
  }

  /** Replace the message under a key. */
  put(key: string, message: Json): void {
    const item = this.index.get(key);
    if (!item || same(item.message, message)) return;
    this.change(item, message);
    if (item.closed) this.closedDirty = true;
    else this.openDirty = true;
  }

  addLocal(block: NoticeBlock): void {
    const item = this.make(`local:${block.key}`, { role: "local" }, undefined, undefined, true);
    item.blocks = [block];
    this.add(item);
  }

  /** Show the assistant's message as far as it has come. */
  grow(message: Json): void {
    let stream = this.stream;
    if (stream?.message.timestamp && message.timestamp && stream.message.timestamp !== message.timestamp) {
      // The end of the former was lost; what is there of it stays until the next snapshot.
      this.closeStream();
      stream = null;
    }
    if (!stream) {
      stream = this.make(keyOf(message, "growing"), message);
      stream.open = true;
      this.stream = stream;
    }
    this.change(stream, message);
    this.measure(stream);
    this.openDirty = true;
  }

  /** Finish the assistant's message; `ends` when nothing can grow after it. */
  finish(message: Json, key: string, ends: boolean): void {
    const stream = this.stream;
    if (this.index.has(key)) {
      this.put(key, message);
      if (ends && stream) {
        this.stream = null;
        this.openDirty = true;
      }
      return;
    }
    if (!stream) {
      this.append(key, message);
      return;
    }
    this.stream = null;
    stream.open = false;
    this.measure(stream, true);
    this.change(stream, message);
    stream.key = key;
    this.add(stream);
  }

  /** Let what grew stand as it is: nothing more will come. */
  closeStream(): void {
    const stream = this.stream;
    if (!stream) return;
    this.finish(stream.message, keyOf(stream.message, `grown-${stream.uid}`), true);
  }

  /** Put older messages in front. */
  prepend(messages: readonly Json[], oldest: number): void {
    const fresh: Item[] = [];
    messages.forEach((message, index) => {
      const key = keyOf(message, `at:${oldest + index}`);
      if (!this.index.has(key)) fresh.push(this.make(key, message, oldest + index));
    });
    this.list.unshift(...fresh);
    for (const item of fresh) this.index.set(item.key, item);
    this.from += fresh.length;
    this.closedDirty = true;
  }

  /**
   * Swap the messages for those of a snapshot. `at` tells the number of each. When the snapshot is only the end of the
   * transcript and joins what was loaded before, that stays in front of it; answers whether it did.
   */
  replace(messages: readonly Json[], at: (message: Json) => number, tail: boolean, claim: (message: Json) => Claim | undefined): boolean {
    const before = this.list;
    const known = this.index;
    const first = messages[0];
    const joins = tail && first !== undefined && known.get(keyOf(first, `at:${at(first)}`))?.at === at(first);
    const keys = new Map<string, number>();
    const next: Item[] = [];
    for (const message of messages) {
      const plain = keyOf(message, `at:${at(message)}`);
      const times = keys.get(plain) ?? 0;
      keys.set(plain, times + 1);
      const key = times === 0 ? plain : `${plain}#${times}`;
      next.push(this.reuse(known.get(key) ?? this.grown(key), key, message, at(message), claim));
    }
    const older = joins ? olderThan(before, next[0]) : [];
    this.list = withLocals([...older, ...next], before);
    this.index = new Map(this.list.map((item) => [item.key, item]));
    this.owners.clear();
    for (const item of this.list) this.own(item);
    if (this.stream) this.own(this.stream);
    this.closedDirty = this.openDirty = true;
    return older.length > 0;
  }

  /** Answer the blocks: those that will not change any more, and the end that still does. */
  read(last: { closed: readonly Block[]; open: readonly Block[] }, outgoing: readonly YouBlock[]) {
    const from = this.firstActive();
    let closed = last.closed;
    if (this.closedDirty || from !== this.from) closed = keep(last.closed, this.collect(0, from, true));
    this.from = from;
    const open = this.collect(from, this.list.length, false);
    if (this.stream) open.push(...this.blocks(this.stream));
    open.push(...outgoing);
    this.closedDirty = this.openDirty = false;
    return { closed, open: keep(last.open, open) };
  }

  private collect(from: number, to: number, closed: boolean): Block[] {
    const blocks: Block[] = [];
    for (let index = from; index < to; index += 1) {
      const item = this.list[index] as Item;
      item.closed = closed;
      for (const block of this.blocks(item)) blocks.push(block);
    }
    return blocks;
  }

  /** Answer the place of the first message with a call that runs. */
  private firstActive(): number {
    if (!this.runs.anyActive) return this.list.length;
    const owners = new Set<Item>();
    for (const id of this.runs.active) {
      const owner = this.owners.get(id);
      if (owner && owner !== this.stream) owners.add(owner);
    }
    for (let index = this.list.length - 1; index >= 0 && owners.size > 0; index -= 1) {
      owners.delete(this.list[index] as Item);
      if (owners.size === 0) return index;
    }
    return this.list.length;
  }

  private blocks(item: Item): readonly Block[] {
    if (item.blocks) return item.blocks;
    const { runs } = this;
    const fresh = blocksOf(item.message, {
      key: item.uid,
      open: item.open,
      steered: item.steered,
      result: (id) => runs.result(id),
      running: (id) => runs.isRunning(id),
      took: (id) => runs.took(id),
      thought: (index) => item.thoughts.get(index) ?? UNKNOWN,
    });
    const old = new Map(item.before.map((block) => [block.key, block]));
    item.blocks = item.before = fresh.map((block) => {
      const was = old.get(block.key);
      return was && same(was, block) ? was : block;
    });
    return item.blocks;
  }

  private reuse(old: Item | null, key: string, message: Json, at: number, claim: (message: Json) => Claim | undefined): Item {
    if (!old) return this.make(key, message, at, claim(message));
    old.key = key;
    old.at = at;
    if (!same(old.message, message)) {
      old.message = message;
      old.blocks = null;
    } else if (message.role === "assistant" && callsOf(message).length > 0) {
      // Results may have come with the snapshot; blocks that are made again and say the same stay the same objects.
      old.blocks = null;
    }
    return old;
  }

  /** Answer what grew, if the snapshot has it finished. */
  private grown(key: string): Item | null {
    const stream = this.stream;
    if (!stream || keyOf(stream.message, "growing") !== key) return null;
    this.stream = null;
    stream.open = false;
    stream.blocks = null;
    this.measure(stream, true);
    return stream;
  }

  private make(key: string, message: Json, at?: number, claimed?: Claim, local = false): Item {
    this.made += 1;
    return {
      uid: claimed?.uid ?? `m${this.made}`,
      key,
      message,
      at,
      open: false,
      steered: claimed?.steered ?? false,
      blocks: null,
      before: NONE,
      closed: false,
      thoughts: new Map(),
      local,
    };
  }

  private add(item: Item): void {
    this.list.push(item);
    this.index.set(item.key, item);
    this.own(item);
    this.openDirty = true;
  }

  private change(item: Item, message: Json): void {
    item.message = message;
    item.blocks = null;
    this.own(item);
  }

  private own(item: Item): void {
    if (item.message.role !== "assistant") return;
    for (const call of callsOf(item.message)) this.owners.set(callId(call), item);
  }

  private measure(item: Item, all = false): void {
    const parts = objects(item.message.content);
    parts.forEach((part, index) => {
      if (part.type !== "thinking") return;
      const known = item.thoughts.get(index);
      if (!known) item.thoughts.set(index, { startedAt: this.now(), seconds: undefined });
      else if (known.seconds === undefined && (all || index < parts.length - 1)) {
        known.seconds = Math.max(1, Math.ceil((this.now() - (known.startedAt ?? this.now())) / 1_000));
      }
    });
  }
}

const UNKNOWN = { startedAt: undefined, seconds: undefined };

/** Answer what was loaded before the first message of a snapshot's end, if that message was there. */
function olderThan(before: readonly Item[], first: Item | undefined): readonly Item[] {
  const place = first ? before.indexOf(first) : -1;
  return place > 0 ? before.slice(0, place) : [];
}

/** Put our own lines back behind the messages that they followed. */
function withLocals(list: readonly Item[], before: readonly Item[]): Item[] {
  const followers = new Map<Item | null, Item[]>();
  const there = new Set(list);
  let anchor: Item | null = null;
  for (const item of before) {
    if (!item.local) anchor = item;
    else if (!there.has(item)) followers.set(anchor, [...(followers.get(anchor) ?? []), item]);
  }
  if (followers.size === 0) return [...list];
  const joined: Item[] = [...(followers.get(null) ?? [])];
  for (const item of list) joined.push(item, ...(followers.get(item) ?? []));
  return joined;
}

/** Answer the former array when both have the same blocks. */
function keep(last: readonly Block[], fresh: readonly Block[]): readonly Block[] {
  if (last.length !== fresh.length) return fresh;
  for (let index = 0; index < fresh.length; index += 1) if (last[index] !== fresh[index]) return fresh;
  return last;
}
