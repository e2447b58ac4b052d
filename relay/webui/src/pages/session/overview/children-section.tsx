/** Sessions that this one started, those that go on first. */

import type { JSX } from "preact";
import { ago, elapsed, now } from "../../../lib/format";
import { Link } from "../../../lib/router";
import { sessions } from "../../../state/sessions";
import type { SessionRow } from "../../../state/types";
import { Mark, STATE_WORDS } from "../../../ui";
import { Section } from "./section";

/** Draw the children; nothing without any. */
export function ChildrenSection({ id, parentId }: { id: string; parentId: string | null }): JSX.Element | null {
  const children = sessions.value.filter((row) => row.parentId === id).sort(byUrgency);
  const parent = parentId === null ? undefined : sessions.value.find((row) => row.id === parentId);
  if (children.length === 0 && !parent) return null;
  const count = (status: SessionRow["status"]): number => children.filter((row) => row.status === status).length;
  const waiting = count("waiting");
  const working = count("working");
  const end = waiting > 0 ? <span class="wt">{`${waiting} waiting`}</span> : working > 0 ? `${working} working` : "";
  return (
    <>
      {parent && (
        <Section title="Started by">
          <Row row={parent} />
        </Section>
      )}
      {children.length > 0 && (
        <Section title="Child sessions" end={end}>
          <ul>{children.map((row) => <li key={row.id}><Row row={row} /></li>)}</ul>
        </Section>
      )}
    </>
  );
}

function Row({ row }: { row: SessionRow }): JSX.Element {
  const present = now.value;
  const time = row.status === "working" ? elapsed(present - row.startedAt) : ago(row.changedAt, present);
  return (
    <Link class="ovw-row ovw-link" href={`/session/${encodeURIComponent(row.id)}`} title={row.doing || undefined}>
      <Mark state={row.status} word={STATE_WORDS[row.status]} />
      <span class="cut grow">{row.name}</span>
      <span class="meta num">{time}</span>
    </Link>
  );
}

const ORDER: readonly SessionRow["status"][] = ["waiting", "working", "failed", "idle", "offline", "ended"];

function byUrgency(a: SessionRow, b: SessionRow): number {
  return ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || b.changedAt - a.changedAt;
}
