/** ⌘K: open a session by name, or do something (brief 3, palette). The first row is chosen. */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { Search } from "lucide-preact";
import { commands, type Command } from "../lib/commands";
import { go } from "../lib/router";
import { width } from "../lib/media";
import { find, more } from "../state/sessions";
import type { SessionRow } from "../state/types";
import { Button, Dialog, Kbd, Keys, Mark } from "../ui";
import { paletteText } from "./palette-state";
import { highlight, rank } from "./rank";

/** At most so many rows of each group. */
const ROWS = 4;

/** The palette, while it is open. */
export function Palette(): JSX.Element | null {
  return paletteText.value === null ? null : <Open initial={paletteText.value} />;
}

type Row = { kind: "session"; session: SessionRow } | { kind: "command"; command: Command };

function close(): void {
  paletteText.value = null;
}

function run(row: Row, beside: boolean): void {
  close();
  if (row.kind === "command") row.command.run();
  else go(`/session/${encodeURIComponent(row.session.id)}${beside ? "?beside=overview" : ""}`);
}

function Open({ initial }: { initial: string }): JSX.Element {
  const [text, setText] = useState(initial);
  const [at, setAt] = useState(0);
  const only = text.startsWith(">");
  const words = (only ? text.slice(1) : text).trim();
  const found = only ? [] : find(words).slice(0, ROWS);
  const doable = rank(commands.value.filter((each) => each.when?.() ?? true), words, (each) => `${each.words} ${each.also ?? ""}`);
  const shown = doable.slice(0, only ? 12 : ROWS);
  const rows: Row[] = [
    ...found.map((session) => ({ kind: "session" as const, session })),
    ...shown.map((command) => ({ kind: "command" as const, command })),
  ];
  const chosen = Math.min(at, rows.length - 1);

  const keys = (event: JSX.TargetedKeyboardEvent<HTMLInputElement>): void => {
    const step = event.key === "ArrowDown" || (event.ctrlKey && event.key === "n") ? 1 : event.key === "ArrowUp" || (event.ctrlKey && event.key === "p") ? -1 : 0;
    if (step && rows.length > 0) {
      event.preventDefault();
      setAt((chosen + step + rows.length) % rows.length);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const row = rows[chosen];
      if (row) run(row, event.metaKey || event.ctrlKey);
    }
  };

  const option = (row: Row, index: number): JSX.Element => (
    <div
      key={index}
      id={`pal-${index}`}
      role="option"
      aria-selected={index === chosen}
      class={`pal-row${index === chosen ? " on" : ""}`}
      ref={index === chosen ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
      onPointerMove={() => setAt(index)}
      onClick={(event) => run(row, event.metaKey || event.ctrlKey)}
    >
      {row.kind === "session" ? <SessionLine row={row.session} words={words} /> : <CommandLine command={row.command} words={words} />}
      {index === chosen && <Kbd>↵</Kbd>}
    </div>
  );

  return (
    <Dialog title="Search and commands" bare full wide={600} top={96} class="pal" onClose={close}>
      <div class="pal-in">
        <Search size={16} strokeWidth={1.75} class="t3" aria-hidden="true" />
        <input
          autofocus
          role="combobox"
          aria-expanded="true"
          aria-controls="pal-list"
          aria-activedescendant={rows.length > 0 ? `pal-${chosen}` : undefined}
          aria-label="Search and commands"
          placeholder="Find a session or a command"
          value={text}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={keys}
        />
        {width.value === "phone" ? <Button small kind="quiet" onClick={close}>Cancel</Button> : <Kbd>Esc</Kbd>}
      </div>
      <div class="pal-list" id="pal-list" role="listbox" aria-label="Results">
        {found.length > 0 && <div role="group" aria-label="Sessions"><h3 aria-hidden="true">Sessions</h3>{rows.slice(0, found.length).map((row, index) => option(row, index))}</div>}
        {shown.length > 0 && <div role="group" aria-label="Do"><h3 aria-hidden="true">Do</h3>{rows.slice(found.length).map((row, index) => option(row, index + found.length))}</div>}
        {rows.length === 0 && <p class="pal-none">Nothing matches “{words}”. <Button tiny kind="soft" onClick={() => void more()}>Look in older sessions</Button></p>}
      </div>
      {width.value !== "phone" && (
        <footer class="pal-foot">
          <span><Kbd>↑</Kbd> <Kbd>↓</Kbd> choose</span>
          <span><Kbd>↵</Kbd> open</span>
          <span class="grow" />
          <span>Type <Kbd>&gt;</Kbd> for commands only</span>
        </footer>
      )}
    </Dialog>
  );
}

function SessionLine({ row, words }: { row: SessionRow; words: string }): JSX.Element {
  return (
    <>
      <Mark state={row.status} />
      <span class="grow cut">{highlight(row.name, words)}</span>
      <span class="meta cut pal-place"><span class="m">{row.folder}</span>{row.runnerName ? ` on ${row.runnerName}` : ""}</span>
    </>
  );
}

function CommandLine({ command, words }: { command: Command; words: string }): JSX.Element {
  return (
    <>
      {command.icon ? <command.icon size={16} strokeWidth={1.75} class="t2" aria-hidden="true" /> : <span class="mk" />}
      <span class="grow cut">{highlight(command.words, words)}</span>
      {command.group && <span class="meta">{command.group}</span>}
      {command.keys && <Keys keys={command.keys} />}
    </>
  );
}
