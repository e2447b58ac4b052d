/** Read unified diffs, as git prints them, into hunks and lines. */

/** One line of a diff. `before` and `after` are line numbers on either side, absent where the line does not exist. */
export interface DiffLine {
  kind: "same" | "add" | "del";
  text: string;
  before?: number;
  after?: number;
}

/** A run of lines. `where` is what git says stands around it: the line of a function or class. */
export interface Hunk {
  before: number;
  after: number;
  where: string;
  lines: DiffLine[];
}

/** What a diff says about one file. */
export interface FileDiff {
  path: string;
  hunks: Hunk[];
  added: number;
  removed: number;
  binary: boolean;
}

const HEAD = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;

/** Read the diff of one or more files, in order. Lines outside a file or hunk are skipped. */
export function parseDiff(text: string): FileDiff[] {
  const files: FileDiff[] = [];
  let file: FileDiff | undefined;
  let hunk: Hunk | undefined;
  let before = 0;
  let after = 0;
  let leftBefore = 0;
  let leftAfter = 0;
  const open = (path: string): FileDiff => {
    hunk = undefined;
    const made: FileDiff = { path, hunks: [], added: 0, removed: 0, binary: false };
    files.push(made);
    return made;
  };
  for (const line of text.split("\n")) {
    if (hunk !== undefined && file !== undefined && (leftBefore > 0 || leftAfter > 0)) {
      const sign = line[0];
      const rest = line.slice(1);
      if (sign === "+") {
        hunk.lines.push({ kind: "add", text: rest, after: after++ });
        leftAfter--;
        file.added++;
        continue;
      }
      if (sign === "-") {
        hunk.lines.push({ kind: "del", text: rest, before: before++ });
        leftBefore--;
        file.removed++;
        continue;
      }
      if (sign === " " || line === "") {
        hunk.lines.push({ kind: "same", text: rest, before: before++, after: after++ });
        leftBefore--;
        leftAfter--;
        continue;
      }
      if (sign === "\\") continue;
    }
    const head = HEAD.exec(line);
    if (head) {
      file ??= open("");
      before = Number(head[1]);
      after = Number(head[3]);
      leftBefore = head[2] === undefined ? 1 : Number(head[2]);
      leftAfter = head[4] === undefined ? 1 : Number(head[4]);
      hunk = { before, after, where: head[5] ?? "", lines: [] };
      file.hunks.push(hunk);
    } else if (line.startsWith("diff --git ")) {
      file = open(pathOf(line));
    } else if (line.startsWith("+++ ") && file !== undefined && !line.startsWith("+++ /dev/null")) {
      file.path = stripped(line.slice(4));
    } else if (line.startsWith("--- ") && (file === undefined || file.hunks.length > 0)) {
      file = open(stripped(line.slice(4)));
    } else if (line.startsWith("Binary files ") || line === "GIT binary patch") {
      if (file !== undefined) file.binary = true;
    }
  }
  return files;
}

/** Say in words where a hunk is: "Lines 34 to 47, backoff". */
export function hunkWords(hunk: Hunk): string {
  const numbers = hunk.lines.map((line) => line.after ?? line.before ?? 0);
  const first = numbers[0] ?? hunk.after;
  const last = Math.max(first, ...numbers.slice(-1));
  const lines = first === last ? `Line ${first}` : `Lines ${first} to ${last}`;
  const name = /(?:def|class|function|fn|func|interface|struct|impl|enum|type|const|let|var)\s+([\w$.]+)/.exec(hunk.where);
  const around = name?.[1] ?? hunk.where.trim();
  return around ? `${lines}, ${around}` : lines;
}

/** A row of the split view: a line on either side, or a gap. */
export interface SplitRow {
  left?: DiffLine;
  right?: DiffLine;
}

/** Lay the lines of a hunk out on two sides: a run of removed lines stands beside the added run behind it. */
export function splitRows(lines: readonly DiffLine[]): SplitRow[] {
  const rows: SplitRow[] = [];
  let gone: DiffLine[] = [];
  let come: DiffLine[] = [];
  const flush = (): void => {
    for (let at = 0; at < Math.max(gone.length, come.length); at++) {
      const pair: SplitRow = {};
      const left = gone[at];
      const right = come[at];
      if (left) pair.left = left;
      if (right) pair.right = right;
      rows.push(pair);
    }
    gone = [];
    come = [];
  };
  for (const line of lines) {
    if (line.kind === "del") {
      if (come.length > 0) flush();
      gone.push(line);
    } else if (line.kind === "add") come.push(line);
    else {
      flush();
      rows.push({ left: line, right: line });
    }
  }
  flush();
  return rows;
}

function stripped(path: string): string {
  const clean = path.replace(/\t.*$/, "").replace(/^"(.*)"$/, "$1");
  return clean.replace(/^[ab]\//, "");
}

function pathOf(line: string): string {
  const named = / b\/(.+?)"?$/.exec(line);
  return named?.[1] ?? "";
}
