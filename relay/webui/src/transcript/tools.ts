/** Say in words what a tool does, and read what came of it. Pure. */

import type { FileDiff, ToolSort } from "./blocks";
import { diffNew, diffTexts, joinDiffs, readNumbered } from "./diff";
import { type Json, isObj, num, obj, objects, str } from "./wire";

/** How a tool is told. */
export interface Told {
  readonly sort: ToolSort;
  readonly verb: string;
  readonly doing: string;
  readonly mono: boolean;
  readonly object: string;
}

interface Words {
  readonly sort: ToolSort;
  readonly verb: string;
  readonly doing: string;
  readonly object: readonly string[];
}

const words = (sort: ToolSort, verb: string, doing: string, ...object: string[]): Words => ({ sort, verb, doing, object });

const KNOWN: Readonly<Record<string, Words>> = {
  bash: words("shell", "Ran", "Running", "command", "cmd"),
  shell: words("shell", "Ran", "Running", "command", "cmd"),
  read: words("read", "Read", "Reading", "path", "file_path", "file"),
  read_file: words("read", "Read", "Reading", "path", "file_path"),
  ls: words("read", "Read", "Reading", "path"),
  list: words("read", "Read", "Reading", "path"),
  write: words("write", "Wrote", "Writing", "path", "file_path"),
  write_file: words("write", "Wrote", "Writing", "path", "file_path"),
  edit: words("edit", "Edited", "Editing", "path", "file_path"),
  multiedit: words("edit", "Edited", "Editing", "path", "file_path"),
  grep: words("search", "Searched", "Searching", "pattern", "query"),
  find: words("search", "Searched", "Searching", "pattern", "query", "glob"),
  glob: words("search", "Searched", "Searching", "pattern"),
  search: words("search", "Searched", "Searching", "query", "pattern"),
  toolsearch: words("search", "Searched", "Searching", "query"),
  web_search: words("web", "Searched", "Searching", "query"),
  web_fetch: words("web", "Opened", "Opening", "url"),
  fetch: words("web", "Opened", "Opening", "url"),
  askuserquestion: words("ask", "Asked", "Asking", "question"),
  plan_mode: words("plan", "Planned", "Planning", "title"),
  update_todo: words("todo", "Planned", "Planning"),
  spawn_session: words("session", "Started a session", "Starting a session", "prompt"),
  subagent: words("session", "Started a session", "Starting a session", "agent", "description", "prompt", "task"),
  task: words("session", "Started a session", "Starting a session", "agent", "description", "prompt", "task"),
};

/** Tell a call in words; a tool that nobody knows is told by its name. */
export function tell(name: string, args: Json): Told {
  const known = KNOWN[name.toLowerCase()];
  if (!known) return { sort: "other", verb: name, doing: name, mono: true, object: guess(args) };
  const { sort, verb, doing } = known;
  return { sort, verb, doing, mono: false, object: objectOf(name.toLowerCase(), known, args) };
}

function objectOf(name: string, known: Words, args: Json): string {
  if (name === "askuserquestion") return str(objects(args.questions)[0]?.question) || str(args.question);
  if (name === "update_todo") return steps(args.todos ?? args.items);
  for (const field of known.object) {
    const text = str(args[field]).trim();
    if (text !== "") return text;
  }
  return name === "ls" || name === "list" ? "." : "";
}

function steps(list: unknown): string {
  const count = objects(list).length;
  if (count === 0) return "";
  return count === 1 ? "1 step" : `${count} steps`;
}

function guess(args: Json): string {
  for (const field of ["path", "file", "command", "query", "url", "name", "action", "prompt", "message"]) {
    const text = str(args[field]).trim();
    if (text !== "" && text.length <= 300) return text;
  }
  return "";
}

/** Read arguments, which come as an object, or while they are being written as the beginning of its JSON. */
export function readArgs(value: unknown): Json {
  if (isObj(value)) return value;
  if (typeof value !== "string" || value === "") return obj(null);
  try {
    return obj(JSON.parse(value));
  } catch {
    return partialArgs(value);
  }
}

/** Read the complete text members of a JSON object that breaks off. */
function partialArgs(text: string): Json {
  const found: Record<string, unknown> = {};
  for (const match of text.matchAll(/"(\w+)"\s*:\s*"((?:[^"\\]|\\.)*)"/g)) {
    try {
      found[match[1] as string] = JSON.parse(`"${match[2]}"`);
    } catch {
      continue;
    }
  }
  return found;
}

/** How a shell says how it ended, at the end of its output. */
const EXITED = /\n*Command exited with code (\d+)\s*$/;

/** Split the exit code off a shell's output. */
export function shellResult(output: string): { output: string; exit: number | undefined } {
  const match = EXITED.exec(output);
  return match ? { output: output.slice(0, match.index), exit: Number(match[1]) } : { output, exit: undefined };
}

/** Say at the right edge what a call came to. */
export function resultWords(sort: ToolSort, output: string, failed: boolean, exit: number | undefined): string {
  if (failed) return exit === undefined ? "Failed" : `Failed, exit ${exit}`;
  if (output === "" || (sort !== "read" && sort !== "search")) return "";
  if (sort === "search" && /^No (matches|files) found/i.test(output)) return "nothing found";
  const lines = output.replace(/\n+$/, "").split("\n").length;
  if (sort === "search") return lines === 1 ? "1 match" : `${lines} matches`;
  return lines === 1 ? "1 line" : `${lines} lines`;
}

/** Answer the change that an editing call made; undefined when it made none or none can be told. */
export function diffOf(sort: ToolSort, args: Json, details: Json): FileDiff | undefined {
  const path = str(args.path) || str(args.file_path);
  if (sort === "write") {
    const content = str(args.content);
    return path === "" || content === "" ? undefined : diffNew(path, content);
  }
  if (sort !== "edit") return undefined;
  const told = str(details.diff);
  const numbered = told === "" ? null : readNumbered(path, told);
  if (numbered) return numbered;
  const edits = objects(args.edits);
  const list = edits.length > 0 ? edits : [args];
  const first = num(details.firstChangedLine) ?? 1;
  const diffs = list
    .map((edit) => [str(edit.oldText) || str(edit.old_string), str(edit.newText) || str(edit.new_string)] as const)
    .filter(([before, after]) => before !== "" || after !== "")
    .map(([before, after]) => diffTexts(path, before, after, first));
  return diffs.length > 0 ? joinDiffs(path, diffs) : undefined;
}

/** Answer the id of a session that a call started, as its result tells it. */
export function childOf(sort: ToolSort, details: Json, output: string): string | undefined {
  if (sort !== "session") return undefined;
  const told = str(details.sessionId) || str(details.childSessionId);
  if (told !== "") return told;
  return /\bSession ID:\s*([\w-]{8,})/i.exec(output)?.[1] ?? /\/session\/([\w-]{8,})/.exec(output)?.[1];
}
