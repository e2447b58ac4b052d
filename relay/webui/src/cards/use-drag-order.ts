/** Put the rows of a short list into another order by dragging a handle; the keyboard moves them with Alt and an arrow. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

/** What a row and its handle need. */
export interface DragOrder {
  /** The place of the row under the finger, or null. */
  readonly dragged: number | null;
  /** Put on the list. */
  readonly list: { ref: (element: HTMLElement | null) => void };
  /** Put on the handle of the row at `place`. */
  readonly handle: (place: number) => Pick<JSX.HTMLAttributes<HTMLElement>, "onPointerDown" | "onPointerMove" | "onPointerUp" | "onPointerCancel">;
  /** Put on the row at `place`. */
  readonly keys: (place: number) => (event: JSX.TargetedKeyboardEvent<HTMLElement>) => void;
}

/** Follow a drag over the children of the list; `move(from, to)` is called whenever the row has passed another. */
export function useDragOrder(count: number, move: (from: number, to: number) => void): DragOrder {
  const [dragged, setDragged] = useState<number | null>(null);
  const rows = useRef<HTMLElement | null>(null);
  const place = useRef<number | null>(null);
  const end = (): void => {
    place.current = null;
    setDragged(null);
  };
  const follow = (event: JSX.TargetedPointerEvent<HTMLElement>): void => {
    const from = place.current;
    if (from === null || !rows.current) return;
    const to = placeAt(rows.current, event.clientY);
    if (to === from) return;
    move(from, to);
    place.current = to;
    setDragged(to);
  };
  return {
    dragged,
    list: { ref: (element) => void (rows.current = element) },
    handle: (at) => ({
      onPointerDown: (event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        place.current = at;
        setDragged(at);
      },
      onPointerMove: follow,
      onPointerUp: end,
      onPointerCancel: end,
    }),
    keys: (at) => (event) => {
      const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
      if (by === 0 || !event.altKey || at + by < 0 || at + by >= count) return;
      event.preventDefault();
      event.stopPropagation();
      move(at, at + by);
    },
  };
}

/** Answer the place of the row whose upper or lower half a height lies in. */
function placeAt(list: HTMLElement, y: number): number {
  const rows = [...list.querySelectorAll<HTMLElement>(":scope > [data-row]")];
  for (const [index, row] of rows.entries()) {
    const box = row.getBoundingClientRect();
    if (y < box.bottom) return index;
  }
  return Math.max(0, rows.length - 1);
}
