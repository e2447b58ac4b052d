/** Sessions, by urgency: what waits for you, what works, what is new since you looked, and the rest (brief 2, 3). */
import { useMemo, useRef, useState } from "preact/hooks";
import { Plus, Search } from "lucide-preact";
import { width } from "../../lib/media";
import { go, query, setQuery } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { runners } from "../../state/runners";
import { find, hasMoreEnded, homeGroups, loaded, more, sessions } from "../../state/sessions";
import type { SessionRow } from "../../state/types";
import { withChildren, withFamily } from "../../sidebar/layout";
import { attempt } from "../../sidebar/session-actions";
import { useSettled } from "../../sidebar/settled";
import { Button, Empty, IconButton, Kbd, Skeleton, Tabs, TextInput } from "../../ui";
import { NotifyOffer } from "./notify-offer";
import { HomeRow } from "./row";
import { WaitingRow } from "./waiting-row";
import "./home.css";

type Show = "all" | "waiting" | "working" | "pinned" | "ended";
const SHOWS: readonly Show[] = ["all", "waiting", "working", "pinned", "ended"];
const TITLES: Record<string, string> = {
  waiting: "Waiting for you",
  working: "Working",
  fresh: "New since you looked",
  earlier: "Earlier",
  pinned: "Pinned",
  ended: "Ended",
  found: "Found",
};

function shown(): Show {
  const wish = query.value.get("show");
  return SHOWS.find((show) => show === wish) ?? "all";
}

interface Wanted { key: string; rows: readonly SessionRow[] }

function wanted(show: Show, words: string, byId: ReadonlyMap<string, SessionRow>): Wanted[] {
  const all = sessions.value;
  if (words) {
    const found = find(words);
    const kept = show === "all" ? found : found.filter((row) => belongs(row, show));
    return [{ key: "found", rows: kept }];
  }
  if (show !== "all") {
    const kept = all.filter((row) => belongs(row, show));
    return [{ key: show, rows: kept.sort((one, other) => other.changedAt - one.changedAt) }];
  }
  const { waiting, working, fresh, earlier } = homeGroups.value;
  return [
    { key: "waiting", rows: waiting },
    { key: "working", rows: withFamily(working, byId) },
    { key: "fresh", rows: withFamily(fresh, byId) },
    { key: "earlier", rows: withFamily(earlier, byId) },
  ];
}

function belongs(row: SessionRow, show: Show): boolean {
  return show === "pinned" ? row.pinned : row.status === show;
}

/** The page at "/". */
export default function Home() {
  useTitle("Sessions");
  const show = shown();
  const words = (query.value.get("q") ?? "").trim();
  const rows = useMemo(() => new Map(sessions.value.map((row) => [row.id, row])), [sessions.value]);
  const groups = wanted(show, words, rows);
  const { layout, hold } = useSettled(groups.map(({ key, rows }) => ({ key, ids: rows.map((row) => row.id) })), `${show} ${words}`);
  const count = layout.reduce((sum, group) => sum + group.ids.length, 0);
  return (
    <div class="home-page">
      <Head show={show} />
      <div class="home-scroll">
        <NotifyOffer />
        <div class="home" {...hold}>
          {!loaded.value ? (
            <Skeleton rows={8} height={40} />
          ) : count === 0 ? (
            <Nothing show={show} words={words} />
          ) : (
            layout.map(({ key, ids }) => {
              const present = ids.flatMap((id) => rows.get(id) ?? []);
              return present.length > 0 && <Group key={key} id={key} rows={present} />;
            })
          )}
          {loaded.value && (show === "ended" || show === "all") && !words && <Older />}
        </div>
      </div>
    </div>
  );
}

function Group({ id, rows }: { id: string; rows: readonly SessionRow[] }) {
  const oneLine = id === "earlier" || id === "ended";
  return (
    <section aria-label={TITLES[id]}>
      <h2 class={`home-head${id === "waiting" ? " wt" : ""}`}>{TITLES[id]}</h2>
      <ul>
        {withChildren(rows).map(({ row, child }) =>
          row.status === "waiting" ? (
            <WaitingRow key={row.id} row={row} />
          ) : (
            <HomeRow key={row.id} row={row} child={child} oneLine={oneLine} />
          ),
        )}
      </ul>
    </section>
  );
}

