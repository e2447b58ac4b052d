/** One session in the sidebar: mark, name, new disc, time; under the pointer the time gives way to pin and more. */
import { Pin, PinOff } from "lucide-preact";
import { ago, now } from "../lib/format";
import { Link } from "../lib/router";
import type { SessionRow } from "../state/types";
import { IconButton, Mark, MenuButton, STATE_WORDS } from "../ui";
import { sessionItems, togglePin } from "./session-actions";

/** Draw a row; `child` hangs it on the wire of the row above, `open` says that it is on screen. */
export function SidebarRow({ row, child, open }: { row: SessionRow; child: boolean; open: boolean }) {
  const past = row.status === "ended" || row.status === "offline";
  const fresh = row.isNew && !open && row.status !== "waiting";
  const names = ["side-row", child && "side-kid", open && "on", fresh && "side-new", past && "side-past"];
  return (
    <li class={names.filter(Boolean).join(" ")}>
      <Mark state={row.status} word={STATE_WORDS[row.status]} />
      <Link class="side-link" href={`/session/${encodeURIComponent(row.id)}`} aria-current={open ? "page" : undefined} data-row="">
        <span class="cut">{row.name}</span>
      </Link>
      {fresh && <span class="new-disc" role="img" aria-label="New since you looked" />}
      <span class="side-when">{ago(row.pendingSince ?? row.changedAt, now.value)}</span>
      <span class="side-tools">
        <IconButton small label={row.pinned ? "Unpin" : "Pin"} icon={row.pinned ? PinOff : Pin} onClick={() => void togglePin(row)} />
        <MenuButton tiny label={`More for ${row.name}`} items={() => sessionItems(row)} />
      </span>
    </li>
  );
}
