/** Read and make diffs. Pure. */

import type { DiffLine, FileDiff } from "./blocks";

/** Lines up to which a change is compared line by line; above that it shows as removed and added. */
const MOST_LINES = 2_000;
/** Unchanged lines shown around a change. */
const CONTEXT = 3;

/** Compare two texts line by line. Numbers count from `firstLine`. */
export function diffTexts(path: string, before: string, after: string, firstLine = 1): FileDiff {
  const a = linesOf(before);
  const b = linesOf(after);
  return counted(path, withGaps(compare(a, b, firstLine)));
}

/** Show a text that is new as a whole. */
export function diffNew(path: string, text: string): FileDiff {
  return counted(path, linesOf(text).map((line, index) => ({ kind: "add", text: line, new: index + 1 })));
}

/** Put several changes of one file under one head. */
export function joinDiffs(path: string, diffs: readonly FileDiff[]): FileDiff {
  const lines: DiffLine[] = [];
  for (const diff of diffs) {
    if (lines.length > 0) lines.push({ kind: "gap", text: "" });
    lines.push(...diff.lines);
  }
  return counted(path, lines);
}

/**
 * Read a diff with a sign and a line number before each line, as editing tools give it:
 * `+12 text`, `-12 text`, ` 12 text`, and `...` for what is left out. Null when it is none.
 */
export function readNumbered(path: string, text: string): FileDiff | null {
  const lines: DiffLine[] = [];
  let shift = 0;
  for (const line of linesOf(text)) {
    if (/^\s*\.\.\.\s*$/.test(line)) {
      lines.push({ kind: "gap", text: "" });
      continue;
    }
    const match = /^([+\- ])\s*(\d+) (.*)$/.exec(line) ?? /^([+\- ])\s*(\d+)()$/.exec(line);
    if (!match) return null;
    const at = Number(match[2]);
    const rest = match[3] ?? "";
    if (match[1] === "+") {
      lines.push({ kind: "add", text: rest, new: at });
      shift += 1;
    } else if (match[1] === "-") {
      lines.push({ kind: "del", text: rest, old: at });
      shift -= 1;
    } else {
      lines.push({ kind: "same", text: rest, old: at, new: at + shift });
    }
  }
  return lines.length > 0 ? counted(path, lines) : null;
}

/** Read a unified diff of one or more files, as git writes it. */
export function parseUnified(text: string): FileDiff[] {
  const files: { path: string; lines: DiffLine[] }[] = [];
  let file: { path: string; lines: DiffLine[] } | undefined;
  let oldLine = 0;
  let newLine = 0;
  let inHunk = false;
  for (const line of linesOf(text)) {
    if (line.startsWith("diff --git ")) {
      file = { path: /^diff --git a\/.+ b\/(.+)$/.exec(line)?.[1] ?? "", lines: [] };
      files.push(file);
      inHunk = false;
      continue;
    }
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (hunk) {
      file ??= push(files);
      if (file.lines.length > 0) file.lines.push({ kind: "gap", text: "" });
      oldLine = Number(hunk[1]);
      newLine = Number(hunk[2]);
      inHunk = true;
      continue;
    }
    if (!inHunk) {
      const name = /^\+\+\+ (?:b\/)?([^\t]+)/.exec(line) ?? /^--- (?:a\/)?([^\t]+)/.exec(line);
      if (name && name[1] !== "/dev/null") {
        file ??= push(files);
        file.path = name[1] ?? file.path;
      }
      continue;
    }
    if (!file || line.startsWith("\\")) continue;
    const rest = line.slice(1);
    if (line.startsWith("+")) file.lines.push({ kind: "add", text: rest, new: newLine++ });
    else if (line.startsWith("-")) file.lines.push({ kind: "del", text: rest, old: oldLine++ });
    else file.lines.push({ kind: "same", text: rest, old: oldLine++, new: newLine++ });
  }
  return files.map(({ path, lines }) => counted(path, lines));
}

function push(files: { path: string; lines: DiffLine[] }[]): { path: string; lines: DiffLine[] } {
  const file = { path: "", lines: [] };
  files.push(file);
  return file;
}

function counted(path: string, lines: readonly DiffLine[]): FileDiff {
  let added = 0;
  let removed = 0;
  for (const line of lines) {
    if (line.kind === "add") added += 1;
    else if (line.kind === "del") removed += 1;
  }
  return { path, lines, added, removed };
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

function compare(a: readonly string[], b: readonly string[], first: number): DiffLine[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const lines: DiffLine[] = [];
  const same = (i: number, j: number): void => {
    lines.push({ kind: "same", text: a[i] as string, old: first + i, new: first + j });
  };
  for (let index = 0; index < head; index += 1) same(index, index);
  middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), first + head, lines);
  for (let index = tail; index > 0; index -= 1) same(a.length - index, b.length - index);
  return lines;
}

/** Find the longest common run of lines by the usual table, which the cut at both ends keeps small. */
function middle(a: readonly string[], b: readonly string[], first: number, into: DiffLine[]): void {
  const del = (i: number): void => void into.push({ kind: "del", text: a[i] as string, old: first + i });
  const add = (j: number): void => void into.push({ kind: "add", text: b[j] as string, new: first + j });
  if (a.length === 0 || b.length === 0 || a.length * b.length > MOST_LINES * MOST_LINES / 4) {
    a.forEach((_line, index) => del(index));
    b.forEach((_line, index) => add(index));
    return;
  }
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      table[i * width + j] =
        a[i] === b[j]
          ? (table[(i + 1) * width + j + 1] as number) + 1
          : Math.max(table[(i + 1) * width + j] as number, table[i * width + j + 1] as number);
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      into.push({ kind: "same", text: a[i] as string, old: first + i, new: first + j });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && (table[(i + 1) * width + j] as number) >= (table[i * width + j + 1] as number))) {
      del(i);
      i += 1;
    } else {
      add(j);
      j += 1;
    }
  }
}

function withGaps(lines: readonly DiffLine[]): DiffLine[] {
  const near = new Array<boolean>(lines.length).fill(false);
  lines.forEach((line, index) => {
    if (line.kind === "same") return;
    for (let at = Math.max(0, index - CONTEXT); at <= Math.min(lines.length - 1, index + CONTEXT); at += 1) near[at] = true;
  });
  const kept: DiffLine[] = [];
  let skipped = false;
  lines.forEach((line, index) => {
    if (!near[index]) {
      skipped = true;
      return;
    }
    if (skipped && kept.length > 0) kept.push({ kind: "gap", text: "" });
    skipped = false;
    kept.push(line);
  });
  return kept;
}
