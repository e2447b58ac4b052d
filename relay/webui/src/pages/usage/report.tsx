/** The parts of a usage page: figures, cost per day, tables; the same for one runner and for all. */
import { baseName, count, clock, duration, money, tilde } from "../../lib/format";
import { Link } from "../../lib/router";
import { lazyPage } from "../../lib/lazy";
import { sessions } from "../../state/sessions";
import { Mark, STATE_WORDS, Table, type Column } from "../../ui";
import { guessHome } from "../new/settings";
import { everyDay, type Day, type Part, type Range, type Usage, type Used } from "./data";
import type { PlotProps, Series } from "./plot";
import "./usage.css";

const Plot = lazyPage<PlotProps>(async () => ({ default: (await import("./plot")).Plot }));

/** Sessions in the table of the costliest. */
const COSTLIEST = 8;

/** Props of Report. */
export interface ReportProps {
  usage: Usage;
  range: Range;
  /** Given for several runners: the bars are stacked by them. */
  runners?: readonly { name: string; usage: Usage }[];
}

/** Everything under the head of the page. */
export function Report({ usage, range, runners }: ReportProps) {
  const { total } = usage;
  const read = total.input + total.cacheRead + total.cacheWrite;
  const cached = read > 0 ? Math.round((total.cacheRead / read) * 100) : 0;
  const each = total.sessions > 0 ? money(total.cost / total.sessions) : "";
  const words = range === "all" ? "No sessions yet." : `No sessions in these ${{ "7d": 7, "30d": 30, "90d": 90 }[range]} days.`;
  const priced = total.cost > 0;
  const days = everyDay(usage.days.map((day) => day.date), range, new Date().toISOString().slice(0, 10));
  const home = guessHome(usage.projects.map((project) => project.name));
  return (
    <>
      <dl class="use-figures">
        <Figure value={money(total.cost)} words="Cost" />
        <Figure value={count(read)} words={cached > 0 ? `Tokens read, ${cached} % from cache` : "Tokens read"} />
        <Figure value={count(total.output)} words="Tokens written" />
        <Figure value={count(total.sessions)} words={total.sessions > 0 && priced ? `Sessions, ${each} each` : "Sessions"} />
      </dl>
      <Plot title={priced ? "Cost per day" : "Tokens per day"} days={days} series={series(usage, days, priced, runners)} format={priced ? money : count} empty={words} />
      {usage.projects.length > 0 && (
        <div class="use-two">
          <section>
            <h3 class="st">By project</h3>
            <Projects parts={usage.projects} home={home} priced={priced} />
          </section>
          <section>
            <h3 class="st">By model</h3>
            <Table caption="By model" rows={usage.models} keyOf={(row) => row.name} columns={modelColumns} />
          </section>
        </div>
      )}
      {runners && runners.length > 1 && (
        <section class="use-part">
          <h3 class="st">By runner</h3>
          <Table caption="By runner" rows={runners} keyOf={(row) => row.name} columns={runnerColumns} />
        </section>
      )}
      {usage.sessions.length > 0 && (
        <section class="use-part">
          <h3 class="st">{priced ? "Costliest sessions" : "Newest sessions"}</h3>
          <Table caption="Sessions" rows={costliest(usage.sessions)} keyOf={(row) => row.id} columns={sessionColumns(home)} />
        </section>
      )}
    </>
  );
}

function Figure({ value, words }: { value: string; words: string }) {
  return <div><dt>{words}</dt><dd>{value}</dd></div>;
}

