/** Small parts that many pages share: chips, tabs, tables, states of a list. */
import { useState } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";
import { Check, Copy } from "lucide-preact";
import { copy } from "../lib/copy";
import { announce } from "../lib/live";
import { Link } from "../lib/router";
import { Button, type Icon } from "./button";

/** A small fact beside a title: a folder, a branch. `mono` for what machines made. */
export function Chip({ children, mono, icon: Shown, tip }: { children: ComponentChildren; mono?: boolean; icon?: Icon; tip?: string }): JSX.Element {
  return (
    <span class="chip" data-tip={tip}>
      {Shown && <Shown size={14} strokeWidth={1.75} aria-hidden="true" />}
      {mono ? <span class="m">{children}</span> : children}
    </span>
  );
}

/** One tab: where it leads, or what it does. */
export interface Tab {
  id: string;
  words: ComponentChildren;
  count?: number | string | undefined;
  href?: string;
  /** "replace" unless told otherwise: switching a view is no new page. */
  how?: "push" | "replace";
  run?: () => void;
}

/** A row of tabs; `also` is a second one that is chosen, where two are shown side by side. Links when they have addresses, so that a middle click opens one beside. */
export function Tabs({ tabs, chosen, also, label, class: more }: { tabs: readonly Tab[]; chosen: string | null; also?: string | null; label: string; class?: string }): JSX.Element {
  const move = (event: JSX.TargetedKeyboardEvent<HTMLElement>): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>("a,button")];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + step + all.length) % all.length]?.focus();
    event.preventDefault();
  };
  return (
    <nav class={`tabs${more ? ` ${more}` : ""}`} aria-label={label} onKeyDown={move}>
      {tabs.map((tab) => {
        const on = tab.id === chosen || (also != null && tab.id === also);
        const inside = (
          <>
            {tab.words}
            {tab.count !== undefined && tab.count !== 0 && <span class="tab-n">{tab.count}</span>}
          </>
        );
        return tab.href !== undefined ? (
          <Link key={tab.id} class={`tab${on ? " on" : ""}`} href={tab.href} how={tab.how ?? "replace"} aria-current={on ? "page" : undefined}>{inside}</Link>
        ) : (
          <button key={tab.id} type="button" class={`tab${on ? " on" : ""}`} aria-pressed={on} onClick={tab.run}>{inside}</button>
        );
      })}
    </nav>
  );
}

/** Nothing is here: one bold line, one sentence, one button. */
export function Empty({ title, text, action, plain }: { title: string; text?: ComponentChildren; action?: ComponentChildren; plain?: boolean }): JSX.Element {
  return (
    <div class={`empty${plain ? " empty-plain" : ""}`}>
      <b>{title}</b>
      {text && <p>{text}</p>}
      {action}
    </div>
  );
}

/** Answer what an error says, in its own words. */
export function errorWords(error: unknown): string {
  if (error instanceof Error && error.message) return error.message;
  return typeof error === "string" && error ? error : "It did not work, and the relay did not say why.";
}

/** A part did not load: what happened, and Try again. */
export function ErrorState({ error, retry, title = "This did not load." }: { error: unknown; retry?: (() => void) | undefined; title?: string }): JSX.Element {
  return (
    <div class="empty empty-bad" role="alert">
      <b>{title}</b>
      <p>{errorWords(error)}</p>
      {retry && <Button small onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Grey rows in place of those that load; they show after 200 ms. `height` in px per row. */
export function Skeleton({ rows = 3, height = 32 }: { rows?: number; height?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <div key={at} class="skeleton-row" style={{ height: `${height}px` }}><i /></div>
      ))}
    </div>
  );
}

/** One column of a Table. */
export interface Column<Row> {
  id: string;
  words: ComponentChildren;
  /** Numbers stand at the right, with figures of equal width. */
  num?: boolean;
  mono?: boolean;
  /** On a phone it goes to the second line of the row (the rest stays in the first). */
  second?: boolean;
  /** Not on a phone. */
  wideOnly?: boolean;
  cell: (row: Row) => ComponentChildren;
}

/** A table with hairlines; on a phone its rows have two lines. */
export function Table<Row>({ columns, rows, keyOf, caption }: { columns: readonly Column<Row>[]; rows: readonly Row[]; keyOf: (row: Row) => string; caption: string }): JSX.Element {
  const name = (column: Column<Row>): string =>
    [column.num && "num", column.mono && "m", column.second && "second", column.wideOnly && "wide-only"].filter(Boolean).join(" ");
  return (
    <table class="table">
      <caption class="hide">{caption}</caption>
      <thead><tr>{columns.map((column) => <th key={column.id} scope="col" class={name(column)}>{column.words}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>{columns.map((column) => <td key={column.id} class={name(column)}>{column.cell(row)}</td>)}</tr>
        ))}
      </tbody>
    </table>
  );
}

/** A button that copies and says so for two seconds. */
export function CopyButton({ value, words = "Copy", kind = "soft", tiny = true, onCopied }: {
  value: string | (() => string);
  words?: string;
  kind?: "soft" | "primary" | "plain" | "quiet";
  tiny?: boolean;
  onCopied?: () => void;
}): JSX.Element {
  const [state, set] = useState<"" | "done" | "failed">("");
  const run = async (): Promise<void> => {
    const done = await copy(typeof value === "function" ? value() : value);
    set(done ? "done" : "failed");
    announce(done ? "Copied" : "The browser refused to copy");
    if (done) onCopied?.();
    setTimeout(() => set(""), 2000);
  };
  return (
    <Button tiny={tiny} small={!tiny} kind={kind} icon={state === "done" ? Check : Copy} onClick={() => void run()}>
      {state === "done" ? "Copied" : state === "failed" ? "Select it by hand" : words}
    </Button>
  );
}

/** A value in mono with Copy beside it. */
export function CopyField({ value, label, secret }: { value: string; label: string; secret?: boolean }): JSX.Element {
  return (
    <div class="copyfield">
      <code tabIndex={0} role="textbox" aria-readonly="true" aria-label={label} class={secret ? "copyfield-secret" : ""}>{value}</code>
      <CopyButton value={value} />
    </div>
  );
}
