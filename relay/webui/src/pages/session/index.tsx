/** One session: the conversation, and beside it, over it or in its place one of the other views (brief 2 and 3). */

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { Dock, DropZone, type OwnCommand, compact, focusComposer, reachable, stopAgent } from "../../composer";
import Conversation from "../../conversation";
import { type PageProps } from "../../lib/lazy";
import { width } from "../../lib/media";
import { go, onBack, query } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { askEnd } from "../../sidebar/session-actions";
import { askName } from "../../sidebar/rename";
import { openSession } from "../../state/session";
import { session as rowOf, rename, setCurrent } from "../../state/sessions";
import type { OpenSession, SessionRow } from "../../state/types";
import { ErrorState, type Tab } from "../../ui";
import { ForkDialog } from "./fork-dialog";
import { useGitSummary } from "./git-summary";
import { Gone } from "./gone";
import { Header, type HeaderProps, PhoneHeader, ViewBar } from "./header";
import { LiveLine } from "./live-line";
import { exportSession, sessionMenu } from "./menu";
import { Panel } from "./panel";
import { standing } from "./standing";
import { shellList } from "./terminal/list";
import { useSessionKeys } from "./use-session-keys";
import { useSpoken } from "./use-spoken";
import { type Layout, type ViewProps, VIEWS, addressOf, layoutOf, viewComponent } from "./views";
import "./session.css";

/** The page of every address below /session. */
export default function SessionPage({ params }: PageProps): JSX.Element {
  const id = params["id"] ?? "";
  return <SessionFrame key={id} id={id} params={params} />;
}

function SessionFrame({ id, params }: { id: string; params: Record<string, string> }): JSX.Element {
  const session = useMemo(() => openSession(id), [id]);
  // Before the first paint: a page that is left within a frame never runs its later effects, and was opened all the same.
  useLayoutEffect(() => {
    setCurrent(id);
    return () => {
      setCurrent(null);
      session.close();
    };
  }, [session]);
  const phase = session.phase.value;
  const row = rowOf(id).value;
  useTitle(phase === "gone" ? "Not here" : nameOf(session, row));
  if (phase === "gone") return <Gone />;
  return <SessionViews session={session} row={row} params={params} />;
}

/** Answer the name of a session on screen; never its id. */
function nameOf(session: OpenSession, row: SessionRow | undefined): string {
  return row?.name || session.meta.value.name || "Session";
}

interface ViewsProps {
  session: OpenSession;
  row: SessionRow | undefined;
  params: Record<string, string>;
}

function SessionViews({ session, row, params }: ViewsProps): JSX.Element {
  const layout = layoutOf(params["view"], query.value);
  const [forking, setForking] = useState(false);
  const size = width.value;
  const name = nameOf(session, row);
  const status = standing(session, row);
  const cwd = session.meta.value.cwd || row?.cwd || "";
  const git = useGitSummary(session, cwd, [layout.view, layout.beside].includes("overview"));
  const shells = useShellCount(session, row);
  const stop = (): void => stopAgent(session);
  const show = (next: Partial<Layout> & { view: string }): void => go(addressOf(session.id, next), "replace");
  const beside = size === "desktop" && layout.view !== "conversation" && !layout.wide;
  useBackCloses(beside, () => show({ view: "conversation" }));
  const commands = useOwnCommands(session, () => setForking(true));
  useKeys({ session, row, layout, name, stop, fork: () => setForking(true) });
  useSpoken(session);

  const tabs = (list: readonly string[]): Tab[] =>
    VIEWS.filter((view) => list.includes(view.id)).map((view) => ({
      id: view.id,
      words: view.words,
      count: view.id === "changes" ? git.files.length : view.id === "terminal" ? shells : undefined,
      href: addressOf(session.id, { view: view.id, wide: layout.wide && size === "desktop" }),
    }));
  const every = VIEWS.map((view) => view.id);
  const others = every.filter((view) => view !== "conversation");
  const toggleWide = size === "desktop" && layout.view !== "conversation" ? () => show({ view: layout.view, wide: !layout.wide }) : undefined;
  const head: HeaderProps = {
    session,
    row,
    status,
    name,
    branch: git.branch,
    layout,
    tabs: tabs(layout.wide ? every : others),
    menu: () => sessionMenu(session, row, name, { fork: () => setForking(true), toggleWide, wide: layout.wide }),
    onStop: stop,
    onSplit: size === "desktop" && layout.wide ? () => show(split(layout, others)) : undefined,
    conversation: addressOf(session.id, { view: "conversation" }),
    answer: answerAddress(session, layout),
  };
  const conversation = <Talk key="talk" session={session} row={row} commands={commands} />;
  const apart = (size === "desktop" ? layout.wide : layout.view !== "conversation") && layout.view !== "conversation";
  const plan = row?.plan ? `Plan ${row.plan.done} of ${row.plan.total}` : "";
  return (
    <div class="ses">
      <div class="ses-main">
        {size === "phone" ? <PhoneHeader {...head} /> : <Header {...head} withTabs={size === "desktop" && !beside} chips={apart && size === "desktop" ? "folder" : "all"} />}
        {size !== "desktop" && <ViewBar tabs={tabs(every)} chosen={layout.view} plan={size === "tablet" ? plan : ""} />}
        {apart ? <Views session={session} params={params} git={git} layout={size === "desktop" ? layout : { ...layout, beside: null }} /> : conversation}
        {apart && size !== "phone" && <LiveLine session={session} row={row} status={status} onStop={stop} conversation={head.conversation} answer={head.answer} />}
      </div>
      {beside && (
        <Panel tabs={tabs(others)} chosen={layout.view} onClose={() => show({ view: "conversation" })} onWide={() => show({ view: layout.view, wide: true })}>
          <OneView session={session} params={params} git={git} view={layout.view} />
        </Panel>
      )}
      {forking && <ForkDialog session={session} onClose={() => setForking(false)} />}
    </div>
  );
}

