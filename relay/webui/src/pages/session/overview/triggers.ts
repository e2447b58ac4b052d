/** What a session listens to, and what arrived or was sent (rest-runners.md 8.5, 8.6). */

import { useEffect, useState } from "preact/hooks";
import { del, get, seg } from "../../../api/rest";
import type { OpenSession } from "../../../state/types";
import { type Json, num, obj, objects, str } from "../../../transcript/wire";

/** One thing that the session listens to. */
export interface Listening {
  readonly id: string;
  readonly type: string;
  /** In words: "Push", "A timer". */
  readonly label: string;
  /** What it is narrowed to, for example a branch or a time; "" without anything. */
  readonly detail: string;
}

/** One trigger that came in or went out. */
export interface Fired {
  readonly id: string;
  readonly inbound: boolean;
  readonly words: string;
  readonly source: string;
  readonly at: number;
  /** The answer that was given, "" without one. */
  readonly answer: string;
}

/** What the overview knows of triggers. */
export interface Triggers {
  readonly listening: readonly Listening[];
  readonly fired: readonly Fired[];
  readonly stop: (listening: Listening) => Promise<void>;
}

const MOST_FIRED = 12;

/** Load both lists and keep them in step. A session that is not live has neither. */
export function useTriggers(session: OpenSession): Triggers {
  const [listening, setListening] = useState<readonly Listening[]>([]);
  const [fired, setFired] = useState<readonly Fired[]>([]);
  const version = session.triggersVersion.value;
  const live = session.phase.value === "live";
  const base = `/api/sessions/${seg(session.id)}`;
  useEffect(() => {
    if (!live) return undefined;
    let over = false;
    const load = async (): Promise<void> => {
      const [subscribed, known, history] = await Promise.all([
        get<unknown>(`${base}/trigger-subscriptions`),
        get<unknown>(`${base}/available-triggers`),
        get<unknown>(`${base}/triggers?limit=${MOST_FIRED}`),
      ]);
      if (over) return;
      const labels = new Map(objects(obj(known).triggerDefs).map((def) => [str(def.type), str(def.label)]));
      setListening(objects(obj(subscribed).subscriptions).map((row) => readListening(row, labels)));
      setFired(objects(obj(history).triggers).map(readFired));
    };
    // What does not load is left out; the next change of either list asks again.
    load().catch(() => undefined);
    return () => {
      over = true;
    };
  }, [session, live, version]);
  const stop = async (row: Listening): Promise<void> => {
    await del(`${base}/trigger-subscriptions/${seg(row.type)}?subscriptionId=${seg(row.id)}`);
    setListening((before) => before.filter((each) => each.id !== row.id));
  };
  return { listening, fired, stop };
}

/** Read a subscription. */
export function readListening(row: Json, labels: ReadonlyMap<string, string>): Listening {
  const type = str(row.triggerType);
  const params = Object.entries(obj(row.params)).filter(([key, value]) => !key.startsWith("_") && value !== null && value !== "");
  const filters = objects(row.filters).map((filter) => `${str(filter.field)} ${filter.op === "contains" ? "has" : "is"} ${plain(filter.value)}`);
  const detail = [...params.map(([, value]) => plain(value)), ...filters].join(", ");
  return { id: str(row.subscriptionId), type, label: labels.get(type) || wordsOf(type), detail };
}

/** Read an entry of the history. */
export function readFired(row: Json): Fired {
  const type = str(row.type);
  const response = obj(row.response);
  return {
    id: str(row.triggerId),
    inbound: str(row.direction) !== "outbound",
    words: str(row.summary) || str(row.sourceSessionName) || KIND_WORDS[type] || wordsOf(type),
    source: str(row.source),
    at: Date.parse(str(row.ts)) || num(row.ts) || 0,
    answer: str(response.text) || str(response.action),
  };
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  ask_user_question: "A child session asked a question",
  plan_review: "A child session asked for a review of its plan",
  session_complete: "A child session finished",
  session_error: "A child session stopped on an error",
  session_linked: "A child session was started",
  escalate: "A child session passed a question on to you",
};

/** Turn "github:pull_request" into "Pull request". */
function wordsOf(type: string): string {
  const last = (type.split(":").pop() ?? type).replace(/[_-]+/g, " ").trim();
  return last.charAt(0).toUpperCase() + last.slice(1);
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
