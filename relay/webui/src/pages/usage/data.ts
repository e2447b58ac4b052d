/** Usage as runners report it (rest-runners.md 5.15), read, added up and written as CSV. Pure. */
import { type Json, num, obj, objects, str } from "../../transcript/wire";

/** How far back. */
export type Range = "7d" | "30d" | "90d" | "all";
/** Ranges in words. */
export const RANGES: readonly { value: Range; words: string }[] = [
  { value: "7d", words: "7 days" },
  { value: "30d", words: "30 days" },
  { value: "90d", words: "90 days" },
  { value: "all", words: "All" },
];

/** Sums of one thing: dollars and tokens. */
export interface Sums {
  cost: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  sessions: number;
}

/** One day, with its cost by kind of token. */
export interface Day extends Sums {
  /** "2026-11-24" */
  date: string;
  costInput: number;
  costOutput: number;
  costCacheRead: number;
  costCacheWrite: number;
}

/** A row of a table: a model, a project, a runner. */
export interface Part {
  name: string;
  sessions: number;
  cost: number;
  input: number;
  output: number;
}

/** One session of the range. */
export interface Used {
  id: string;
  name: string;
  project: string;
  startedAt: number;
  endedAt: number | undefined;
  cost: number;
  model: string;
}

/** What one runner, or all together, used. */
export interface Usage {
  total: Sums;
  days: readonly Day[];
  models: readonly Part[];
  projects: readonly Part[];
  sessions: readonly Used[];
}

const N = (value: unknown): number => num(value) ?? 0;

/** Read what a runner answered. */
export function readUsage(value: unknown): Usage {
  const data = obj(value);
  const summary = obj(data.summary);
  return {
    total: {
      cost: N(summary.totalCost),
      input: N(summary.totalInputTokens),
      output: N(summary.totalOutputTokens),
      cacheRead: N(summary.totalCacheReadTokens),
      cacheWrite: N(summary.totalCacheWriteTokens),
      sessions: N(summary.totalSessions),
    },
    days: objects(data.daily).map((row) => ({
      date: str(row.date),
      ...sums(row),
      costInput: N(row.costInput),
      costOutput: N(row.costOutput),
      costCacheRead: N(row.costCacheRead),
      costCacheWrite: N(row.costCacheWrite),
    })),
    models: objects(data.byModel).map((row) => part(str(row.model), row)),
    projects: objects(data.byProject).map((row) => part(str(row.project), row)),
    sessions: objects(data.recentSessions).map((row) => ({
      id: str(row.id),
      name: str(row.sessionName),
      project: str(row.project),
      startedAt: Date.parse(str(row.startedAt)) || 0,
      endedAt: Date.parse(str(row.endedAt)) || undefined,
      cost: N(row.totalCost),
      model: str(row.primaryModel),
    })),
  };
}

function sums(row: Json): Sums {
  return {
    cost: N(row.cost),
    input: N(row.inputTokens),
    output: N(row.outputTokens),
    cacheRead: N(row.cacheReadTokens),
    cacheWrite: N(row.cacheWriteTokens),
    sessions: N(row.sessions),
  };
}

function part(name: string, row: Json): Part {
  return { name: name || "Unknown", sessions: N(row.sessions), cost: N(row.cost), input: N(row.inputTokens), output: N(row.outputTokens) };
}

/** Add the usage of several runners up. */
export function together(all: readonly Usage[]): Usage {
  const total: Sums = { cost: 0, input: 0, output: 0, cacheRead: 0, cacheWrite: 0, sessions: 0 };
  const days = new Map<string, Day>();
  for (const usage of all) {
    addTo(total, usage.total);
    for (const day of usage.days) {
      const known = days.get(day.date);
      if (!known) days.set(day.date, { ...day });
      else addTo(known, day);
    }
  }
  return {
    total,
    days: [...days.values()].sort((one, other) => (one.date < other.date ? -1 : 1)),
    models: merged(all.flatMap((usage) => usage.models)),
    projects: merged(all.flatMap((usage) => usage.projects)),
    sessions: all.flatMap((usage) => usage.sessions),
  };
}

function addTo<T extends Sums>(target: T, more: T): void {
  for (const key of Object.keys(more) as (keyof T)[]) {
    const [one, other] = [target[key], more[key]];
    if (typeof one === "number" && typeof other === "number") (target as Record<keyof T, unknown>)[key] = one + other;
  }
}

function merged(parts: readonly Part[]): readonly Part[] {
  const found = new Map<string, Part>();
  for (const one of parts) {
    const known = found.get(one.name);
    found.set(one.name, known ? { ...known, sessions: known.sessions + one.sessions, cost: known.cost + one.cost, input: known.input + one.input, output: known.output + one.output } : one);
  }
  return [...found.values()].sort((one, other) => other.cost - one.cost || other.input + other.output - one.input - one.output);
}

/** All days from the first to the last, so that a day without sessions has its place; at most `most`, the newest. */
export function everyDay(days: readonly string[], range: Range, today: string, most = 400): readonly string[] {
  const first = [...days].sort()[0] ?? today;
  const span = { "7d": 7, "30d": 30, "90d": 90, all: 0 }[range];
  const all: string[] = [];
  for (let at = new Date(`${today}T12:00:00Z`); all.length < most; at = new Date(at.getTime() - 86_400_000)) {
    const date = at.toISOString().slice(0, 10);
    all.unshift(date);
    if (span > 0 ? all.length >= span : date <= first) break;
  }
  return all;
}

/** The media type of `csv`. */
export const CSV_TYPE = "text/csv;charset=utf-8";

/** Write the days as CSV (RFC 4180), one row per day and runner. */
export function csv(rows: readonly { runner: string; usage: Usage }[]): string {
  const head = "date,runner,sessions,cost_usd,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens";
  const lines = rows.flatMap(({ runner, usage }) =>
    usage.days.map((day) => [day.date, quoted(runner), day.sessions, day.cost, day.input, day.output, day.cacheRead, day.cacheWrite].join(",")),
  );
  return `${[head, ...lines.sort()].join("\r\n")}\r\n`;
}

function quoted(text: string): string {
  // A leading sign would make a formula of it in a spreadsheet.
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
