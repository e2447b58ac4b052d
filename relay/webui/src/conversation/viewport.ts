/**
 * Where the log is scrolled to, and which rows are drawn (brief 7). Following is a state that only the person leaves; while it is
 * on, the end stays in sight, and while it is off, what is looked at stays on its pixel. Both in the frame of the change.
 */

import { type ReadonlySignal, signal } from "@preact/signals";
import { Heights } from "./heights";
import { type Row, guess } from "./rows";

/** Rows are drawn this far beyond both edges, px, and again when less than `SPARE` of it is left. */
const BEYOND = 900;
const SPARE = 300;
/** Scrolling this near to the end follows again, px. */
export const NEAR = 48;
/** Older pages are asked for this far before the top, px. */
const OLDER = 1_500;

interface Anchor {
  /** What stays on its pixel: a row, or a part of one. */
  readonly element: Element | null;
  readonly key: string;
  /** Where its upper edge is below that of the box, px. */
  readonly top: number;
  /** Where the row's upper edge is. */
  readonly rowTop: number;
}

/** Rows `from` up to and without `to` are drawn. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** One log's scrolling. */
export class Viewport {
  readonly following: ReadonlySignal<boolean>;
  /** The end is out of sight and nobody follows it. */
  readonly away: ReadonlySignal<boolean>;
  /** Rises when other rows are to be drawn. */
  readonly turn: ReadonlySignal<number>;
  /** What stands in the list above the first row, px. */
  lead = 0;
  /** Key of the last row when following ended. */
  leftAt: string | null = null;
  /** Told when the beginning comes near. */
  onNearTop: () => void = () => undefined;
  readonly heights = new Heights((row) => guess(row, this.width));

  private readonly follows = signal(true);
  private readonly isAway = signal(false);
  private readonly turns = signal(0);
  private rows: readonly Row[] = [];
  private index = new Map<string, number>();
  private indexed: readonly Row[] | null = null;
  private box: HTMLElement | null = null;
  private list: HTMLElement | null = null;
  private readonly elements = new Map<string, Element>();
  private readonly keys = new WeakMap<Element, string>();
  private readonly sizes = typeof ResizeObserver === "undefined" ? null : new ResizeObserver((entries) => this.resized(entries));
  private anchor: Anchor | null = null;
  private wanted: { readonly key: string; readonly top: number } | null = null;
  private held = false;
  private lastTop = 0;
  private drawn: Window = { from: 0, to: 0 };
  private width = 760;

  constructor() {
    this.following = this.follows;
    this.away = this.isAway;
    this.turn = this.turns;
  }

  /** Begin with a box that scrolls and the list in it; answers the end. */
  attach(box: HTMLElement, list: HTMLElement): () => void {
    this.box = box;
    this.list = list;
    this.width = list.clientWidth || this.width;
    const listeners: readonly [EventTarget, string, (event: never) => void][] = [
      [box, "scroll", () => this.scrolled()],
      [box, "wheel", (event: WheelEvent) => { if (event.deltaY < 0 && !event.ctrlKey) this.leave(); }],
      [box, "touchstart", (event: TouchEvent) => { this.touchY = event.touches[0]?.clientY ?? 0; }],
      [box, "touchmove", (event: TouchEvent) => { if ((event.touches[0]?.clientY ?? 0) - this.touchY > 3) this.leave(); }],
      [box, "keydown", (event: KeyboardEvent) => { if (UPWARD.has(event.key) && !typing(event)) this.leave(); }],
      [box, "pointerdown", (event: PointerEvent) => { if (event.target === box && event.offsetX >= box.clientWidth) this.leave(); }],
      [document, "selectionchange", () => { if (this.selecting()) this.leave(); }],
    ];
    for (const [target, type, hear] of listeners) target.addEventListener(type, hear as EventListener, { passive: true });
    this.sizes?.observe(box);
    this.turns.value += 1;
    return () => {
      for (const [target, type, hear] of listeners) target.removeEventListener(type, hear as EventListener);
      this.sizes?.disconnect();
      this.elements.clear();
      this.box = this.list = null;
    };
  }
  private touchY = 0;

  /** Take the rows of this frame; answers which of them to draw. */
  window(rows: readonly Row[]): Window {
    const before = this.drawn;
    const kept = this.rows[before.from]?.key === rows[before.from]?.key;
    this.rows = rows;
    this.heights.set(rows);
    const near = this.desired(SPARE);
    if (kept && near.from >= before.from && near.to <= before.to && before.to <= rows.length && before.to - before.from < 200) return before;
    const { from, to } = this.desired(BEYOND);
    this.drawn = kept && this.selecting() ? { from: Math.min(from, before.from), to: Math.min(rows.length, Math.max(to, before.to)) } : { from, to };
    return this.drawn;
  }

