/** The shells of a session (brief 3, Terminal): tabs, one screen, and on a phone a row of keys. */
import { ChevronDown, Plus, X } from "lucide-preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { baseName } from "../../../lib/format";
import { touch, width } from "../../../lib/media";
import { go, path } from "../../../lib/router";
import { runner as runnerOf } from "../../../state/runners";
import { session as rowOf } from "../../../state/sessions";
import type { OpenSession } from "../../../state/types";
import { Button, confirm, Empty, ErrorState, errorWords, IconButton, MenuButton, type MenuItem, Skeleton, toast } from "../../../ui";
import { KeyRow } from "./key-row";
import { type Listed, type ShellList, shellList } from "./list";
import { attachedShell, leaveShell, type Shell, shellOf } from "./shell";
import "./terminal.css";

/** The view; `params.rest` is the id of the terminal in the address. */
export default function TerminalView({ session, params }: { session: OpenSession; params: Record<string, string> }) {
  const row = rowOf(session.id).value;
  const runner = runnerOf(row?.runnerId);
  const name = runner?.name ?? row?.runnerName ?? "The runner";
  if (!row) return <div class="term-empty"><Skeleton rows={3} /></div>;
  if (!runner?.connected) {
    return <div class="term-empty"><Empty title={`${name} is not connected.`} text="Its terminals show up here when it is back." /></div>;
  }
  return <Shells key={`${runner.id} ${row.cwd}`} session={session} list={shellList(session.id, runner.id, row.cwd)} wished={params.rest ?? ""} />;
}

function Shells({ session, list, wished }: { session: OpenSession; list: ShellList; wished: string }) {
  const [picked, pick] = useState(wished);
  const [busy, setBusy] = useState(false);
  useEffect(() => void list.refresh(), [list]);
  useEffect(() => {
    if (wished) pick(wished);
  }, [wished]);
  const all = list.all.value;
  const tabs = useMemo(() => list.tabs.value.flatMap((id) => all.find((entry) => entry.id === id) ?? []), [all, list.tabs.value]);
  const loose = all.filter((entry) => !list.tabs.value.includes(entry.id) && !entry.exited);
  const chosen = tabs.find((entry) => entry.id === picked) ?? tabs[0];

  const show = (id: string): void => {
    pick(id);
    const base = `/session/${encodeURIComponent(session.id)}/terminal`;
    if (path.peek().startsWith(base)) go(`${base}/${encodeURIComponent(id)}${location.search}`, "replace");
  };
  const attach = (id: string): void => {
    if (!list.tabs.peek().includes(id)) list.tabs.value = [...list.tabs.peek(), id];
    show(id);
  };
  const open = async (): Promise<void> => {
    setBusy(true);
    try {
      show(await list.open());
    } catch (error) {
      toast({ words: errorWords(error), kind: "error" });
    }
    setBusy(false);
  };
  const leave = (id: string): void => {
    leaveShell(id);
    const rest = list.tabs.peek().filter((other) => other !== id);
    list.tabs.value = rest;
    void list.refresh();
    if (rest[0] && id === chosen?.id) show(rest[0]);
  };
  const end = async (id: string): Promise<void> => {
    const shell = attachedShell(id);
    const phase = shell?.state.peek().phase;
    if (phase === "running") {
      const yes = await confirm({ title: "Close this terminal?", text: "The shell ends, and so does what runs in it.", action: "Close terminal", danger: true });
      if (!yes) return;
      shell?.kill();
    }
    list.drop(id);
    leave(id);
  };
  const again = async (id: string): Promise<void> => {
    await open();
    leaveShell(id);
    list.drop(id);
  };

  if (list.state.value === "loading") return <div class="term-empty"><Skeleton rows={3} /></div>;
  if (list.state.value === "failed") {
    return <div class="term-empty"><ErrorState error={list.error.value} title="The terminals did not load." retry={() => void list.refresh()} /></div>;
  }
  if (!chosen && loose.length === 0) {
    return (
      <div class="term-empty">
        <Empty title="No terminal is open here." text="A terminal runs on the runner and goes on when you close this page." action={<Button kind="primary" icon={Plus} busy={busy} onClick={() => void open()}>Open a terminal</Button>} />
      </div>
    );
  }
  const named = names(all);
  return (
    <section class="term" aria-label="Terminal">
      {width.value === "phone" ? (
        <PhoneBar chosen={chosen} tabs={tabs} loose={loose} names={named} busy={busy} onShow={show} onAttach={attach} onOpen={() => void open()} onEnd={(id) => void end(id)} />
      ) : (
        <Bar chosen={chosen} tabs={tabs} loose={loose} names={named} busy={busy} onShow={show} onAttach={attach} onOpen={() => void open()} onLeave={leave} onEnd={(id) => void end(id)} />
      )}
      {chosen ? <Screen key={chosen.id} id={chosen.id} onAgain={() => void again(chosen.id)} /> : <div class="term-empty"><Empty plain title="No terminal is attached." text="Attach one that runs, or open a new one." action={
        <div class="row wrap">
          {loose.map((entry) => <Button key={entry.id} onClick={() => attach(entry.id)}>{`Attach ${named.get(entry.id) ?? ""}`}</Button>)}
          <Button kind="quiet" icon={Plus} busy={busy} onClick={() => void open()}>Open a terminal</Button>
        </div>
      } /></div>}
    </section>
  );
}

