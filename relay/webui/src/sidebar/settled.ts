/** Hold a layout still while a person points at it (brief 7.6: re-sort at most every 2 s, never under the pointer). */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Layout, sameLayout, sameMembers } from "./layout";

/** Milliseconds between two re-sorts. */
const REST = 2000;
/** While the lists come in, in milliseconds after the page opened, everything shows at once. */
const ARRIVAL = 2500;
/** A pointer that did not move for so long, in milliseconds, no longer holds the list. */
const FORGET = 15000;

/** What `useSettled` hands back: the layout to show, and what to put on the list's element. */
export interface Settled {
  layout: Layout;
  hold: {
    onPointerEnter: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerLeave: () => void;
  };
}

/**
 * Answer `wanted` as it may be shown. Nothing moves under a pointer that moved lately. Without one, a session that
 * belongs to another group goes there at once, while a mere change of order waits until 2 s have passed since the last.
 */
export function useSettled(wanted: Layout, key: string): Settled {
  const shown = useRef<{ key: string; layout: Layout; at: number; since: number }>({ key, layout: wanted, at: 0, since: Date.now() });
  const pointer = useRef(0);
  const [, wake] = useState(0);
  const now = Date.now();
  const held = shown.current;
  const show = (): void => {
    shown.current = { ...held, key, layout: wanted, at: now };
  };
  const pointed = pointer.current > 0 && now - pointer.current < FORGET;
  let wait = 0;
  if (held.key !== key || now - held.since < ARRIVAL) show();
  else if (!sameLayout(held.layout, wanted)) {
    const moved = !sameMembers(held.layout, wanted);
    wait = pointed ? REST : moved ? 0 : Math.max(0, held.at + REST - now);
    if (wait === 0) show();
  }
  useEffect(() => {
    if (wait === 0) return undefined;
    const timer = setTimeout(() => wake((count) => count + 1), wait);
    return () => clearTimeout(timer);
  });
  const over = (event: PointerEvent): void => {
    if (event.pointerType === "mouse") pointer.current = Date.now();
  };
  return {
    layout: shown.current.layout,
    hold: {
      onPointerEnter: over,
      onPointerMove: over,
      onPointerLeave: () => {
        pointer.current = 0;
        wake((count) => count + 1);
      },
    },
  };
}
