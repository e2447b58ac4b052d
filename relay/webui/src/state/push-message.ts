/**
 * Say what a push means, in the words of a notification (brief 10; rest-account.md 8.4). Pure.
 *
 * The service worker must be one file without imports, so this module shares nothing with the page.
 */

type Json = Readonly<Record<string, unknown>>;

/** Answer a JSON object, an empty one for anything else. */
export function obj(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

/** Answer a text, "" for anything else. */
export function str(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Answer the texts of a list. */
export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}

/** One button of a notification; `reply` takes text where the system can. */
export interface NoticeAction {
  readonly action: string;
  readonly title: string;
  readonly type?: "button" | "text";
  readonly placeholder?: string;
}

/** What to show. `tag`: a later one of the same session and type takes the place of this one. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly stays: boolean;
  readonly actions: readonly NoticeAction[];
  readonly sessionId: string;
  readonly toolCallId: string;
  readonly options: readonly string[];
}

const BUTTONS = 2;
const LONGEST_BUTTON = 30;
const LONGEST_BODY = 180;

/** Compose the notification of a push; null for one that is none of ours. */
export function compose(value: unknown): Notice | null {
  const push = obj(value);
  const type = str(push.type);
  const sessionId = str(push.sessionId);
  if (sessionId === "" || type === "") return null;
  const data = obj(push.data);
  const toolCallId = str(data.toolCallId);
  const options = strings(data.options).filter((option) => option.toLowerCase().replace(/[^a-z]/g, "") !== "typeyourown");
  const quick = options.length > 0 && toolCallId !== "";
  return {
    title: str(push.sessionName) || "Relay",
    body: body(type, push),
    tag: `relay-${type}-${sessionId}`,
    stays: type === "agent_needs_input",
    actions: quick ? actions(options) : [],
    sessionId,
    toolCallId,
    options,
  };
}

function actions(options: readonly string[]): NoticeAction[] {
  const buttons = options.slice(0, BUTTONS).map((option, index): NoticeAction => ({
    action: `option-${index}`,
    title: option.length > LONGEST_BUTTON ? `${option.slice(0, LONGEST_BUTTON - 1)}…` : option,
  }));
  return [...buttons, { action: "reply", title: "Answer…", type: "text", placeholder: "Write your own answer" }];
}

function body(type: string, push: Json): string {
  const text = str(push.body);
  if (type === "agent_needs_input") {
    if (push.plan === true || /Plan ready for review/.test(text)) return "A plan is ready to review.";
    // The relay's sentence carries the question behind the session's name, which is the title here.
    const question = str(push.question) || (/^Agent in "[\s\S]*?" asks: ([\s\S]+)$/.exec(text)?.[1] ?? "");
    return question === "" ? "It waits for your answer." : cut(question);
  }
  if (type === "agent_finished") {
    const first = /^Your agent in "/.test(text) ? "" : (text.split("\n").find((line) => line.trim() !== "") ?? "");
    return first === "" ? "Done" : cut(`Done: ${first.replace(/^#+\s*/, "").trim()}`);
  }
  if (type === "agent_error") {
    const message = /^Error in "[\s\S]*?": ([\s\S]+)$/.exec(text)?.[1] ?? "";
    return message === "" ? "Stopped on an error" : cut(`Stopped on an error: ${message}`);
  }
  return cut(text);
}

function cut(text: string): string {
  return text.length > LONGEST_BODY ? `${text.slice(0, LONGEST_BODY - 1)}…` : text;
}

/** Answer what a press on a notification says; null when it only opens the session. */
export function answerOf(notice: Pick<Notice, "options">, action: string, reply: string | undefined): string | null {
  const chosen = /^option-(\d+)$/.exec(action);
  if (chosen) return notice.options[Number(chosen[1])] ?? null;
  if (action === "reply" && reply !== undefined && reply.trim() !== "") return reply.trim();
  return null;
}