interface BarProps {
  chosen: Listed | undefined;
  tabs: readonly Listed[];
  loose: readonly Listed[];
  names: ReadonlyMap<string, string>;
  busy: boolean;
  onShow: (id: string) => void;
  onAttach: (id: string) => void;
  onOpen: () => void;
  onLeave: (id: string) => void;
  onEnd: (id: string) => void;
}

function Bar({ chosen, tabs, loose, names: named, busy, onShow, onAttach, onOpen, onLeave, onEnd }: BarProps) {
  const state = chosen && shellOf(chosen.id).state.value;
  return (
    <div class="term-bar">
      <div class="term-tabs" role="tablist" aria-label="Terminals">
        {tabs.map((entry) => (
          <span key={entry.id} class={`term-tab${entry.id === chosen?.id ? " on" : ""}`} role="presentation">
            <button type="button" role="tab" aria-selected={entry.id === chosen?.id} onClick={() => onShow(entry.id)}>
              <TabWords id={entry.id} name={named.get(entry.id) ?? ""} />
            </button>
            {entry.id !== chosen?.id && <IconButton small class="term-x" label={`Leave ${named.get(entry.id) ?? "it"} running`} icon={X} onClick={() => onLeave(entry.id)} />}
          </span>
        ))}
      </div>
      {loose.map((entry) => (
        <button type="button" key={entry.id} class="term-tab term-loose" onClick={() => onAttach(entry.id)}>
          <span class="cut">{named.get(entry.id)}</span> <b>Attach</b>
        </button>
      ))}
      <IconButton small label="New terminal" icon={Plus} disabled={busy} onClick={onOpen} />
      <span class="grow" />
      {state && state.cols > 0 && <span class="meta num">{`${state.cols} × ${state.rows}`}</span>}
      {chosen && <IconButton small label="Close terminal" icon={X} onClick={() => onEnd(chosen.id)} />}
    </div>
  );
}

/** The program that a shell calls itself after, if it is one word. */
function program(id: string): string {
  const title = attachedShell(id)?.state.value.title ?? "";
  return /^[\w.-]{1,16}$/.test(title) ? title : "shell";
}

function TabWords({ id, name }: { id: string; name: string }) {
  return <><span class="m">{program(id)}</span> <span class="cut">{name}</span></>;
}

function PhoneBar({ chosen, tabs, loose, names: named, busy, onShow, onAttach, onOpen, onEnd }: Omit<BarProps, "onLeave">) {
  const items: (MenuItem | null)[] = [
    ...tabs.map((entry): MenuItem => ({ words: named.get(entry.id) ?? "shell", on: entry.id === chosen?.id, run: () => onShow(entry.id) })),
    ...loose.map((entry): MenuItem => ({ words: named.get(entry.id) ?? "shell", note: "Attach", run: () => onAttach(entry.id) })),
    ...(chosen ? [null, { words: "Close terminal…", icon: X, danger: true, run: () => onEnd(chosen.id) } satisfies MenuItem] : []),
  ];
  const total = tabs.length + loose.length;
  return (
    <div class="term-phonebar">
      <MenuButton kind="soft" small label={chosen ? `${program(chosen.id)} ${named.get(chosen.id) ?? ""}, other terminals` : "Terminals"} items={items} after={ChevronDown}>
        {chosen ? <TabWords id={chosen.id} name={named.get(chosen.id) ?? ""} /> : "Terminals"}
      </MenuButton>
      <span class="meta">{`${total} ${total === 1 ? "shell" : "shells"}`}</span>
      <span class="grow" />
      <IconButton label="New terminal" icon={Plus} disabled={busy} onClick={onOpen} />
    </div>
  );
}

function Screen({ id, onAgain }: { id: string; onAgain: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const shell = shellOf(id);
  const { phase, exitCode, error, online } = shell.state.value;
  useLayoutEffect(() => {
    if (!box.current) return undefined;
    const hide = shell.show(box.current);
    if (!touch.peek()) shell.focus();
    return hide;
  }, [shell]);
  const over = phase === "ended" || phase === "lost";
  return (
    <>
      <div class="term-box" ref={box} {...pinch(shell)} />
      {over && (
        <div class="term-over" role="status">
          <span>{phase === "ended" ? `The shell ended (exit ${exitCode ?? 0}).` : (error || "The runner went away, and the shell with it.")}</span>
          <Button small onClick={onAgain}>Start again</Button>
        </div>
      )}
      {!over && !online && phase !== "starting" && <div class="term-over" role="status">Reconnecting. The shell goes on meanwhile.</div>}
      {touch.value && !over && <KeyRow shell={shell} />}
    </>
  );
}

function pinch(shell: Shell) {
  let from: { distance: number; size: number } | null = null;
  const distance = (event: TouchEvent): number => {
    const [one, two] = [event.touches[0], event.touches[1]];
    return one && two ? Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY) : 0;
  };
  return {
    onTouchStart: (event: TouchEvent) => {
      if (event.touches.length === 2) from = { distance: distance(event), size: shell.fontSize };
    },
    onTouchMove: (event: TouchEvent) => {
      if (!from || event.touches.length !== 2 || from.distance === 0) return;
      event.preventDefault();
      shell.zoom(from.size * (distance(event) / from.distance));
    },
    onTouchEnd: () => {
      from = null;
    },
  };
}

/** Name shells after their folder, numbered where several have one. */
function names(all: readonly Listed[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    all.map((entry) => {
      const folder = baseName(entry.cwd) || "shell";
      const count = (counts.get(folder) ?? 0) + 1;
      counts.set(folder, count);
      return [entry.id, count > 1 ? `${folder} ${count}` : folder];
    }),
  );
}
