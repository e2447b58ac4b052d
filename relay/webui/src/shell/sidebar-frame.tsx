/** The sidebar's frame: name and search on top, New session, the sessions by place, and the places at the foot. */
import type { JSX } from "preact";
import { Plus, Search } from "lucide-preact";
import { Link } from "../lib/router";
import { SessionList } from "../sidebar";
import { runners } from "../state/runners";
import { Button, Keys, Logo } from "../ui";
import { openPalette } from "./palette-state";
import { places } from "./places";

/** The sidebar. */
export function SidebarFrame({ place }: { place: string }): JSX.Element {
  return (
    <div class="side">
      <div class="side-top">
        <Link class="brand" href="/"><Logo />Relay</Link>
        <span class="grow" />
        <button type="button" class="side-search" data-tip="Search and commands" onClick={() => openPalette()}>
          <Search size={16} strokeWidth={1.75} aria-hidden="true" />
          <span class="hide">Search and commands</span>
          <Keys keys="mod+k" />
        </button>
      </div>
      <div class="side-act">
        <Button href="/new" wide icon={Plus} keys="n" class="side-start">New session</Button>
      </div>
      <SessionList />
      <nav class="side-foot" aria-label="Places">
        {places().map(({ name, words, icon: Shown, href }) => (
          <Link key={name} class={`nav${name === place ? " on" : ""}`} href={href} aria-current={name === place ? "page" : undefined}>
            <Shown size={16} strokeWidth={1.75} aria-hidden="true" />
            {name === "home" ? "All sessions" : words}
            {name === "runners" && <span class="nav-end">{connectedWords()}</span>}
          </Link>
        ))}
      </nav>
    </div>
  );
}

function connectedWords(): string {
  const all = runners.value;
  const up = all.filter((runner) => runner.connected).length;
  if (up === 0) return "None connected";
  return up === all.length ? `${up} connected` : `${up} of ${all.length} connected`;
}
