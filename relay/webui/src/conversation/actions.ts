/** What can be done with a message. */

import { copy } from "../lib/copy";
import { clearDraft, draft } from "../state/drafts";
import type { YouBlock } from "../transcript";
import { confirm, errorWords, toast } from "../ui";
import type { LogState } from "./log-state";

/** Copy a text and say so. */
export async function copyText(text: string): Promise<void> {
  const done = await copy(text);
  toast(done ? { words: "Copied" } : { words: "The browser refused to copy. Select the text by hand.", kind: "error" });
}

/** Put a text into the composer; what stood there can be had back. */
export function editAgain(state: LogState, text: string): void {
  const kept = draft(state.session.id);
  const before = kept.peek();
  kept.value = { ...before, text };
  if (before.text.trim() !== "" && before.text !== text) {
    toast({ words: "Your draft was replaced.", undo: () => { kept.value = before; } });
  }
  document.querySelector<HTMLTextAreaElement>(".cmp-field")?.focus();
}

/** Whether the agent can go back to an earlier message now. */
export function canFork(state: LogState): boolean {
  const { active, collab } = state.session.meta.value;
  return collab && !active && state.session.phase.value === "live";
}

/** Go back to before a message: the agent forgets what came after, and the message stands in the composer. */
export async function forkFrom(state: LogState, you: YouBlock): Promise<void> {
  const sure = await confirm({
    title: "Fork from this message?",
    text: "The conversation goes on from before it, in a branch of its own. The message stands in the composer again; files stay as they are.",
    action: "Fork",
  });
  if (!sure) return;
  const { session } = state;
  try {
    const entryId = entryOf(await session.exec("get_fork_messages"), you, session.blocks.peek());
    if (entryId === undefined) throw new Error("The agent does not know this message any more.");
    const { text } = await session.exec("fork", { entryId });
    clearDraft(session.id);
    editAgain(state, typeof text === "string" && text !== "" ? text : you.text);
  } catch (error) {
    toast({ words: errorWords(error), kind: "error" });
  }
}

interface Entry {
  readonly entryId: string;
  readonly text: string;
}

/** Find a message among those that the agent can go back to: of equal texts, the one as far from the end as it is here. */
export function entryOf(answer: Readonly<Record<string, unknown>>, you: YouBlock, blocks: readonly { readonly kind: string; readonly key: string }[]): string | undefined {
  const listed: readonly unknown[] = Array.isArray(answer["messages"]) ? answer["messages"] : [];
  const same = listed.filter((entry): entry is Entry => {
    const { entryId, text } = entry as Partial<Entry>;
    return typeof entryId === "string" && typeof text === "string" && text.trim() === you.text.trim();
  });
  const mine = blocks.filter((block): block is YouBlock => block.kind === "you" && (block as YouBlock).text.trim() === you.text.trim());
  const fromEnd = mine.length - 1 - mine.findIndex((block) => block.key === you.key);
  return (same[same.length - 1 - fromEnd] ?? same[same.length - 1])?.entryId;
}
