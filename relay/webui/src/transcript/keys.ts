/** Tell messages apart, and drop those that another one stands for (sockets-browsers.md 7.7). Pure. */

import { type Json, callId, callsOf, isResult, str, textOf } from "./wire";

/** Answer the identity of a message, which has no reliable id of its own; `label` when nothing else tells. */
export function keyOf(message: Json, label: string): string {
  const role = str(message.role);
  const call = str(message.toolCallId);
  if (isResult(message) && call !== "") return `tool-call:${call}`;
  if (str(message.id) !== "") return `${role}:id:${str(message.id)}`;
  if (call !== "") return `${role}:call:${call}`;
  if (message.timestamp) return `${role}:${String(message.timestamp)}`;
  return `${role}:${label}`;
}

/**
 * Drop an assistant's draft without a timestamp that a finished message stands for, and all but one copy of a turn:
 * copies share the ids of their tool calls; the latest counts, or one without an error.
 */
export function normalise(messages: readonly Json[]): readonly Json[] {
  const drop = new Set<number>();
  const owner = new Map<string, number>();
  let drafts = false;
  messages.forEach((message, index) => {
    if (message.role !== "assistant") return;
    if (!message.timestamp) drafts = true;
    for (const call of callsOf(message)) {
      const id = callId(call);
      if (id === "") continue;
      const before = owner.get(id);
      if (before !== undefined && before !== index && !drop.has(before)) {
        if (message.stopReason === "error" && messages[before]?.stopReason !== "error") drop.add(index);
        else drop.add(before);
      }
      owner.set(id, index);
    }
  });
  if (drafts) messages.forEach((message, index) => dropDraft(messages, message, index, drop));
  return drop.size === 0 ? messages : messages.filter((_message, index) => !drop.has(index));
}

function dropDraft(messages: readonly Json[], message: Json, index: number, drop: Set<number>): void {
  if (message.role !== "assistant" || message.timestamp) return;
  const next = messages[index + 1];
  const text = textOf(message);
  const replaced = next?.role === "assistant" && Boolean(next.timestamp);
  const repeated =
    callsOf(message).length === 0 &&
    messages.slice(index + 1).some((later) => later.role === "assistant" && Boolean(later.timestamp) && textOf(later).startsWith(text));
  if (replaced || repeated) drop.add(index);
}