  /** Take an element for a row that was just drawn, or null when it is gone. */
  element(key: string, element: Element | null): void {
    const before = this.elements.get(key);
    if (before && before !== element) {
      this.sizes?.unobserve(before);
      this.elements.delete(key);
    }
    if (!element || before === element) return;
    this.elements.set(key, element);
    this.keys.set(element, key);
    this.sizes?.observe(element);
  }

  /** Put everything in its place after a change, before it is painted. */
  settle(): void {
    const { box } = this;
    if (!box || box.clientHeight === 0) return;
    if (this.follows.peek()) {
      const end = box.scrollHeight - box.clientHeight;
      if (Math.abs(box.scrollTop - end) > 0.5) box.scrollTop = end;
      this.lastTop = box.scrollTop;
      this.setAway();
      return;
    }
    this.keepAnchor(box);
    this.lastTop = box.scrollTop;
    if (this.held) {
      this.held = false;
      if (this.distance(box) <= 1) this.follows.value = true;
    }
    this.setAway();
    this.takeAnchor(box);
  }

  /** Go to the end and follow it. */
  toEnd(): void {
    this.wanted = null;
    this.leftAt = null;
    this.follows.value = true;
    this.turns.value += 1;
    this.settle();
  }

  /** Go to a row, which then is `top` px below the upper edge. */
  toRow(key: string, top = 16): void {
    this.leave(true);
    this.wanted = { key, top };
    this.turns.value += 1;
  }

  /** The row at the upper edge. */
  topIndex(): number {
    const { box } = this;
    if (!box) return 0;
    return this.heights.find(this.modelTop(box) + 24);
  }

  /** Where a row's upper edge is below that of the box, px; 0 when it is not drawn. */
  offsetInBox(key: string): number {
    const element = this.elements.get(key);
    return element && this.box ? element.getBoundingClientRect().top - this.box.getBoundingClientRect().top : 0;
  }

  /** Scroll by a part of the height, as a person who pressed a key. */
  nudge(share: number): void {
    const { box } = this;
    if (!box) return;
    if (share < 0) this.leave();
    box.scrollTop = Number.isFinite(share) ? box.scrollTop + share * box.clientHeight : 0;
  }

  /** Keep an element on its pixel over the change that the person just asked for. */
  hold(element: Element): void {
    const { box } = this;
    const row = element.closest<HTMLElement>(".log-row");
    if (!box || !row) return;
    const top = box.getBoundingClientRect().top;
    const was = this.follows.peek();
    this.leave(true);
    this.held = was;
    this.anchor = {
      element,
      key: this.keys.get(row) ?? "",
      top: element.getBoundingClientRect().top - top,
      rowTop: row.getBoundingClientRect().top - top,
    };
  }

  /** Follow no more. `also` says that it counts although everything is in sight. */
  private leave(also = false): void {
    const { box } = this;
    if (!box || !this.follows.peek() || (!also && box.scrollTop <= 0)) return;
    this.leftAt = this.rows[this.rows.length - 1]?.key ?? null;
    this.follows.value = false;
    this.takeAnchor(box);
  }

  private scrolled(): void {
    const { box } = this;
    if (!box) return;
    const step = box.scrollTop - this.lastTop;
    if (Math.abs(step) < 1) return;
    this.lastTop = box.scrollTop;
    const distance = this.distance(box);
    if (this.follows.peek()) {
      if (step < 0 && distance > NEAR) this.leave();
    } else if (step > 0 && distance <= NEAR && !this.selecting()) {
      this.toEnd();
      return;
    }
    this.wanted = null;
    if (!this.follows.peek()) this.takeAnchor(box);
    this.setAway();
    this.demand(box);
  }

  private resized(entries: readonly ResizeObserverEntry[]): void {
    const { box, list } = this;
    if (!box || !list) return;
    this.width = list.clientWidth || this.width;
    for (const { target, borderBoxSize } of entries) {
      const key = this.keys.get(target);
      if (key === undefined || this.elements.get(key) !== target) continue;
      const height = borderBoxSize[0]?.blockSize ?? target.clientHeight;
      if (height > 0) this.heights.measured(key, height, this.indexOf(key));
    }
    this.settle();
    this.demand(box);
  }

  /** Ask for other rows when those that are drawn do not reach far enough, and for an older page near the top. */
  private demand(box: HTMLElement): void {
    const { from, to } = this.desired(SPARE);
    if (from < this.drawn.from || to > this.drawn.to) this.turns.value += 1;
    if (this.modelTop(box) < OLDER) this.onNearTop();
  }

