/** How much room a view has: a panel beside the conversation is as narrow as a phone (brief 3). */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import "./room.css";

/** Under this width, px, list and detail stand one after the other. */
const NARROW = 620;
/** From this width on a diff may have two sides. */
const WIDE = 1000;

/** The element to measure goes to `box`. */
export interface Room {
  box: { current: HTMLElement | null };
  narrow: boolean;
  wide: boolean;
}

/** Measure a view. Before the first measure it counts as neither narrow nor wide. */
export function useRoom(): Room {
  const box = useRef<HTMLElement>(null);
  const [size, setSize] = useState(800);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = (): void => setSize(element.clientWidth);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return { box, narrow: size < NARROW, wide: size >= WIDE };
}
