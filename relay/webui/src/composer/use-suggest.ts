/** The list of commands and files above a field: what is offered, which row is chosen, and the keys that move it. */

import { type MutableRef, useEffect, useId, useMemo, useState } from "preact/hooks";
import type { Command } from "../state/types";
import { useFiles } from "./find-files";
import { type Suggestion, type Token, argumentSuggestions, commandSuggestions, fileSuggestions, insertAt, tokenAt } from "./suggest";

/** What the field knows of its list. */
export interface SuggestState {
  readonly id: string;
  readonly open: boolean;
  readonly label: string;
  readonly rows: readonly Suggestion[];
  readonly chosen: number;
  readonly mono: boolean;
  readonly problem: string;
  /** Put a row into the text. */
  readonly choose: (row: Suggestion) => void;
  /** Look at the text and the cursor again. */
  readonly look: () => void;
  /** Take a key of the field; true when it was meant for the list. */
  readonly key: (event: KeyboardEvent) => boolean;
}

/** Where the session's files lie, and what may be typed. */
export interface SuggestSource {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly field: MutableRef<HTMLTextAreaElement | null>;
  readonly commands: readonly Command[];
  readonly runnerId: string | null;
  readonly cwd: string;
}

/** Keep the list of one field. */
export function useSuggest({ text, setText, field, commands, runnerId, cwd }: SuggestSource): SuggestState {
  const id = useId();
  const [caret, setCaret] = useState(-1);
  const [chosen, setChosen] = useState(0);
  const [dismissed, setDismissed] = useState<string | null>(null);
  const token = useMemo(() => (caret < 0 ? null : tokenAt(text, caret)), [text, caret]);
  const signature = token ? `${token.kind}:${token.start}` : null;
  const wanted = token !== null && signature !== dismissed ? token : null;
  const { files, problem } = useFiles(runnerId, cwd, wanted?.kind === "file" ? wanted.query : null);
  const rows = useMemo(() => rowsOf(wanted, commands, files), [wanted, commands, files]);
  useEffect(() => setChosen(0), [signature, rows]);
  useEffect(() => {
    if (signature === null) setDismissed(null);
  }, [signature]);
  const open = wanted !== null && (rows.length > 0 || problem !== "");
  const choose = (row: Suggestion): void => {
    if (!wanted) return;
    const next = insertAt(text, wanted, row);
    setText(next.text);
    setCaret(next.caret);
    queueMicrotask(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const key = (event: KeyboardEvent): boolean => {
    if (!open || !wanted) return false;
    const row = rows[chosen];
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && rows.length > 0) setChosen((chosen + step + rows.length) % rows.length);
    else if (event.key === "Escape") setDismissed(signature);
    else if (row && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) && !isWhole(wanted, row, event)) choose(row);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return {
    id,
    open,
    label: wanted?.kind === "file" ? "Files" : "Commands",
    rows,
    chosen,
    mono: true,
    problem,
    choose,
    look: () => setCaret(field.current && field.current.selectionStart === field.current.selectionEnd ? field.current.selectionStart : -1),
    key,
  };
}

/** A command that is typed in full and takes nothing more is sent by Enter at once. */
function isWhole(token: Token, row: Suggestion, event: KeyboardEvent): boolean {
  return event.key === "Enter" && token.kind !== "file" && row.complete && (row.key === token.query || token.kind === "argument");
}

function rowsOf(token: Token | null, commands: readonly Command[], files: Parameters<typeof fileSuggestions>[0]): readonly Suggestion[] {
  if (!token) return [];
  if (token.kind === "command") return commandSuggestions(commands, token.query);
  if (token.kind === "file") return fileSuggestions(files);
  return argumentSuggestions(commands.find((command) => command.name === token.command), token.query);
}
