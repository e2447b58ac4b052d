/** What the list above the composer offers: commands after `/`, files after `@`. Pure. */

import type { Command } from "../state/types";

/** What is being typed at the cursor. */
export interface Token {
  readonly kind: "command" | "argument" | "file";
  /** Where the replaced text begins and ends. */
  readonly start: number;
  readonly end: number;
  /** What was typed of it, without its sign. */
  readonly query: string;
  /** The command whose argument it is. */
  readonly command: string;
}

/** One row of the list. */
export interface Suggestion {
  readonly key: string;
  /** What stands in the field after it was chosen. */
  readonly insert: string;
  readonly label: string;
  readonly detail: string;
  /** Where it comes from, at the right edge. */
  readonly note: string;
  /** Choosing it is all there is to do: no argument follows. */
  readonly complete: boolean;
}

/** So many rows are offered at most; eight of them are in sight. */
export const MOST_SUGGESTIONS = 50;

/** Answer what is being typed at the cursor, or null when it is plain text. */
export function tokenAt(text: string, caret: number): Token | null {
  const before = text.slice(0, caret);
  const command = /^\/([\w:.-]*)$/.exec(before);
  if (command) {
    const rest = /^[\w:.-]*/.exec(text.slice(caret))?.[0] ?? "";
    return { kind: "command", start: 0, end: caret + rest.length, query: command[1] ?? "", command: "" };
  }
  const argument = /^\/([\w:.-]+) +([^\s]*)$/.exec(before);
  if (argument) {
    const query = argument[2] ?? "";
    return { kind: "argument", start: caret - query.length, end: caret, query, command: argument[1] ?? "" };
  }
  const file = /(^|[\s([{"'`])@([^\s@"'`]*)$/.exec(before);
  if (file) {
    const query = file[2] ?? "";
    const rest = /^[^\s@"'`]*/.exec(text.slice(caret))?.[0] ?? "";
    return { kind: "file", start: caret - query.length - 1, end: caret + rest.length, query, command: "" };
  }
  return null;
}

/** Answer the commands that fit, those that begin with the query first. */
export function commandSuggestions(commands: readonly Command[], query: string): readonly Suggestion[] {
  const wanted = query.toLowerCase();
  const fits = commands
    .map((command) => ({ command, at: command.name.toLowerCase().indexOf(wanted), said: command.description.toLowerCase().includes(wanted) }))
    .filter(({ at, said }) => at >= 0 || (wanted.length > 2 && said));
  const rank = (at: number): number => (at === 0 ? 0 : at > 0 ? 1 : 2);
  fits.sort((a, b) => rank(a.at) - rank(b.at));
  return fits.slice(0, MOST_SUGGESTIONS).map(({ command }) => ({
    key: command.name,
    insert: `/${command.name} `,
    label: `/${command.name}`,
    detail: command.description,
    note: command.argumentHint || sourceWords(command.source),
    complete: command.argumentHint === "" && command.completions.length === 0,
  }));
}

/** Answer the values that a command offers for its argument. */
export function argumentSuggestions(command: Command | undefined, query: string): readonly Suggestion[] {
  const wanted = query.toLowerCase();
  return (command?.completions ?? [])
    .filter((each) => each.value.toLowerCase().includes(wanted) || each.label.toLowerCase().includes(wanted))
    .slice(0, MOST_SUGGESTIONS)
    .map((each) => ({ key: each.value, insert: `${each.value} `, label: each.label || each.value, detail: each.description, note: "", complete: true }));
}

/** Answer rows for paths as the runner found them, relative to the folder of the session. */
export function fileSuggestions(files: readonly { readonly path: string; readonly isDirectory: boolean }[]): readonly Suggestion[] {
  return files.slice(0, MOST_SUGGESTIONS).map(({ path, isDirectory }) => {
    const cut = path.lastIndexOf("/");
    return {
      key: path,
      insert: `@${quoted(path)}${isDirectory ? "/" : " "}`,
      label: path.slice(cut + 1) + (isDirectory ? "/" : ""),
      detail: cut > 0 ? path.slice(0, cut) : "",
      note: "",
      complete: !isDirectory,
    };
  });
}

/** Paths with blanks are set in quotes, as the agent reads them. */
function quoted(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}

function sourceWords(source: string): string {
  if (source === "relay") return "";
  if (source === "skill") return "Skill";
  if (source === "prompt" || source === "template") return "Prompt";
  return source === "extension" || source === "plugin" ? "Plugin" : "";
}

/** Put a suggestion into the text; answers the new text and where the cursor goes. */
export function insertAt(text: string, token: Token, suggestion: Suggestion): { text: string; caret: number } {
  const after = text.slice(token.end);
  const insert = suggestion.insert.endsWith(" ") && /^\s/.test(after) ? suggestion.insert.slice(0, -1) : suggestion.insert;
  return { text: text.slice(0, token.start) + insert + after, caret: token.start + insert.length };
}

/** Take a text apart that is a command: "/name rest". */
export function readCommand(text: string): { name: string; rest: string } | null {
  const found = /^\/([\w:.-]+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return found?.[1] ? { name: found[1], rest: (found[2] ?? "").trim() } : null;
}
