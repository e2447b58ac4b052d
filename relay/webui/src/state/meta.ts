/** Read what the hub says about a live session (sockets-browsers.md 4.4). Pure. */

import {
  type Pending,
  readApproval,
  readPlan,
  readQuestion,
  readTrust,
} from "../transcript/prompts";
import { type Json, isObj, num, obj, objects, str, strings } from "../transcript/wire";
import type { Command, Goal, McpReport, Model, Todo, TokenUsage } from "./types";

/** The server's meta state of one session. */
export interface Meta {
  readonly version: number;
  readonly todo: readonly Todo[];
  readonly question: Pending | null;
  readonly plan: Pending | null;
  readonly approval: Pending | null;
  readonly trust: Pending | null;
  readonly planMode: boolean;
  readonly compacting: boolean;
  readonly retry: { readonly message: string; readonly since: number } | null;
  readonly mcp: McpReport | null;
  readonly usage: TokenUsage | null;
  readonly providerUsage: Json | null;
  readonly thinkingLevel: string;
  readonly model: Model | null;
  readonly goal: Goal | null;
}

export const NO_META: Meta = {
  version: -1,
  todo: [],
  question: null,
  plan: null,
  approval: null,
  trust: null,
  planMode: false,
  compacting: false,
  retry: null,
  mcp: null,
  usage: null,
  providerUsage: null,
  thinkingLevel: "",
  model: null,
  goal: null,
};

/** Answer what waits for a person: an approval before a question before a plan, as the agent reads answers. */
export function pendingOf(meta: Meta): Pending | null {
  return meta.approval ?? meta.question ?? meta.plan ?? meta.trust;
}

/** Read a `state_snapshot`; null for one without a version. */
export function readMeta(state: unknown): Meta | null {
  const value = obj(state);
  const version = num(value.version);
  if (version === undefined) return null;
  return {
    version,
    todo: readTodo(value.todoList),
    question: readQuestion(value.pendingQuestion),
    plan: readPlan(value.pendingPlan),
    approval: readApproval(value.pendingApproval),
    trust: readTrust(value.pendingPluginTrust),
    planMode: value.planModeEnabled === true,
    compacting: value.isCompacting === true,
    retry: readRetry(value.retryState),
    mcp: readMcp(value.mcpStartupReport),
    usage: readUsage(value.tokenUsage),
    providerUsage: isObj(value.providerUsage) ? value.providerUsage : null,
    thinkingLevel: str(value.thinkingLevel),
    model: readModel(value.model),
    goal: readGoal(value.goal),
  };
}

/** Take in a `meta_event`; answers the same object when it says nothing new. */
export function applyMeta(meta: Meta, event: Json): Meta {
  const version = num(event.version);
  if (version === undefined || version <= meta.version) return meta;
  const patch = patchOf(event);
  return patch === null ? meta : { ...meta, ...patch, version };
}

function patchOf(event: Json): Partial<Meta> | null {
  switch (str(event.type)) {
    case "todo_updated":
      return { todo: readTodo(event.todoList) };
    case "question_pending":
      return { question: readQuestion(event.question) };
    case "question_cleared":
      return { question: null };
    case "plan_pending":
      return { plan: readPlan(event.plan) };
    case "plan_cleared":
      return { plan: null };
    case "plan_mode_toggled":
      return { planMode: event.enabled === true };
    case "compact_started":
      return { compacting: true };
    case "compact_ended":
      return { compacting: false };
    case "retry_state_changed":
      return { retry: readRetry(event.state) };
    case "plugin_trust_required":
      return { trust: readTrust(event.prompt) };
    case "plugin_trust_resolved":
      return { trust: null };
    case "approval_pending":
      return { approval: readApproval(event.approval) };
    case "approval_cleared":
      return { approval: null };
    case "mcp_startup_report":
      return { mcp: readMcp(event.report) };
    case "token_usage_updated":
      return { usage: readUsage(event.tokenUsage), providerUsage: isObj(event.providerUsage) ? event.providerUsage : null };
    case "thinking_level_changed":
      return { thinkingLevel: str(event.level) };
    case "model_changed":
      return { model: readModel(event.model) };
    case "goal_updated":
      return { goal: readGoal(event.goal) };
    case "auth_source_changed":
      return {};
    default:
      return null;
  }
}

/** Read a model in any of its spellings; null without provider and id. */
export function readModel(value: unknown): Model | null {
  const model = obj(value);
  const id = str(model.id) || str(model.modelId);
  const provider = str(model.provider);
  if (id === "" || provider === "") return null;
  return {
    provider,
    id,
    name: str(model.name) || id,
    reasoning: model.reasoning === true,
    contextWindow: num(model.contextWindow),
    thinkingLevels: strings(model.thinkingLevels),
  };
}

/** Read a list of models. */
export function readModels(value: unknown): readonly Model[] {
  return objects(value)
    .map(readModel)
    .filter((model) => model !== null);
}

/** Read the agent's list of steps. */
export function readTodo(value: unknown): readonly Todo[] {
  return objects(value).map((entry, index) => {
    const status = str(entry.status);
    return {
      id: String(entry.id ?? index),
      text: str(entry.text) || str(entry.content),
      status: status === "in_progress" || status === "done" || status === "cancelled" ? status : statusOf(status),
    };
  });
}

function statusOf(status: string): Todo["status"] {
  return status === "completed" ? "done" : "pending";
}

/** Read token counts. */
export function readUsage(value: unknown): TokenUsage | null {
  if (!isObj(value)) return null;
  return {
    input: num(value.input) ?? 0,
    output: num(value.output) ?? 0,
    cacheRead: num(value.cacheRead) ?? 0,
    cacheWrite: num(value.cacheWrite) ?? 0,
    cost: num(value.cost) ?? 0,
    contextTokens: num(value.contextTokens),
  };
}

function readRetry(value: unknown): Meta["retry"] {
  if (!isObj(value)) return null;
  return { message: str(value.errorMessage), since: num(value.detectedAt) ?? Date.now() };
}

/** Read a goal. */
export function readGoal(value: unknown): Goal | null {
  if (!isObj(value) || str(value.description) === "") return null;
  return {
    description: str(value.description),
    status: str(value.status),
    turnCount: num(value.turnCount) ?? 0,
    maxTurns: num(value.maxTurns),
  };
}

function readMcp(value: unknown): McpReport | null {
  if (!isObj(value)) return null;
  return {
    slow: value.slow === true || value.showSlowWarning === true,
    errors: objects(value.errors).map((entry) => ({ server: str(entry.server), error: str(entry.error) })),
    servers: objects(value.serverTimings).map((entry) => ({
      name: str(entry.name),
      tools: num(entry.toolCount) ?? 0,
      ms: num(entry.durationMs) ?? 0,
      error: str(entry.error) || (entry.timedOut === true ? "Did not answer in time" : ""),
    })),
  };
}

/** Read the slash commands of a session. */
export function readCommands(value: unknown): readonly Command[] {
  return objects(value)
    .filter((entry) => str(entry.name) !== "")
    .map((entry) => ({
      name: str(entry.name).replace(/^\//, ""),
      description: str(entry.description),
      source: str(entry.source),
      argumentHint: str(entry.argumentHint),
      completions: objects(entry.completions).map((choice) => ({
        value: str(choice.value),
        label: str(choice.label) || str(choice.value),
        description: str(choice.description),
      })),
    }));
}
