/** One tooltip for the whole page: whatever carries `data-tip` has it after 400 ms of pointing or at once with the keyboard. */
import { useEffect, useRef } from "preact/hooks";
import { cloneElement, type JSX, type VNode } from "preact";

const DELAY = 400;

/** Give an element a tooltip. */
export function Tooltip({ text, children }: { text: string; children: VNode<JSX.HTMLAttributes<HTMLElement> & { "data-tip"?: string }> }): JSX.Element {
  return cloneElement(children, { "data-tip": text });
}

/** Where the tooltip appears; the shell holds one. */
export function Tips(): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let owner: Element | null = null;
    let moved = false;
    const hide = (): void => {
      clearTimeout(timer);
      owner = null;
      if (box.current?.matches(":popover-open")) box.current.hidePopover();
    };
    const show = (target: Element): void => {
      const tip = box.current;
      const words = target.getAttribute("data-tip");
      if (!tip || !words || !target.isConnected) return;
      tip.textContent = words;
      tip.showPopover();
      const spot = target.getBoundingClientRect();
      const size = tip.getBoundingClientRect();
      const above = spot.bottom + size.height + 12 > innerHeight;
      tip.style.left = `${Math.max(8, Math.min(spot.left + spot.width / 2 - size.width / 2, innerWidth - size.width - 8))}px`;
      tip.style.top = `${above ? spot.top - size.height - 6 : spot.bottom + 6}px`;
    };
    const enter = (event: Event): void => {
      const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
      if (target === owner) return;
      hide();
      if (!target || (event instanceof PointerEvent && event.pointerType === "touch")) return;
      // Focus that a dialog gave to its first button explains nothing; focus that somebody moved there does.
      if (event.type === "focusin" && !(moved && target.matches(":focus-visible"))) return;
      owner = target;
      timer = setTimeout(() => show(target), event.type === "focusin" ? 0 : DELAY);
    };
    const key = (event: KeyboardEvent): void => {
      moved = event.key === "Tab" || event.key.startsWith("Arrow");
      if (event.key === "Escape" || event.key === "Enter") hide();
    };
    document.addEventListener("pointerover", enter);
    document.addEventListener("focusin", enter);
    document.addEventListener("focusout", hide);
    document.addEventListener("pointerdown", hide);
    document.addEventListener("scroll", hide, true);
    document.addEventListener("keydown", key, true);
    return () => {
      hide();
      document.removeEventListener("pointerover", enter);
      document.removeEventListener("focusin", enter);
      document.removeEventListener("focusout", hide);
      document.removeEventListener("pointerdown", hide);
      document.removeEventListener("scroll", hide, true);
      document.removeEventListener("keydown", key, true);
    };
  }, []);
  return <div class="tip" popover="manual" ref={box} aria-hidden="true" />;
}
