/** One message at a time at the edge of the page; errors stay until they are dismissed (brief 5). */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import { Check, X } from "lucide-preact";
import { announce } from "../lib/live";
import { Button, IconButton } from "./button";
import { Mark } from "./mark";

/** What a toast says, and the one thing it offers. */
export interface Toast {
  words: string;
  kind?: "done" | "error";
  undo?: () => void;
  /** Another offer than Undo: its words and what it does. */
  action?: { words: string; run: () => void };
}

/** A toast stays for so many milliseconds, and while it is pointed at or has the focus. */
const STAY = 5000;

const shown = signal<(Toast & { id: number }) | null>(null);
let next = 1;

/** Show a toast in place of the present one. Returns its removal. */
export function toast(spec: Toast): () => void {
  const id = next++;
  shown.value = { ...spec, id };
  announce(spec.words);
  return () => {
    if (shown.peek()?.id === id) shown.value = null;
  };
}

/** Where toasts appear; the shell holds one. */
export function Toasts(): JSX.Element | null {
  const box = useRef<HTMLDivElement>(null);
  const held = useRef(false);
  const present = shown.value;
  useEffect(() => {
    if (!present) return undefined;
    box.current?.hidePopover();
    box.current?.showPopover();
    if (present.kind === "error") return undefined;
    held.current = false;
    let left = STAY;
    const timer = setInterval(() => {
      if (!held.current) left -= 250;
      if (left <= 0 && shown.peek()?.id === present.id) shown.value = null;
    }, 250);
    return () => clearInterval(timer);
  }, [present?.id]);
  if (!present) return null;
  const close = (): void => { shown.value = null; };
  const offer = present.action ?? (present.undo ? { words: "Undo", run: present.undo } : undefined);
  return (
    <div
      class="toast"
      popover="manual"
      ref={box}
      onPointerEnter={() => { held.current = true; }}
      onPointerLeave={() => { held.current = false; }}
      onFocusIn={() => { held.current = true; }}
      onFocusOut={() => { held.current = false; }}
    >
      {present.kind === "error" ? <Mark state="failed" /> : <Check size={16} strokeWidth={1.75} class="acc" aria-hidden="true" />}
      <span class="grow">{present.words}</span>
      {offer && (
        <Button
          tiny
          kind="soft"
          onClick={() => {
            close();
            offer.run();
          }}
        >
          {offer.words}
        </Button>
      )}
      <IconButton small label="Close" icon={X} onClick={close} />
    </div>
  );
}
