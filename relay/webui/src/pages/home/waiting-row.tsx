/** A session that waits for a person, answered right here: one button per choice (brief 3, Sessions). */
import { ChevronRight } from "lucide-preact";
import { useState } from "preact/hooks";
import { ago, now, plural } from "../../lib/format";
import { width } from "../../lib/media";
import { go, Link } from "../../lib/router";
import type { SessionRow } from "../../state/types";
import { sessionItems } from "../../sidebar/session-actions";
import { Button, errorWords, Mark, Menu, TextInput, toast } from "../../ui";
import { allow, answer, refuse, start } from "./answers";
import { Place } from "./row";
import { SwipeActions, useSwipe } from "./swipe";

/** Draw the amber row: name, question, and a button for each of up to four choices. */
export function WaitingRow({ row }: { row: SessionRow }) {
  const [menu, setMenu] = useState<{ x: number; y: number } | null>(null);
  const swipe = useSwipe(row, (at) => setMenu(at));
  const href = `/session/${encodeURIComponent(row.id)}`;
  return (
    <li class="home-item">
      <SwipeActions row={row} open={swipe.open} onDone={swipe.close} />
      <article class="home-need" aria-label={row.name} {...swipe.handlers} style={swipe.shift ? { transform: `translateX(${swipe.shift}px)` } : undefined}>
        <div class="home-row">
          <Mark state="waiting" word="Waiting for you" />
          <div class="home-name"><Link class="home-link" href={href} data-row="">{row.name}</Link></div>
          <span class="home-plan" />
          <Place row={row} />
          <span class="home-when">{ago(row.pendingSince ?? row.changedAt, now.value)}</span>
        </div>
        <p class="home-ask">{asked(row)}</p>
        {width.value !== "phone" && <Answers row={row} href={href} />}
      </article>
      {menu && <Menu items={sessionItems(row)} anchor={menu} label={row.name} onClose={() => setMenu(null)} />}
    </li>
  );
}

function asked(row: SessionRow): string {
  const pending = row.pending;
  switch (pending?.kind) {
    case "question": {
      const more = pending.asks.length - 1;
      return `${pending.asks[0]?.question ?? ""}${more > 0 ? ` (and ${plural(more, "more question")})` : ""}`;
    }
    case "plan":
      return pending.steps.length > 0 ? `A plan is ready: ${plural(pending.steps.length, "step")}.` : "A plan is ready to review.";
    case "approval":
      return pending.title || pending.message;
    case "trust":
      return `Trust ${pending.plugins.map((plugin) => plugin.name).join(", ") || "the plugins of this folder"}?`;
    default:
      return row.doing;
  }
}

function Answers({ row, href }: { row: SessionRow; href: string }) {
  const [busy, setBusy] = useState("");
  const [own, setOwn] = useState<string | null>(null);
  const pending = row.pending;
  const send = (name: string, what: () => Promise<void>) => (): void => {
    setBusy(name);
    what().catch((error: unknown) => {
      setBusy("");
      toast({ words: errorWords(error), kind: "error" });
    });
  };
  const button = (name: string, what: () => Promise<void>) => (
    <Button small key={name} class="home-choice" busy={busy === name} disabled={busy !== ""} onClick={send(name, what)}>{name}</Button>
  );
  const buttons = [];
  if (pending?.kind === "question" && pending.asks.length === 1 && pending.asks[0]) {
    const [ask] = pending.asks;
    const few = ask.options.length <= 4 && ask.type === "radio";
    if (few) {
      for (const option of ask.options) buttons.push(button(option, () => answer(row.id, pending, option)));
      buttons.push(
        <Button small kind="quiet" key="own" disabled={busy !== ""} onClick={() => setOwn("")}>Write an answer…</Button>,
      );
    } else buttons.push(<Button small key="answer" class="home-choice" onClick={() => go(href)}>Answer…</Button>);
    if (own !== null) {
      const say = send("own", () => answer(row.id, pending, own.trim()));
      return (
        <form class="home-answers" onSubmit={(event) => { event.preventDefault(); if (own.trim()) say(); }}>
          <TextInput small class="home-own" value={own} autofocus aria-label={`Your answer: ${ask.question}`} placeholder="Write your own answer…" onChange={setOwn} onKeyDown={(event) => { if (event.key === "Escape") setOwn(null); }} />
          <Button small kind="wait" type="submit" busy={busy === "own"} disabled={!own.trim()}>{busy === "own" ? "Sending…" : "Send answer"}</Button>
          <Button small kind="quiet" onClick={() => setOwn(null)}>Cancel</Button>
        </form>
      );
    }
  } else if (pending?.kind === "plan") {
    buttons.push(<Button small key="review" class="home-choice" onClick={() => go(href)}>Review the plan</Button>);
    buttons.push(<Button small kind="quiet" key="start" busy={busy === "start"} disabled={busy !== ""} onClick={send("start", () => start(row.id, pending))}>Start now</Button>);
  } else if (pending?.kind === "approval") {
    buttons.push(button("Allow", () => allow(row.id, pending)), button("Refuse", () => refuse(row.id, pending)));
    if (pending.fields.some((field) => field.editable)) {
      buttons.push(<Button small kind="quiet" key="edit" onClick={() => go(href)}>Edit…</Button>);
    }
  } else buttons.push(<Button small key="answer" class="home-choice" onClick={() => go(href)}>Answer…</Button>);
  return (
    <div class="home-answers">
      {buttons}
      <span class="grow" />
      <Button small kind="quiet" href={href} after={ChevronRight}>Open</Button>
    </div>
  );
}
