/** One row of the log: what it shows, hung on the wire with its mark. */

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { clock, now } from "../lib/format";
import { Mark, type MarkState } from "../ui";
import type { LogState, Showing } from "./log-state";
import { memo } from "./memo";
import type { EndBlock, Row, Shown } from "./rows";
import { AnswerRow, NoteRow, NoticeRow, ThinkingRow } from "./say-row";
import { RunRow, ToolRow, toolMark } from "./tool-row";
import { TriggerRow } from "./trigger-row";
import { YouRow } from "./you-row";
import { runWords } from "./rows";

/** Props of LogRow. `version` rises when something in the row opens that the row does not know of. */
export interface LogRowProps {
  readonly row: Row;
  readonly gap: number;
  readonly first: boolean;
  readonly last: boolean;
  readonly showing: Showing;
  readonly version: number;
  readonly state: LogState;
}

/** Draw a row. */
export const LogRow = memo(function LogRow({ row, gap, first, last, showing, state }: LogRowProps): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const { shown } = row;
  useLayoutEffect(() => {
    state.view.element(row.key, box.current);
    return () => state.view.element(row.key, null);
  }, [row.key, state]);
  const mark = markOf(shown);
  return (
    <article ref={box} class={`log-row log-gap-${gap}${first ? " log-first" : ""}${last ? " log-last" : ""} log-is-${shown.kind}${wireOf(shown)}`}>
      <div class="log-blk">
        {mark && <Mark state={mark} />}
        <Content shown={shown} row={row} last={last} showing={showing} state={state} />
      </div>
    </article>
  );
});

function Content({ shown, last, showing, state }: { shown: Shown; row: Row; last: boolean; showing: Showing; state: LogState }): JSX.Element {
  switch (shown.kind) {
    case "you":
      return <YouRow you={shown} state={state} />;
    case "answer":
      return <AnswerRow answer={shown} last={last} state={state} />;
    case "thinking":
      return <ThinkingRow thought={shown} open={showing === "all"} state={state} />;
    case "tool":
      return <ToolRow tool={shown} showing={showing} state={state} />;
    case "run":
      return <RunRow run={shown} open={showing === "all"} state={state} />;
    case "notice":
      return <NoticeRow notice={shown} open={showing === "all"} state={state} />;
    case "trigger":
      return <TriggerRow trigger={shown} state={state} />;
    case "note":
      return <NoteRow note={shown} state={state} />;
    case "end":
      return <EndLine end={shown} />;
  }
}

function markOf(shown: Shown): MarkState | null {
  switch (shown.kind) {
    case "you":
      return shown.delivery === "sending" ? "sending" : shown.delivery === "failed" ? "failed" : "you";
    case "answer":
      return shown.open ? "working" : null;
    case "thinking":
      return shown.open ? "working" : "thought";
    case "tool":
      return toolMark(shown);
    case "run":
      return runWords(shown.tools).running ? "working" : "tool";
    case "trigger":
      return "you";
    case "note":
      return "tool";
    case "notice":
      return null;
    case "end":
      return END_MARKS[shown.what];
  }
}

const END_MARKS = { waiting: "waiting", away: "offline", now: "working", retry: "working" } as const;

/** What the wire does beside a row: a gap where an answer was stopped, dashes while the connection is away. */
function wireOf(shown: Shown): string {
  if (shown.kind === "answer" && shown.cut && shown.cut !== "error") return " log-wire-cut";
  return shown.kind === "end" && shown.what === "away" ? " log-wire-dash" : "";
}

function EndLine({ end }: { end: EndBlock }): JSX.Element {
  if (end.what === "waiting") {
    return (
      <div class="log-line log-waiting">
        {end.words}
        {end.since !== undefined && <span class="log-since">{`since ${clock(end.since, now.peek())}`}</span>}
      </div>
    );
  }
  return <div class="log-line t2">{end.words}</div>;
}