function series(usage: Usage, days: readonly string[], priced: boolean, runners: ReportProps["runners"]): readonly Series[] {
  const by = (all: readonly Day[], pick: (day: Day) => number): readonly number[] => {
    const map = new Map(all.map((day) => [day.date, pick(day)]));
    return days.map((date) => map.get(date) ?? 0);
  };
  if (runners && runners.length > 1) {
    const sorted = [...runners].sort((one, other) => other.usage.total.cost - one.usage.total.cost);
    const pick = (day: Day): number => (priced ? day.cost : day.input + day.output + day.cacheRead + day.cacheWrite);
    const named = sorted.length > 4 ? sorted.slice(0, 3) : sorted;
    const rest = sorted.slice(named.length);
    const shown = named.map(({ name, usage: own }) => ({ name, values: by(own.days, pick) }));
    if (rest.length === 0) return shown;
    const others = rest.map(({ usage: own }) => by(own.days, pick));
    return [...shown, { name: "Other", values: days.map((_day, at) => others.reduce((sum, values) => sum + (values[at] ?? 0), 0)) }];
  }
  const kinds: [string, (day: Day) => number, (day: Day) => number][] = [
    ["Written", (day) => day.costOutput, (day) => day.output],
    ["Read", (day) => day.costInput, (day) => day.input],
    ["From cache", (day) => day.costCacheRead, (day) => day.cacheRead],
    ["Into cache", (day) => day.costCacheWrite, (day) => day.cacheWrite],
  ];
  const split = usage.days.some((day) => day.costInput + day.costOutput + day.costCacheRead + day.costCacheWrite > 0);
  if (priced && !split) return [{ name: "Cost", values: by(usage.days, (day) => day.cost) }];
  const all = kinds.map(([name, cost, tokens]) => ({ name, values: by(usage.days, priced ? cost : tokens) }));
  return all.filter((one, index) => index < 2 || one.values.some((value) => value > 0));
}

function Projects({ parts, home, priced }: { parts: readonly Part[]; home: string; priced: boolean }) {
  const weight = (part: Part): number => (priced ? part.cost : part.input + part.output);
  const top = Math.max(...parts.map(weight), 0);
  const columns: readonly Column<Part>[] = [
    { id: "folder", words: "Folder", mono: true, cell: (row) => <span class="use-path" title={row.name}>{tilde(row.name, home)}</span> },
    { id: "sessions", words: "Sessions", num: true, cell: (row) => count(row.sessions) },
    { id: "cost", words: priced ? "Cost" : "Tokens", num: true, cell: (row) => (priced ? money(row.cost) : count(row.input + row.output)) },
    { id: "bar", words: "", wideOnly: true, cell: (row) => <span class="use-bar" aria-hidden="true"><i style={{ width: `${top > 0 ? (weight(row) / top) * 100 : 0}%` }} /></span> },
  ];
  return <Table caption="By project" rows={parts.slice(0, 10)} keyOf={(row) => row.name} columns={columns} />;
}

const modelColumns: readonly Column<Part>[] = [
  { id: "model", words: "Model", cell: (row) => row.name },
  { id: "read", words: "Read", num: true, cell: (row) => count(row.input) },
  { id: "written", words: "Written", num: true, cell: (row) => count(row.output) },
  { id: "cost", words: "Cost", num: true, cell: (row) => money(row.cost) },
];

const runnerColumns: readonly Column<{ name: string; usage: Usage }>[] = [
  { id: "runner", words: "Runner", cell: (row) => row.name },
  { id: "sessions", words: "Sessions", num: true, cell: (row) => count(row.usage.total.sessions) },
  { id: "written", words: "Written", num: true, cell: (row) => count(row.usage.total.output) },
  { id: "cost", words: "Cost", num: true, cell: (row) => money(row.usage.total.cost) },
];

function costliest(all: readonly Used[]): readonly Used[] {
  return [...all].sort((one, other) => other.cost - one.cost || other.startedAt - one.startedAt).slice(0, COSTLIEST);
}

function sessionColumns(home: string): readonly Column<Used>[] {
  return [
    { id: "session", words: "Session", cell: (row) => <Name used={row} /> },
    { id: "folder", words: "Folder", mono: true, second: true, cell: (row) => <span class="use-path">{tilde(row.project, home)}</span> },
    { id: "started", words: "Started", wideOnly: true, cell: (row) => clock(row.startedAt) },
    { id: "worked", words: "Lasted", num: true, wideOnly: true, cell: (row) => (row.endedAt ? duration(row.endedAt - row.startedAt) : "") },
    { id: "cost", words: "Cost", num: true, cell: (row) => money(row.cost) },
  ];
}

function Name({ used }: { used: Used }) {
  const row = sessions.value.find((each) => each.id === used.id);
  const name = row?.name || used.name || `Session in ${baseName(used.project)}`;
  const inside = <><Mark state={row?.status ?? "ended"} word={STATE_WORDS[row?.status ?? "ended"]} />{name}</>;
  return row ? <Link class="use-name" href={`/session/${encodeURIComponent(used.id)}`}>{inside}</Link> : <span class="use-name">{inside}</span>;
}
