/** Parts that several kinds of blocks share. */

import { ChevronDown, ChevronRight } from "lucide-preact";
import type { ComponentChildren, JSX } from "preact";

/** The arrow at the end of a line that opens. */
export function Arrow({ open }: { open: boolean }): JSX.Element {
  const Shape = open ? ChevronDown : ChevronRight;
  return <Shape class="log-arrow" size={14} strokeWidth={1.75} aria-hidden="true" />;
}

/** A line of 30 px. With `onToggle` the whole of it is a button; `more` stands behind it and has its own. */
export function Line({ open, onToggle, children, sum, more, quiet }: {
  open?: boolean;
  onToggle?: ((clicked: Element) => void) | undefined;
  children: ComponentChildren;
  sum?: ComponentChildren;
  more?: ComponentChildren;
  quiet?: boolean;
}): JSX.Element {
  const inside = (
    <>
      {children}
      {(sum || (onToggle && !quiet)) && (
        <span class="log-sum">
          {sum}
          {onToggle && !quiet && <Arrow open={open === true} />}
        </span>
      )}
      {onToggle && quiet && <Arrow open={open === true} />}
    </>
  );
  return (
    <div class={quiet ? "log-line log-quiet" : "log-line"}>
      {onToggle ? (
        <button type="button" class="log-line-in" aria-expanded={open === true} onClick={(event) => onToggle(event.currentTarget)}>{inside}</button>
      ) : (
        <div class="log-line-in">{inside}</div>
      )}
      {more}
    </div>
  );
}

/** A path of which the middle gives way and the file's name stays. */
export function PathWords({ path }: { path: string }): JSX.Element {
  const cut = path.replace(/\/+$/, "").lastIndexOf("/") + 1;
  return (
    <span class="log-object log-path">
      {cut > 0 && <span class="log-dir">{path.slice(0, cut)}</span>}
      <span class="log-file">{path.slice(cut)}</span>
    </span>
  );
}
