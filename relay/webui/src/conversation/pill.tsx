/** The way back to the end: after a moment away from it, with how much is new (brief 7.3). */

import { ArrowDown } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Mark } from "../ui";
import type { Row } from "./rows";
import type { Viewport } from "./viewport";

const AFTER_MS = 300;

function fresh(rows: readonly Row[], leftAt: string | null): number {
  if (leftAt === null) return 0;
  for (let at = rows.length - 1; at >= 0; at -= 1) if (rows[at]?.key === leftAt) return rows.slice(at + 1).filter((row) => row.shown.kind !== "end").length;
  return 0;
}

/** Draw the pill while the end is out of sight. */
export function Pill({ view, rows, waiting }: { view: Viewport; rows: readonly Row[]; waiting: boolean }): JSX.Element {
  const away = view.away.value;
  const [shown, show] = useState(false);
  useEffect(() => {
    if (!away) {
      show(false);
      return undefined;
    }
    const timer = setTimeout(() => show(true), AFTER_MS);
    return () => clearTimeout(timer);
  }, [away]);
  const count = away ? fresh(rows, view.leftAt) : 0;
  return (
    <button type="button" class={`log-pill${shown && away ? " on" : ""}${waiting ? " log-pill-wait" : ""}`} tabIndex={shown && away ? 0 : -1} aria-hidden={shown && away ? undefined : true} onClick={() => view.toEnd()}>
      {waiting ? <Mark state="waiting" /> : <ArrowDown size={14} strokeWidth={1.75} aria-hidden="true" />}
      {waiting ? "Question waiting" : "Jump to latest"}
      {!waiting && count > 0 && <span class="log-pill-n">{`${count} new`}</span>}
    </button>
  );
}
