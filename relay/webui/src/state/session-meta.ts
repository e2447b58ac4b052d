/** Put together what a session is: the hub's word where it has one, else what the viewer saw. Pure. */

import { str } from "../transcript/wire";
import { NO_META, pendingOf } from "./meta";
import type { LiveInput } from "./rows";
import type { Facts } from "./session-facts";
import type { Model, SessionMeta } from "./types";

/** Answer what a page shows of an open session. `answered` is the prompt that was answered here and is about to vanish. */
export function sessionMeta(
  facts: Facts,
  entry: LiveInput | undefined,
  doing: string,
  queue: readonly string[],
  answered: string | null,
): SessionMeta {
  const meta = entry?.meta ?? NO_META;
  const told = meta.version >= 0;
  const asked = pendingOf(meta);
  const pending = asked && asked.id !== "" && asked.id === answered ? null : asked;
  const model = complete(told ? (meta.model ?? facts.model ?? null) : (facts.model ?? null), facts.models);
  const usage = meta.usage;
  const window = model?.contextWindow;
  const used = usage?.contextTokens;
  return {
    name: str(entry?.info.sessionName) || (facts.name ?? ""),
    cwd: facts.cwd || str(entry?.info.cwd),
    active: facts.active,
    model,
    models: facts.models,
    commands: facts.commands,
    thinkingLevel: (told && meta.thinkingLevel) || facts.thinkingLevel || "",
    planMode: meta.planMode,
    compacting: told ? meta.compacting : (facts.compacting ?? false),
    retry: meta.retry,
    todo: told && meta.todo.length > 0 ? meta.todo : (facts.todo ?? meta.todo),
    goal: meta.goal ?? facts.goal ?? null,
    usage,
    context: used !== undefined && window !== undefined && window > 0 ? { used, window } : undefined,
    analysis: facts.analysis,
    queue,
    pending,
    pendingSince: pending ? entry?.pendingSince : undefined,
    doing: meta.compacting ? "Summarising" : meta.retry ? "The provider is busy, trying again" : doing,
    turnSince: facts.turnSince,
    failed: facts.failed,
    mcp: meta.mcp,
    mcpAuth: facts.mcpAuth,
    providerUsage: meta.providerUsage,
    serviceIds: facts.serviceIds,
    panels: facts.panels,
    collab: true,
  };
}

/** Fill in from the list of models what the agent's own word leaves out. */
function complete(model: Model | null, models: readonly Model[]): Model | null {
  if (!model) return null;
  const listed = models.find((entry) => entry.provider === model.provider && entry.id === model.id);
  if (!listed) return model;
  return {
    ...listed,
    contextWindow: model.contextWindow ?? listed.contextWindow,
    thinkingLevels: listed.thinkingLevels.length > 0 ? listed.thinkingLevels : model.thinkingLevels,
  };
}
