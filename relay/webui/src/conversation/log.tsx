/** The log: the rows that are in sight and a little more, the space of the others, and the way back to the end. */

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { wrapCode } from "../state/prefs";
import type { OpenSession } from "../state/types";
import { copy } from "../lib/copy";
import { announce } from "../lib/live";
import { LogRow } from "./log-row";
import { LogState } from "./log-state";
import { Pill } from "./pill";
import { FullPicture } from "./picture";
import { gapAbove } from "./rows";
import { useLogKeys } from "./use-log-keys";
import { useRows } from "./use-rows";
import { Viewport } from "./viewport";

/** Draw the transcript of a session. Give it `key={session.id}`. */
export function Log({ session }: { session: OpenSession }): JSX.Element {
  const view = useMemo(() => new Viewport(), []);
  const state = useMemo(() => new LogState(session, view), [session, view]);
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const rows = useRows(session);
  const version = state.version.value;
  // Read so that other rows are drawn when the person scrolled far enough.
  void view.turn.value;
  const hasOlder = session.hasOlder.value;
  // Its place is in the space above the rows: the list itself never moves.
  view.lead = hasOlder ? 30 : 0;
  const { from, to } = view.window(rows);
  useOlder(session, view);
  useSendingFollows(session, view);
  useLogKeys(view, rows, box);

  useLayoutEffect(() => (box.current && list.current ? view.attach(box.current, list.current) : undefined), [view]);
  useLayoutEffect(() => view.settle());

  const drawn = [];
  for (let at = from; at < to; at += 1) {
    const row = rows[at];
    if (!row) continue;
    const before = rows[at - 1];
    const gap = gapAbove(before, before !== undefined && state.showing(before, true) !== "line", row);
    drawn.push(
      <LogRow
        key={row.key}
        row={row}
        gap={gap}
        first={at === 0 && !hasOlder}
        last={at === rows.length - 1}
        showing={state.showing(row, at < rows.length - 1)}
        version={version}
        state={state}
      />,
    );
  }
  return (
    <div class="log">
      <div ref={box} class="log-scroll" role="log" aria-live="off" aria-label="Conversation" tabIndex={0} onClick={(event) => act(event, view)} onKeyDown={(event) => home(event, view)}>
        <div class="log-in">
          <div ref={list} class="log-list">
            {hasOlder && from === 0 && <p class="log-older meta">Loading earlier messages…</p>}
            <div class="log-space" style={{ height: `${view.lead + view.heights.offset(from)}px` }} />
            {drawn}
            <div class="log-space" style={{ height: `${view.heights.total - view.heights.offset(to)}px` }} />
          </div>
        </div>
      </div>
      <Pill view={view} rows={rows} waiting={session.meta.value.pending !== null} />
      <FullPicture state={state} />
    </div>
  );
}

/** Ask for the page before when its place comes near; one at a time. */
function useOlder(session: OpenSession, view: Viewport): void {
  const asked = useRef(false);
  useEffect(() => {
    view.onNearTop = () => {
      if (asked.current || !session.hasOlder.peek() || session.phase.peek() === "loading") return;
      asked.current = true;
      session.older().then(
        () => { asked.current = false; },
        // Offline, or the agent is away: asked for again with the next scrolling after a moment.
        () => { setTimeout(() => { asked.current = false; }, 2_000); },
      );
    };
  }, [session, view]);
}

/** Whoever sends wants to see what comes of it. */
function useSendingFollows(session: OpenSession, view: Viewport): void {
  const seen = useRef<string | null>(null);
  const last = session.open.value.findLast((block) => block.kind === "you" && block.delivery === "sending");
  useLayoutEffect(() => {
    if (last && last.key !== seen.current) {
      seen.current = last.key;
      view.toEnd();
    }
  }, [last?.key]);
}

/** To the beginning at once: the browser would glide there, and rows that are measured on the way would stop it. */
function home(event: JSX.TargetedKeyboardEvent<HTMLElement>, view: Viewport): void {
  if (event.key !== "Home" || event.target !== event.currentTarget || event.defaultPrevented) return;
  event.preventDefault();
  view.nudge(-Infinity);
}

/** What the buttons inside Markdown do. */
function act(event: JSX.TargetedMouseEvent<HTMLElement>, view: Viewport): void {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-act]") : null;
  if (!button) return;
  if (button.dataset["act"] === "wrap") {
    view.hold(button);
    wrapCode.value = !wrapCode.peek();
    return;
  }
  const text = button.closest(".log-code")?.querySelector("code")?.textContent ?? "";
  void copy(text).then((done) => {
    button.textContent = done ? "Copied" : "Select it by hand";
    announce(done ? "Copied" : "The browser refused to copy");
    setTimeout(() => { button.textContent = "Copy"; }, 2_000);
  });
}
