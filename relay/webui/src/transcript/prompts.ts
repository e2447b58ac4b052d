/** What an agent may ask of a person, how it arrives (sockets-browsers.md 4.4) and how it is answered (7.8). Pure. */

import { type Json, isObj, obj, objects, str, strings } from "./wire";

/** How one part of a question is answered. */
export interface Ask {
  readonly question: string;
  readonly options: readonly string[];
  readonly type: "radio" | "checkbox" | "ranked";
}

/** A question with one or more parts. */
export interface Question {
  readonly kind: "question";
  readonly id: string;
  readonly asks: readonly Ask[];
}

/** A plan that waits for a decision. */
export interface PlanReview {
  readonly kind: "plan";
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly steps: readonly { readonly title: string; readonly description: string }[];
}

/** Something that an extension wants allowed. */
export interface Approval {
  readonly kind: "approval";
  readonly id: string;
  readonly title: string;
  readonly message: string;
  readonly fields: readonly {
    readonly key: string;
    readonly label: string;
    readonly value: string;
    readonly editable: boolean;
    readonly multiline: boolean;
  }[];
  readonly actions: readonly { readonly id: string; readonly label: string; readonly style: string }[];
}

/** Plugins of the folder that want to be trusted. */
export interface PluginTrust {
  readonly kind: "trust";
  readonly id: string;
  readonly plugins: readonly { readonly name: string; readonly summary: string }[];
}

/** Whatever makes a session wait for a person. */
export type Pending = Question | PlanReview | Approval | PluginTrust;

/** A person's decision on a plan. */
export type PlanDecision =
  | { readonly action: "execute" | "execute_keep_context" | "cancel" }
  | { readonly action: "edit"; readonly editSuggestion: string };

/** A person's decision on an approval. */
export interface ApprovalDecision {
  readonly action: string;
  readonly approved: boolean;
  readonly edits?: Readonly<Record<string, string>>;
}

/** Read a question in the form of `pendingQuestion` or of the tool's arguments; null when it asks nothing. */
export function readQuestion(value: unknown, id = ""): Question | null {
  if (!isObj(value)) return null;
  const listed = objects(value.questions);
  const asks = (listed.length > 0 ? listed : [value]).map(readAsk).filter((ask) => ask.question.trim() !== "");
  if (asks.length === 0) return null;
  return { kind: "question", id: str(value.toolCallId) || id, asks };
}

function readAsk(entry: Json): Ask {
  const type = str(entry.type);
  // Agents add the choice to write one's own answer; the card has a row for that anyway.
  const options = strings(entry.options).filter((option) => option.toLowerCase().replace(/[^a-z]/g, "") !== "typeyourown");
  return { question: str(entry.question), options, type: type === "checkbox" || type === "ranked" ? type : "radio" };
}

/** Read a plan in the form of `pendingPlan` or of the tool's arguments; null without a title and steps. */
export function readPlan(value: unknown, id = ""): PlanReview | null {
  if (!isObj(value)) return null;
  const steps = (Array.isArray(value.steps) ? value.steps : []).map((step: unknown) =>
    typeof step === "string"
      ? { title: step, description: "" }
      : { title: str(obj(step).title), description: str(obj(step).description) },
  );
  const title = str(value.title);
  if (title === "" && steps.length === 0) return null;
  return { kind: "plan", id: str(value.toolCallId) || id, title, description: str(value.description), steps };
}

/** Read `pendingApproval`. */
export function readApproval(value: unknown): Approval | null {
  if (!isObj(value) || str(value.promptId) === "") return null;
  return {
    kind: "approval",
    id: str(value.promptId),
    title: str(value.title),
    message: str(value.message),
    fields: objects(value.fields).map((field) => ({
      key: str(field.key),
      label: str(field.label) || str(field.key),
      value: str(field.value),
      editable: field.editable === true,
      multiline: field.multiline === true,
    })),
    actions: objects(value.actions).map((action) => ({
      id: str(action.id),
      label: str(action.label) || str(action.id),
      style: str(action.style) || "default",
    })),
  };
}

/** Read `pendingPluginTrust`. */
export function readTrust(value: unknown): PluginTrust | null {
  if (!isObj(value) || str(value.promptId) === "") return null;
  const summaries = Array.isArray(value.pluginSummaries) ? value.pluginSummaries : [];
  const plugins = strings(value.pluginNames).map((name, index) => ({ name, summary: str(summaries[index]) }));
  return { kind: "trust", id: str(value.promptId), plugins };
}

/** Answer one line that says what is asked. */
export function headline(pending: Pending): string {
  switch (pending.kind) {
    case "question":
      return pending.asks[0]?.question ?? "";
    case "plan":
      return pending.title || "A plan is ready to review.";
    case "approval":
      return pending.title || pending.message;
    case "trust":
      return `Trust ${pending.plugins.map((plugin) => plugin.name).join(", ") || "the plugins of this folder"}?`;
  }
}

/** Write the answer to a question: plain for one part, a JSON object for several. A list becomes lines of the answer. */
export function answerText(question: Question, answers: readonly (string | readonly string[])[]): string {
  const written = question.asks.map((_ask, index) => oneAnswer(answers[index] ?? ""));
  if (question.asks.length === 1) return written[0] ?? "";
  const named = question.asks.map((ask, index) => [`Q${index + 1}: ${ask.question}`, written[index] ?? ""] as const);
  return JSON.stringify(Object.fromEntries(named));
}

function oneAnswer(answer: string | readonly string[]): string {
  return typeof answer === "string" ? answer : answer.join(", ");
}

/** Write a decision on a plan. */
export function planText(decision: PlanDecision): string {
  return JSON.stringify(decision);
}

/** Write a decision on an approval; edits count only when it is approved. */
export function approvalText(approval: Approval, decision: ApprovalDecision): string {
  const { action, approved, edits } = decision;
  return JSON.stringify({ action, approved, promptId: approval.id, ...(approved && edits ? { edits } : {}) });
}
