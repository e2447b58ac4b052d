/** What the palette can do besides opening sessions: every part of the page registers its commands. */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Icon } from "../ui";

/** One command. `group` is the small grey word at the right, for example "This session". */
export interface Command {
  words: string;
  group?: string;
  icon?: Icon;
  keys?: string;
  /** More words to find it by. */
  also?: string;
  when?: () => boolean;
  run: () => void;
}

const all = signal<readonly Command[]>([]);
/** Every command that is registered now. */
export const commands: ReadonlySignal<readonly Command[]> = all;

/** Register a command; returns the removal. */
export function registerCommand(command: Command): () => void {
  all.value = [...all.peek(), command];
  return () => { all.value = all.peek().filter((other) => other !== command); };
}
