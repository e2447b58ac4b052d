/**
 * The shapes that a viewer receives (sockets-browsers.md 7.1 to 7.3), as loose as the agents that send them, and the
 * narrowing that every reader of them needs. Pure.
 */

/** A JSON object of which nothing is known yet. */
export type Json = Readonly<Record<string, unknown>>;

/** One agent event: `event.event` on /viewer. */
export interface AgentEvent extends Json {
  readonly type: string;
}

/** One message of a transcript (7.3). */
export interface Message extends Json {
  readonly role: string;
  readonly timestamp?: number;
  readonly content?: unknown;
}

/** Answer a JSON object, an empty one for anything else. */
export function obj(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : NOTHING;
}

/** Answer whether a value is a JSON object. */
export function isObj(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Answer the objects of a JSON list; anything else is left out. */
export function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObj) : NONE;
}

/** Answer a text, "" for anything else. */
export function str(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Answer a finite number, undefined for anything else. */
export function num(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Answer the texts of a JSON list. */
export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}

const NOTHING: Json = Object.freeze({});
const NONE: readonly Json[] = Object.freeze([]);
const TOOL_ROLES: ReadonlySet<string> = new Set(["toolResult", "tool_result", "toolresult", "tool"]);

/** Answer whether a message is the result of a tool. */
export function isResult(message: Json): boolean {
  return TOOL_ROLES.has(str(message.role));
}

/** Answer the parts of a message; a text stands for one text part. */
export function partsOf(message: Json): readonly Json[] {
  return typeof message.content === "string" ? [{ type: "text", text: message.content }] : objects(message.content);
}

/** Answer the text parts of a message, joined by nothing. */
export function textOf(message: Json): string {
  if (typeof message.content === "string") return message.content;
  let text = "";
  for (const part of objects(message.content)) if (part.type === "text") text += str(part.text);
  return text;
}

/** Answer the id of a tool call part. */
export function callId(part: Json): string {
  return str(part.id) || str(part.toolCallId);
}

/** Answer the tool call parts of an assistant's message. */
export function callsOf(message: Json): readonly Json[] {
  return objects(message.content).filter((part) => part.type === "toolCall");
}

/** Answer whether two JSON values say the same. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index += 1) if (!same(a[index], b[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Json;
  const right = b as Json;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  for (const name of names) if (!(name in right) || !same(left[name], right[name])) return false;
  return true;
}