function Head({ show }: { show: Show }) {
  const all = sessions.value;
  const count = (wish: Show): number => all.filter((row) => belongs(row, wish)).length;
  const live = all.filter((row) => row.status !== "ended").length;
  const field = useRef<HTMLInputElement>(null);
  const [finding, setFinding] = useState(query.value.has("q"));
  const text = query.value.get("q") ?? "";
  const phone = width.value === "phone";
  const close = (): void => {
    setFinding(false);
    setQuery({ q: null });
  };
  const tabs = SHOWS.map((id) => ({
    id,
    words: id === "all" ? "All" : TITLES[id],
    count: id === "ended" ? undefined : id === "all" ? live : count(id),
    href: address(id, text),
  }));
  return (
    <header class="home-bar">
      {!(phone && finding) && <h1>Sessions</h1>}
      {!phone && <Tabs tabs={tabs} chosen={show} label="Which sessions" />}
      <span class="grow" />
      {(!phone || finding) && (
        <TextInput
          small
          type="search"
          class="home-find"
          value={text}
          inputRef={field}
          data-find=""
          aria-label="Find a session"
          placeholder="Find a session"
          autofocus={phone}
          before={<Search size={14} strokeWidth={1.75} aria-hidden="true" />}
          after={text || phone ? undefined : <Kbd>/</Kbd>}
          onChange={(words) => setQuery({ q: words || null })}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              event.stopPropagation();
              close();
              field.current?.blur();
            } else if (event.key === "Enter" || event.key === "ArrowDown") {
              event.preventDefault();
              const first = document.querySelector<HTMLElement>(".home [data-row]");
              if (event.key === "Enter") first?.click();
              else first?.focus();
            }
          }}
        />
      )}
      {phone ? (
        finding ? <Button kind="quiet" onClick={close}>Cancel</Button> : <IconButton label="Search" icon={Search} onClick={() => setFinding(true)} />
      ) : (
        width.value === "desktop" && <Button small kind="primary" icon={Plus} keys="n" onClick={() => go("/new")}>New session</Button>
      )}
    </header>
  );
}

function address(show: Show, text: string): string {
  const params = new URLSearchParams();
  if (show !== "all") params.set("show", show);
  if (text) params.set("q", text);
  const written = params.toString();
  return written ? `/?${written}` : "/";
}

function Nothing({ show, words }: { show: Show; words: string }) {
  if (words) {
    return <Empty title={`Nothing matches “${words}”.`} text="Names and first prompts are searched." action={<Button small onClick={() => setQuery({ q: null })}>Show all sessions</Button>} />;
  }
  const start = <Button kind="primary" icon={Plus} onClick={() => go("/new")}>New session</Button>;
  if (show === "all") {
    return runners.value.some((runner) => runner.connected) ? (
      <Empty title="No sessions yet. Start one with N." text="An agent works in a folder on one of your runners, and you see here what it does." action={start} />
    ) : (
      <Empty title="No runner is connected. Connect one to start a session." text="A runner is the program that runs agents on one of your machines." action={<Button kind="primary" href="/connect">Connect a runner</Button>} />
    );
  }
  const none = { waiting: "No session waits for you.", working: "No session is working.", pinned: "No session is pinned.", ended: "No session has ended." }[show];
  const help = {
    waiting: "A session that asks you something shows up here and at the top of the list.",
    working: "Sessions whose agent works on something show up here.",
    pinned: "Pin a session from its menu to find it here.",
    ended: "Sessions stand here from the moment they end, and can be resumed.",
  }[show];
  return <Empty title={none} text={help} action={<Button small href="/">Show all sessions</Button>} />;
}

function Older() {
  const [busy, setBusy] = useState(false);
  if (!hasMoreEnded.value) return null;
  const load = (): void => {
    setBusy(true);
    void attempt(more).then(() => setBusy(false));
  };
  return (
    <div class="home-older">
      <Button small kind="quiet" busy={busy} onClick={load}>Show older sessions</Button>
    </div>
  );
}
