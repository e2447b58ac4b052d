/** The frame of everything that waits for a person: it takes the composer's place, on a phone as a sheet. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { width } from "../lib/media";
import "./cards.css";

/** Props of Card. */
export interface CardProps {
  /** What the region is called: "Question", "Plan to review", "Approval". */
  label: string;
  /** What a sheet that was pulled down says: "Question waiting". */
  waiting: string;
  children: ComponentChildren;
  /** The row of buttons; it stays in sight when the rest scrolls. */
  foot: ComponentChildren;
}

/** Pulled down further than this many pixels, a sheet folds. */
const FOLD_PX = 72;

/** Draw the card; focus moves to it unless somebody is typing elsewhere. */
export function Card({ label, waiting, children, foot }: CardProps): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const [folded, setFolded] = useState(false);
  const phone = width.value === "phone";
  useEffect(() => focusFirst(box.current), []);
  if (phone && folded) {
    return (
      <section class="ask-folded" aria-label={label}>
        <span class="ask-folded-words">{waiting}</span>
        <button type="button" class="ask-show" onClick={() => setFolded(false)}>
          Show
        </button>
      </section>
    );
  }
  return (
    <section ref={box} class={phone ? "ask ask-sheet" : "ask"} aria-label={label} tabIndex={-1} onKeyDown={enter}>
      {phone && <Grip onFold={() => setFolded(true)} box={() => box.current} />}
      <div class="ask-body">{children}</div>
      <div class="ask-foot">{foot}</div>
    </section>
  );
}

/** Move the focus to the card, so that its keys work and readers hear it; never away from where somebody is typing. */
function focusFirst(box: HTMLElement | null): void {
  if (!box) return;
  const held = document.activeElement;
  const busy = held instanceof HTMLElement && held !== document.body && held.closest(TYPING);
  if (!busy || box.contains(held)) box.focus({ preventScroll: true });
}

const TYPING = "input,textarea,select,dialog,[role=dialog],[role=menu],.xterm,[contenteditable]";

/** From the card itself an arrow goes to its first choice. */
function enter(event: JSX.TargetedKeyboardEvent<HTMLElement>): void {
  if (event.target !== event.currentTarget || event.key !== "ArrowDown") return;
  const first = event.currentTarget.querySelector<HTMLElement>("[data-first]");
  if (!first) return;
  event.preventDefault();
  first.focus();
}

/** The bar at the top of a sheet: pull it down, or press it, to fold the sheet. */
function Grip({ onFold, box }: { onFold: () => void; box: () => HTMLElement | null }): JSX.Element {
  const start = useRef<number | null>(null);
  const moveBy = (by: number): void => {
    const sheet = box();
    if (sheet) sheet.style.transform = by > 0 ? `translateY(${by}px)` : "";
  };
  const end = (event: JSX.TargetedPointerEvent<HTMLButtonElement>): void => {
    const by = start.current === null ? 0 : event.clientY - start.current;
    start.current = null;
    moveBy(0);
    if (by > FOLD_PX) onFold();
  };
  return (
    <button
      type="button"
      class="ask-grip"
      aria-label="Fold the card"
      onPointerDown={(event) => {
        start.current = event.clientY;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => start.current !== null && moveBy(event.clientY - start.current)}
      onPointerUp={end}
      onPointerCancel={() => {
        start.current = null;
        moveBy(0);
      }}
      onClick={(event) => event.detail === 0 && onFold()}
    />
  );
}
