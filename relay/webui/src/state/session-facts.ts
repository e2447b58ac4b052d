/** Keep what a viewer learns of its session besides the transcript (sockets-browsers.md 7.1, 7.2). Pure. */

import { type AgentEvent, type Json, isObj, objects, str, strings } from "../transcript/wire";
import { readCommands, readGoal, readModel, readModels, readTodo } from "./meta";
import type { Command, Goal, McpAuth, Model, Todo } from "./types";

/** What the viewer's own stream says; undefined where it never said anything. */
export interface Facts {
  readonly active: boolean;
  readonly name: string | undefined;
  readonly cwd: string;
  readonly model: Model | null | undefined;
  readonly thinkingLevel: string | undefined;
  readonly models: readonly Model[];
  readonly commands: readonly Command[];
  readonly todo: readonly Todo[] | undefined;
  readonly goal: Goal | null | undefined;
  readonly queue: readonly string[];
  readonly analysis: Json | null;
  readonly compacting: boolean | undefined;
  readonly turnSince: number | undefined;
  readonly failed: boolean;
  readonly mcpAuth: readonly McpAuth[];
  readonly serviceIds: readonly string[];
  readonly panels: readonly Json[];
}

export const NO_FACTS: Facts = {
  active: false,
  name: undefined,
  cwd: "",
  model: undefined,
  thinkingLevel: undefined,
  models: [],
  commands: [],
  todo: undefined,
  goal: undefined,
  queue: [],
  analysis: null,
  compacting: undefined,
  turnSince: undefined,
  failed: false,
  mcpAuth: [],
  serviceIds: [],
  panels: [],
};

/** Take an agent's event in; answers the same object when it says nothing here. */
export function learn(facts: Facts, event: AgentEvent, now: number): Facts {
  switch (event.type) {
    case "session_active":
      return fromState(facts, isObj(event.state) ? event.state : {}, true);
    case "session_metadata_update":
      return fromState(facts, isObj(event.metadata) ? event.metadata : {}, false);
    case "heartbeat":
      return fromHeartbeat(facts, event, now);
    case "agent_start":
      return { ...setActive(facts, true, now), failed: false };
    case "agent_end":
      return setActive(facts, false, now);
    case "capabilities":
      return { ...facts, models: readModels(event.models), commands: readCommands(event.commands) };
    case "todo_update":
      return { ...facts, todo: readTodo(event.todos) };
    case "model_select":
      return { ...facts, model: readModel(event.model) ?? facts.model };
    case "message_end":
      return ended(facts, event);
    case "cli_error":
      return { ...facts, failed: true };
    case "mcp_auth_required":
    case "mcp_auth_paste_required":
      return withAuth(facts, event);
    case "mcp_auth_complete":
      return { ...facts, mcpAuth: facts.mcpAuth.filter((entry) => entry.server !== str(event.serverName)) };
    default:
      return facts;
  }
}

/** Note whether the agent is in a turn. */
export function setActive(facts: Facts, active: boolean, now: number): Facts {
  if (facts.active === active) return facts;
  return { ...facts, active, turnSince: active ? now : undefined };
}

/** Take in what the runner's services announce. */
export function announce(facts: Facts, name: string, payload: Json): Facts {
  if (name === "service_announce") return { ...facts, serviceIds: strings(payload.serviceIds), panels: objects(payload.panels) };
  const added = isObj(payload.added) ? payload.added : {};
  const removed = isObj(payload.removed) ? payload.removed : {};
  const updated = isObj(payload.updated) ? payload.updated : {};
  const gone = new Set([...strings(removed.panels), ...objects(updated.panels).map((panel) => str(panel.serviceId))]);
  return {
    ...facts,
    serviceIds: [...new Set([...facts.serviceIds, ...strings(added.serviceIds)])].filter(
      (id) => !strings(removed.serviceIds).includes(id),
    ),
    panels: [
      ...facts.panels.filter((panel) => !gone.has(str(panel.serviceId))),
      ...objects(updated.panels),
      ...objects(added.panels),
    ],
  };
}

function fromState(facts: Facts, state: Json, whole: boolean): Facts {
  const has = (name: string): boolean => state[name] !== undefined;
  const list = (name: string): boolean => has(name) && state[name] !== null;
  const chunked = state.chunked === true;
  return {
    ...facts,
    cwd: str(state.cwd) || facts.cwd,
    name: has("sessionName") ? str(state.sessionName) : facts.name,
    model: has("model") ? readModel(state.model) : facts.model,
    thinkingLevel: has("thinkingLevel") ? str(state.thinkingLevel) : facts.thinkingLevel,
    models: list("availableModels") ? readModels(state.availableModels) : whole && !chunked ? [] : facts.models,
    commands: list("availableCommands") ? readCommands(state.availableCommands) : facts.commands,
    todo: list("todoList") ? readTodo(state.todoList) : facts.todo,
    goal: has("goal") ? readGoal(state.goal) : facts.goal,
    queue: list("queuedMessages") ? strings(state.queuedMessages) : whole ? [] : facts.queue,
    analysis: has("analysis") ? (isObj(state.analysis) ? state.analysis : null) : facts.analysis,
  };
}

function fromHeartbeat(facts: Facts, event: AgentEvent, now: number): Facts {
  const next = setActive(facts, event.active === true, now);
  return {
    ...next,
    cwd: str(event.cwd) || next.cwd,
    name: typeof event.sessionName === "string" ? event.sessionName : next.name,
    model: readModel(event.model) ?? next.model,
    queue: Array.isArray(event.queuedMessages) ? strings(event.queuedMessages) : next.queue,
    compacting: typeof event.isCompacting === "boolean" ? event.isCompacting : next.compacting,
  };
}

function ended(facts: Facts, event: AgentEvent): Facts {
  const message = isObj(event.message) ? event.message : {};
  if (message.role !== "assistant") return facts;
  const failed = message.stopReason === "error";
  return facts.failed === failed ? facts : { ...facts, failed };
}

function withAuth(facts: Facts, event: AgentEvent): Facts {
  const url = str(event.authUrl);
  const server = str(event.serverName);
  if (!/^https?:\/\//i.test(url) || server === "") return facts;
  const nonce = str(event.nonce) || null;
  const rest = facts.mcpAuth.filter((entry) => entry.server !== server);
  return { ...facts, mcpAuth: [...rest, { server, url, nonce }] };
}

/** Take the colours of a terminal out of a text. */
export function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "");
}
