/** Hold a layout still while a person points at it (brief 7.6: re-sort at most every 2 s, never under the pointer). */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Layout, sameLayout } from "./layout";

/** Milliseconds between two re-sorts. */
const REST = 2000;
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

/** Answer `wanted` as it was last allowed to be shown. The first non-empty layout and filters (`key`) show at once. */
export function useSettled(wanted: Layout, key: string): Settled {
  const shown = useRef<{ key: string; layout: Layout; at: number }>({ key, layout: wanted, at: 0 });
  const pointer = useRef(0);
  const [, wake] = useState(0);
  const now = Date.now();
  const held = shown.current;
  const pointed = pointer.current > 0 && now - pointer.current < FORGET;
  const empty = held.layout.every((group) => group.ids.length === 0);
  let wait = 0;
  if (held.key !== key || empty) shown.current = { key, layout: wanted, at: now };
  else if (!sameLayout(held.layout, wanted)) {
    wait = pointed ? REST : Math.max(0, held.at + REST - now);
    if (wait === 0) shown.current = { key, layout: wanted, at: now };
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
