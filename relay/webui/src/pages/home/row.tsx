/** One session on the home page. On a phone it can be swiped, and held for its menu. */
import { Pin, PinOff } from "lucide-preact";
import { useRef, useState } from "preact/hooks";
import { ago, now } from "../../lib/format";
import { Link } from "../../lib/router";
import type { SessionRow } from "../../state/types";
import { askResume, sessionItems, togglePin } from "../../sidebar/session-actions";
import { Button, IconButton, Mark, Menu, MenuButton, Pips, STATE_WORDS } from "../../ui";
import { SwipeActions, useSwipe } from "./swipe";

/** Draw a row with what the agent does, or in one line. */
export function HomeRow({ row, child, oneLine }: { row: SessionRow; child: boolean; oneLine: boolean }) {
  const item = useRef<HTMLLIElement>(null);
  const [menu, setMenu] = useState<{ x: number; y: number } | null>(null);
  const swipe = useSwipe(row, (at) => setMenu(at));
  const said = oneLine ? "" : saying(row);
  const names = ["home-row", said && "two", child && "kid", row.isNew && "un"].filter(Boolean).join(" ");
  return (
    <li class="home-item" ref={item}>
      <SwipeActions row={row} open={swipe.open} onDone={swipe.close} />
      <div class={names} {...swipe.handlers} style={swipe.shift ? { transform: `translateX(${swipe.shift}px)` } : undefined}>
        <Mark state={row.status} word={STATE_WORDS[row.status]} />
        <div class="home-name">
          <Link class="home-link" href={`/session/${encodeURIComponent(row.id)}`} data-row="">{row.name}</Link>
          {row.isNew && <span class="new-disc" role="img" aria-label="New since you looked" />}
          {row.status === "offline" && <span class="home-note">Runner offline</span>}
          {said && <p>{row.status === "failed" ? <span class="dg">{said}</span> : said}</p>}
        </div>
        <span class="home-plan">{row.plan && row.plan.total > 0 && <Pips done={row.plan.done} total={row.plan.total} working={row.status === "working"} />}</span>
        <span class="home-tools">
          {row.status === "ended" && <Button tiny kind="soft" onClick={() => void askResume(row)}>Resume</Button>}
          <IconButton small label={row.pinned ? "Unpin" : "Pin"} icon={row.pinned ? PinOff : Pin} onClick={() => void togglePin(row)} />
          <MenuButton tiny label={`More for ${row.name}`} items={() => sessionItems(row)} />
        </span>
        <Place row={row} />
        <span class="home-when">{ago(row.changedAt, now.value)}</span>
      </div>
      {menu && <Menu items={sessionItems(row)} anchor={menu} label={row.name} onClose={() => setMenu(null)} />}
    </li>
  );
}

/** "fetchkit on studio", for the right edge of a row. */
export function Place({ row }: { row: SessionRow }) {
  return (
    <span class="home-place">
      {row.folder && <span class="m">{row.folder}</span>}
      {row.runnerName ? ` on ${row.runnerName}` : ""}
    </span>
  );
}

function saying(row: SessionRow): string {
  if (row.doing) return row.doing;
  if (row.status === "failed") return "Stopped on an error";
  return row.status === "working" ? "Working" : "";
}
