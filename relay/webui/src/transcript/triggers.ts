/** Read what triggers and other sessions write into a conversation (sockets-browsers.md 7.3). Pure. */

import type { TriggerBlock } from "./blocks";
import { type Question, readQuestion } from "./prompts";

const MARK = /<!--\s*trigger:(\S+)\s+source:(\S+)([^>]*?)-->/g;
const QUESTIONS = /questions64:([A-Za-z0-9+/=_-]+)/;
const ENDED = /\b(completed|errored|was killed)\b/;

/** One trigger of a message. */
export type Trigger = Omit<TriggerBlock, "key" | "kind" | "at">;

/** Split a person's message that triggers wrote; empty for one that a person wrote. */
export function readTriggers(text: string): Trigger[] {
  if (!text.trimStart().startsWith("<!-- trigger:")) return [];
  const marks = [...text.matchAll(MARK)];
  return marks.map((mark, index) => {
    const from = (mark.index ?? 0) + mark[0].length;
    const body = text.slice(from, marks[index + 1]?.index ?? text.length).trim();
    const source = mark[2] ?? "";
    const questions = readQuestions(QUESTIONS.exec(mark[3] ?? "")?.[1]);
    return {
      triggerId: mark[1] ?? "",
      source,
      sourceIsSession: /^[0-9a-f-]{16,}$/i.test(source),
      about: about(body, questions),
      text: body,
      questions,
    };
  });
}

function about(body: string, questions: readonly Question[]): Trigger["about"] {
  if (questions.length > 0) return "question";
  const head = body.slice(0, 200);
  if (/\bplan\b.*\breview\b/i.test(head)) return "plan";
  if (/\b(asks|question)\b/i.test(head) && /respond|answer/i.test(body)) return "question";
  return ENDED.test(head) ? "complete" : "event";
}

function readQuestions(encoded: string | undefined): readonly Question[] {
  if (!encoded) return [];
  try {
    const bytes = Uint8Array.from(atob(encoded.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const question = readQuestion(Array.isArray(value) ? { questions: value } : value);
    return question ? [question] : [];
  } catch {
    return [];
  }
}
