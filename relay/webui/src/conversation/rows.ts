/** Turn blocks into the rows of the log: runs of reads and searches fold into one, and each row knows its gap. Pure. */

import type { Block, ToolBlock } from "../transcript";

/** A line of ours at the end of the log. */
export interface EndBlock {
  readonly kind: "end";
  readonly key: string;
  readonly what: "waiting" | "away" | "now" | "retry";
  readonly words: string;
  /** Ms since the epoch, for "since 14:02". */
  readonly since: number | undefined;
}

/** Several reads and searches in one line. */
export interface Run {
  readonly kind: "run";
  readonly key: string;
  readonly tools: readonly ToolBlock[];
}

/** What one row shows. */
export type Shown = Block | Run | EndBlock;

/** A row. Its key is that of its first block, so it stays when others join it. */
export interface Row {
  readonly key: string;
  readonly shown: Shown;
}

const single = new WeakMap<Block, Row>();
const runs = new WeakMap<ToolBlock, { readonly tools: readonly ToolBlock[]; readonly row: Row }>();

/** Whether a call belongs into a run: a read or search that did not fail and has no picture. */
export function folds(block: Block): block is ToolBlock {
  return block.kind === "tool" && (block.sort === "read" || block.sort === "search") && block.state !== "failed" && block.images.length === 0;
}

function rowOf(block: Block): Row {
  let row = single.get(block);
  if (!row) {
    row = { key: block.key, shown: block };
    single.set(block, row);
  }
  return row;
}

function runOf(tools: readonly ToolBlock[]): Row {
  const last = tools[tools.length - 1] as ToolBlock;
  const known = runs.get(last);
  if (known && known.tools.length === tools.length && known.tools.every((tool, at) => tool === tools[at])) return known.row;
  const key = (tools[0] as ToolBlock).key;
  const row: Row = { key, shown: { kind: "run", key, tools } };
  runs.set(last, { tools, row });
  return row;
}

/** Answer the rows of blocks. Equal blocks give the same row objects as before. */
export function rowsOf(blocks: readonly Block[]): Row[] {
  const rows: Row[] = [];
  let run: ToolBlock[] = [];
  const flush = (): void => {
    if (run.length === 1) rows.push(rowOf(run[0] as ToolBlock));
    else if (run.length > 1) rows.push(runOf(run));
    run = [];
  };
  for (const block of blocks) {
    if (folds(block)) {
      run.push(block);
      continue;
    }
    flush();
    rows.push(rowOf(block));
  }
  flush();
  return rows;
}

/** Answer the rows of both parts of a transcript; `known` holds those of `closed`, which are made once. */
export function joinRows(known: readonly Row[], closed: readonly Block[], open: readonly Block[]): readonly Row[] {
  if (open.length === 0) return known;
  const first = open[0] as Block;
  const last = closed[closed.length - 1];
  if (!last || !folds(last) || !folds(first)) return [...known, ...rowsOf(open)];
  const begin = known[known.length - 1]?.shown;
  const tail = begin?.kind === "run" ? begin.tools : [last];
  return [...known.slice(0, -1), ...rowsOf([...tail, ...open])];
}

/** Whether a row is one line high while it is closed. */
export function oneLine(row: Row): boolean {
  const { shown } = row;
  return shown.kind === "tool" ? shown.images.length === 0 : shown.kind === "run" || shown.kind === "thinking";
}

/** The space above a row, px: little between closed lines, more around text and open boxes. */
export function gapAbove(before: Row | undefined, beforeOpen: boolean, row: Row): 0 | 2 | 8 | 10 | 12 {
  if (!before) return 0;
  const { kind } = before.shown;
  if (beforeOpen || kind === "you" || kind === "trigger" || kind === "notice") return 12;
  if (oneLine(before)) return oneLine(row) ? 2 : 8;
  return kind === "tool" ? 12 : 10;
}

/** Say in words what a run did: "Read 3 files, searched twice"; `files` are names of what was read when it only read. */
export function runWords(tools: readonly ToolBlock[]): { verb: string; object: string; sum: string; running: boolean } {
  const reads = tools.filter((tool) => tool.sort === "read");
  const searches = tools.length - reads.length;
  const running = tools.some((tool) => tool.state === "running" || tool.state === "queued");
  const files = new Set(reads.map((tool) => tool.object));
  if (searches === 0) {
    return { verb: running ? "Reading" : "Read", object: [...files].map(lastPart).join(", "), sum: counted(files.size, "file"), running };
  }
  if (reads.length === 0) {
    return { verb: running ? "Searching" : "Searched", object: tools.map((tool) => `“${tool.object}”`).join(", "), sum: times(searches), running };
  }
  return { verb: `Read ${counted(files.size, "file")}, searched ${times(searches)}`, object: "", sum: "", running };
}

function counted(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`;
}

function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

/** The last part of a path. */
export function lastPart(path: string): string {
  return path.replace(/\/+$/, "").split("/").pop() || path;
}

/** Guess the height of a row that was never on screen, px, at a text width of `width` px. */
export function guess(row: Row, width: number): number {
  const { shown } = row;
  const perLine = Math.max(24, width / 7.4);
  const lines = (text: string): number => {
    let sum = 0;
    for (const line of text.split("\n")) sum += Math.max(1, Math.ceil(line.length / perLine));
    return sum;
  };
  switch (shown.kind) {
    case "you":
      return 50 + 22 * (lines(shown.text) - 1) + (shown.images.length > 0 ? 102 : 0);
    case "trigger":
      return 50 + 22 * (lines(shown.text) - 1);
    case "answer":
      return 12 + 22 * lines(shown.markdown) + (shown.cut ? 30 : 0);
    case "note":
      return 34 + 22 * lines(shown.markdown);
    case "tool":
      return shown.state === "failed" ? 60 + 18 * Math.min(12, lines(shown.output)) : 32 + 250 * shown.images.length;
    default:
      return 32;
  }
}
