/** The bar of the phone: the places and New, never inside a session (brief 10). */
import type { JSX } from "preact";
import { Plus } from "lucide-preact";
import { Link } from "../lib/router";
import { waitingCount } from "../state/sessions";
import { Mark } from "../ui";
import { places, type Place } from "./places";

/** Whether a page is one of the places, where the bar stands. */
export function isPlace(name: string): boolean {
  return places().some((place) => place.name === name);
}

function Entry({ entry, place }: { entry: Place; place: string }): JSX.Element {
  const on = entry.name === place;
  const waits = entry.name === "home" && waitingCount.value > 0;
  return (
    <Link class={`bar-item${on ? " on" : ""}`} href={entry.href} aria-current={on ? "page" : undefined}>
      <entry.icon size={22} strokeWidth={1.75} aria-hidden="true" />
      {waits && <Mark state="waiting" word={`${waitingCount.value} waiting for you`} class="bar-waits" />}
      {entry.words}
    </Link>
  );
}

/** The bar. */
export function BottomBar({ place }: { place: string }): JSX.Element {
  const [sessions, runners, ...rest] = places();
  return (
    <nav class="bottom-bar" aria-label="Places">
      {sessions && <Entry entry={sessions} place={place} />}
      {runners && <Entry entry={runners} place={place} />}
      <Link class="bar-item bar-new" href="/new"><Plus size={22} strokeWidth={1.75} aria-hidden="true" />New</Link>
      {rest.map((entry) => <Entry key={entry.name} entry={entry} place={place} />)}
    </nav>
  );
}