  private desired(beyond: number): Window {
    const { rows, heights, box } = this;
    if (rows.length === 0) return { from: 0, to: 0 };
    const high = box?.clientHeight || 900;
    if (this.follows.peek()) return { from: heights.find(Math.max(0, heights.total - high - beyond)), to: rows.length };
    const wanted = this.wanted ? this.indexOf(this.wanted.key) : -1;
    const top = wanted >= 0 ? heights.offset(wanted) : this.modelTop(box);
    return { from: heights.find(Math.max(0, top - beyond)), to: Math.min(rows.length, heights.find(top + high + beyond) + 1) };
  }

  /** The scroll position in the sum of heights, told by the anchor, which is surer than what lies above it. */
  private modelTop(box: HTMLElement | null): number {
    if (!this.follows.peek() && this.anchor) {
      const index = this.indexOf(this.anchor.key);
      if (index >= 0) return this.heights.offset(index) - this.anchor.rowTop;
    }
    return Math.max(0, (box?.scrollTop ?? 0) - this.head());
  }

  /** What stands above the first row in the box, px. */
  private head(): number {
    return (this.list?.offsetTop ?? 0) + this.lead;
  }

  private keepAnchor(box: HTMLElement): void {
    const edge = box.getBoundingClientRect().top;
    if (this.wanted) {
      const element = this.elements.get(this.wanted.key);
      if (element) box.scrollTop += element.getBoundingClientRect().top - edge - this.wanted.top;
      return;
    }
    const { anchor } = this;
    if (!anchor) return;
    const part = anchor.element?.isConnected ? anchor.element : null;
    const element = part ?? this.elements.get(anchor.key);
    if (!element) return;
    const moved = element.getBoundingClientRect().top - edge - (part ? anchor.top : anchor.rowTop);
    if (Math.abs(moved) >= 0.25) box.scrollTop += moved;
  }

  /** Remember what is at the upper edge now. */
  private takeAnchor(box: HTMLElement): void {
    const edge = box.getBoundingClientRect().top;
    for (let index = this.drawn.from; index < this.drawn.to; index += 1) {
      const row = this.rows[index];
      const element = row && this.elements.get(row.key);
      if (!row || !element) continue;
      const rect = element.getBoundingClientRect();
      if (rect.bottom <= edge + 1) continue;
      if (rect.top > edge + box.clientHeight) break;
      const part = partAt(element, edge);
      this.anchor = { element: part, key: row.key, top: part.getBoundingClientRect().top - edge, rowTop: rect.top - edge };
      return;
    }
    // Nothing that is drawn is in sight, as after a drag of the scrollbar: go by the guesses.
    const top = Math.max(0, box.scrollTop - this.head());
    const index = this.heights.find(top);
    const row = this.rows[index];
    if (row) {
      const rowTop = this.heights.offset(index) - top;
      this.anchor = { element: null, key: row.key, top: rowTop, rowTop };
    }
  }

  private distance(box: HTMLElement): number {
    return box.scrollHeight - box.clientHeight - box.scrollTop;
  }

  private setAway(): void {
    const { box } = this;
    this.isAway.value = box !== null && !this.follows.peek() && this.distance(box) > NEAR;
  }

  /** Answer where a row stands; -1 when it does not. Rows that are drawn are found without an index of all. */
  private indexOf(key: string): number {
    const { rows, drawn } = this;
    for (let at = Math.min(drawn.to, rows.length) - 1; at >= drawn.from; at -= 1) if (rows[at]?.key === key) return at;
    if (this.indexed !== this.rows) {
      this.indexed = this.rows;
      this.index = new Map(this.rows.map((row, at) => [row.key, at]));
    }
    return this.index.get(key) ?? -1;
  }

  private selecting(): boolean {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && this.list !== null && selection.anchorNode !== null && this.list.contains(selection.anchorNode);
  }
}

const UPWARD: ReadonlySet<string> = new Set(["PageUp", "Home", "ArrowUp"]);

function typing({ target }: Event): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

/** The smallest part of a row that crosses the edge or is the first below it. */
function partAt(row: Element, edge: number): Element {
  let found = row;
  for (let depth = 0; depth < 6; depth += 1) {
    if (found.matches("pre, .log-box, .log-table")) break;
    const inner = [...found.children].find((child) => {
      const rect = child.getBoundingClientRect();
      return rect.height > 0 && rect.bottom > edge + 1 && getComputedStyle(child).position !== "absolute";
    });
    if (!inner || getComputedStyle(inner).display.startsWith("inline")) break;
    found = inner;
  }
  return found;
}
