/** The sidebar's list of sessions, by place: waiting, pinned, then a group per folder and runner (brief 2). */
import { useMemo, useRef, useState } from "preact/hooks";
import { path } from "../lib/router";
import { runners } from "../state/runners";
import { loaded, sessions, sidebarGroups } from "../state/sessions";
import type { SessionRow } from "../state/types";
import { Skeleton } from "../ui";
import { withChildren, withFamily } from "./layout";
import { SidebarRow } from "./session-row";
import { useSettled } from "./settled";
import "./sidebar.css";

/** Rows of a group that show before "Show 12 more". */
const SHORT = 5;

interface SideGroup {
  key: string;
  kind: "waiting" | "pinned" | "folder";
  words: string;
  /** For folders: "on studio", "on shed, offline". */
  place: string;
  rows: readonly SessionRow[];
}

function plan(byId: ReadonlyMap<string, SessionRow>): SideGroup[] {
  const { waiting, pinned, groups } = sidebarGroups.value;
  const connected = new Set(runners.value.filter((runner) => runner.connected).map((runner) => runner.id));
  const all: SideGroup[] = [
    { key: "waiting", kind: "waiting", words: "Waiting for you", place: "", rows: withFamily(waiting, byId) },
    { key: "pinned", kind: "pinned", words: "Pinned", place: "", rows: withFamily(pinned, byId) },
  ];
  for (const group of groups) {
    const away = group.runnerId !== null && !connected.has(group.runnerId) && runners.value.length > 0;
    const place = group.runnerName ? `on ${group.runnerName}${away ? ", offline" : ""}` : "";
    all.push({ key: group.key, kind: "folder", words: group.folder || "No folder", place, rows: withFamily(group.rows, byId) });
  }
  return all.filter((group) => group.rows.length > 0);
}

/** The list; the shell gives it the room between "New session" and the places. */
export function SessionList() {
  const rows = useMemo(() => new Map(sessions.value.map((row) => [row.id, row])), [sessions.value]);
  const groups = plan(rows);
  const heads = useRef(new Map<string, SideGroup>());
  for (const group of groups) heads.current.set(group.key, group);
  const { layout, hold } = useSettled(groups.map((group) => ({ key: group.key, ids: group.rows.map((row) => row.id) })), "side");
  const open = /^\/session\/([^/]+)/.exec(path.value)?.[1];
  const openId = open === undefined ? "" : decodeURIComponent(open);
  if (!loaded.value) return <nav class="side-list" aria-label="Sessions"><Skeleton rows={6} /></nav>;
  return (
    <nav class="side-list" aria-label="Sessions" {...hold}>
      {layout.length === 0 && <p class="side-none">No sessions yet. Start one with N.</p>}
      {layout.map(({ key, ids }) => {
        const head = heads.current.get(key);
        const present = ids.flatMap((id) => rows.get(id) ?? []);
        return head && present.length > 0 && <Group key={key} head={head} rows={present} openId={openId} />;
      })}
    </nav>
  );
}

function Group({ head, rows, openId }: { head: SideGroup; rows: readonly SessionRow[]; openId: string }) {
  const [all, showAll] = useState(false);
  const placed = withChildren(rows);
  const openAt = placed.findIndex(({ row }) => row.id === openId);
  const short = all || placed.length <= SHORT + 1 ? placed.length : Math.max(SHORT, openAt + 1);
  const title = head.words;
  return (
    <section class="side-group" aria-label={head.place ? `${title} ${head.place}` : title}>
      <h2 class={`side-head${head.kind === "waiting" ? " wt" : ""}`}>
        {head.kind === "folder" ? <><span class="m">{title}</span><span class="cut">{head.place}</span></> : <b>{title}</b>}
      </h2>
      <ul>
        {placed.slice(0, short).map(({ row, child }) => (
          <SidebarRow key={row.id} row={row} child={child} open={row.id === openId} />
        ))}
      </ul>
      {short < placed.length && (
        <button type="button" class="side-more" onClick={() => showAll(true)}>{`Show ${placed.length - short} more`}</button>
      )}
    </section>
  );
}