/** The conversation with its dock; files may be dropped anywhere on it. */
function Talk({ session, row, commands }: { session: OpenSession; row: SessionRow | undefined; commands: readonly OwnCommand[] }): JSX.Element {
  const phase = session.phase.value;
  return (
    <DropZone session={session} off={phase === "ended" || !reachable(session, row)}>
      {phase === "failed" ? (
        <div class="ses-failed"><ErrorState title="The conversation did not load." error={session.reason.value} retry={() => session.reload()} /></div>
      ) : (
        <Conversation session={session} />
      )}
      <Dock session={session} row={row} commands={commands} />
    </DropZone>
  );
}

/** One view over the conversation, or two side by side. */
function Views({ layout, ...shared }: ViewProps & { layout: Layout }): JSX.Element {
  return (
    <div class={`ses-views${layout.beside ? " two" : ""}`}>
      <div class="ses-view"><OneView {...shared} view={layout.view} /></div>
      {layout.beside && <div class="ses-view"><OneView {...shared} params={{ ...shared.params, view: layout.beside, rest: "" }} view={layout.beside} /></div>}
    </div>
  );
}

function OneView({ view, ...shared }: ViewProps & { view: string }): JSX.Element | null {
  const Shown = viewComponent(view);
  return Shown ? <Shown key={view} {...shared} /> : null;
}

/** Answer where what waits is answered: trust in the overview, everything else in the conversation. */
function answerAddress(session: OpenSession, layout: Layout): string | undefined {
  const view = session.meta.value.pending?.kind === "trust" ? "overview" : "conversation";
  return view === layout.view || view === layout.beside ? undefined : addressOf(session.id, { view });
}

/** Put a second view at the side, the terminal first, or take it away. */
function split(layout: Layout, others: readonly string[]): Partial<Layout> & { view: string } {
  if (layout.beside) return { view: layout.view, wide: true };
  const partner = ["terminal", "files", "changes", "overview"].find((view) => view !== layout.view && others.includes(view));
  return partner ? { view: layout.view, beside: partner } : { view: layout.view, wide: true };
}

/** Back closes the panel before it leaves the session. */
function useBackCloses(open: boolean, close: () => void): void {
  useEffect(() => {
    if (!open) return undefined;
    return onBack(() => {
      // The router goes forward again first; only then is it this page's entry that is replaced.
      window.addEventListener("popstate", close, { once: true });
      return true;
    });
  }, [open]);
}

/** How many shells the relay lists for the session; asked for once it is on screen, and kept in step by the terminal view. */
function useShellCount(session: OpenSession, row: SessionRow | undefined): number {
  const runner = row?.runnerId ?? null;
  const cwd = row?.cwd ?? "";
  const live = session.phase.value === "live";
  const list = useMemo(() => (runner && live ? shellList(session.id, runner, cwd) : null), [session, runner, cwd, live]);
  useEffect(() => {
    void list?.refresh();
  }, [list]);
  return list?.all.value.filter((shell) => !shell.exited).length ?? 0;
}

function useOwnCommands(session: OpenSession, fork: () => void): readonly OwnCommand[] {
  return useMemo(() => {
    const make = (name: string, description: string, argumentHint: string, run: OwnCommand["run"]): OwnCommand => ({ name, description, argumentHint, source: "relay", completions: [], run });
    return [
      make("rename", "Name this session", "new name", (rest) => {
        const row = rowOf(session.id).peek();
        if (rest !== "") return rename(session.id, rest);
        if (row) askName(row);
        return undefined;
      }),
      make("fork", "Go back to an earlier message", "", fork),
      make("export", "Save the conversation as Markdown", "", () => exportSession(session, rowOf(session.id).peek()?.name ?? "Session")),
    ];
  }, [session]);
}

interface KeysProps {
  session: OpenSession;
  row: SessionRow | undefined;
  layout: Layout;
  name: string;
  stop: () => void;
  fork: () => void;
}

function useKeys({ session, row, layout, name, stop, fork }: KeysProps): void {
  const show = (view: string): void => go(addressOf(session.id, { view, wide: layout.wide }), "replace");
  useSessionKeys({
    show,
    stop,
    working: () => session.meta.peek().active || session.meta.peek().pending !== null,
    toComposer: () => {
      const line = document.querySelector<HTMLElement>(".cmp-field,.cmp-field-line,.ask");
      if (line) {
        line.focus();
        return;
      }
      go(addressOf(session.id, { view: "conversation" }), "replace");
      requestAnimationFrame(focusComposer);
    },
    terminal: () => show(layout.view === "terminal" ? "conversation" : "terminal"),
    panel: () => show(layout.view === "conversation" ? "overview" : "conversation"),
    fork,
    exportIt: () => void exportSession(session, name),
    rename: () => row && askName(row),
    end: () => row && void askEnd(row),
    compact: () => compact(session),
  });
}
