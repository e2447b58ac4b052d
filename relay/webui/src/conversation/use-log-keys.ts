/** The keys of the log (brief 6): to the end, from message to message, and scrolling when nothing has the focus. */

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { inField, shortcut } from "../lib/keys";
import type { Row } from "./rows";
import type { Viewport } from "./viewport";

/** Register the keys while the log is on screen. */
export function useLogKeys(view: Viewport, rows: readonly Row[], box: RefObject<HTMLElement>): void {
  const present = useRef(rows);
  present.current = rows;
  useEffect(() => {
    const step = (by: 1 | -1): void => {
      const list = present.current;
      let at = view.topIndex();
      const mine = (index: number): boolean => list[index]?.shown.kind === "you" || list[index]?.shown.kind === "trigger";
      const top = view.offsetInBox(list[at]?.key ?? "");
      // What already stands at its place is the present one.
      if (by < 0 && mine(at) && top < 8) {
        view.toRow(list[at]?.key ?? "");
        return;
      }
      for (at += by; at >= 0 && at < list.length; at += by) {
        if (mine(at)) {
          view.toRow(list[at]?.key ?? "");
          return;
        }
      }
      if (by > 0) view.toEnd();
    };
    const scroll = (share: number) => (): void => {
      const element = box.current;
      if (!element) return;
      element.focus({ preventScroll: true });
      view.nudge(share);
    };
    const free = (): boolean => !inField({ target: document.activeElement } as unknown as Event) && !document.querySelector("dialog[open]");
    const loose = (): boolean => free() && !box.current?.contains(document.activeElement);
    const removals = [
      shortcut({ keys: "end", words: "Jump to latest", scope: "session", run: () => view.toEnd(), when: free }),
      shortcut({ keys: "mod+down", words: "Jump to latest", scope: "session", run: () => view.toEnd(), when: free, hidden: true }),
      shortcut({ keys: "[", words: "Previous message of yours", scope: "session", run: () => step(-1) }),
      shortcut({ keys: "]", words: "Next message of yours", scope: "session", run: () => step(1) }),
      shortcut({ keys: "pageup", words: "Scroll up", scope: "session", run: scroll(-0.9), when: loose, hidden: true }),
      shortcut({ keys: "pagedown", words: "Scroll down", scope: "session", run: scroll(0.9), when: loose, hidden: true }),
      shortcut({ keys: "home", words: "To the beginning", scope: "session", run: scroll(-Infinity), when: loose, hidden: true }),
    ];
    return () => removals.forEach((remove) => remove());
  }, [view, box]);
}
