/** A small panel beside the button that opened it; on a phone a sheet. Esc and a press elsewhere close it. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { width } from "../lib/media";
import { onBack } from "../lib/router";
import { Sheet } from "../ui";

/** Props of Popover. */
export interface PopoverProps {
  anchor: Element;
  label: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** Draw the panel; focus goes in and comes back to the anchor. */
export function Popover(props: PopoverProps): JSX.Element {
  if (width.value === "phone") return <Sheet title={props.label} onClose={props.onClose}>{props.children}</Sheet>;
  return <Panel {...props} />;
}

function Panel({ anchor, label, onClose, children }: PopoverProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const panel = box.current;
    if (!panel) return undefined;
    panel.showPopover();
    place(panel, anchor);
    panel.querySelector<HTMLElement>("input:checked,button,input,[tabindex]")?.focus();
    return () => {
      if (panel.contains(document.activeElement) && anchor instanceof HTMLElement) anchor.focus();
    };
  }, []);
  useEffect(() => {
    const away = (event: Event): void => {
      const target = event.target;
      if (target instanceof Node && !box.current?.contains(target) && !anchor.contains(target)) close.current();
    };
    const move = (): void => {
      if (box.current) place(box.current, anchor);
    };
    document.addEventListener("pointerdown", away, true);
    window.addEventListener("resize", move);
    const off = onBack(() => {
      close.current();
      return true;
    });
    return () => {
      document.removeEventListener("pointerdown", away, true);
      window.removeEventListener("resize", move);
      off();
    };
  }, []);
  return (
    <div
      ref={box}
      class="cmp-pop"
      popover="manual"
      role="dialog"
      aria-label={label}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
        if (anchor instanceof HTMLElement) anchor.focus();
      }}
    >
      {children}
    </div>
  );
}

/** Above the anchor where there is room, else below. */
function place(panel: HTMLElement, anchor: Element): void {
  const spot = anchor.getBoundingClientRect();
  const { width: wide, height } = panel.getBoundingClientRect();
  const above = spot.top - height - 6;
  panel.style.left = `${Math.max(8, Math.min(spot.left, innerWidth - wide - 8))}px`;
  panel.style.top = `${above >= 8 ? above : Math.min(spot.bottom + 6, Math.max(8, innerHeight - height - 8))}px`;
}
