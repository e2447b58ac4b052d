/** The frame around every page: sidebar or bottom bar, the page, and what lies over it. */
import "./shell.css";
import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";
import { width } from "../lib/media";
import { sidebarHidden } from "../state/prefs";
import { Confirms, Tips, Toasts } from "../ui";
import { Banner, useConnectionWords } from "./banner";
import { BottomBar, isPlace } from "./bottom-bar";
import { useGlobalKeys } from "./global-keys";
import { Live } from "./live-region";
import { Palette } from "./palette";
import { ShortcutSheet } from "./shortcut-sheet";
import { SidebarFrame } from "./sidebar-frame";
import { useWindow } from "./window";

export { registerCommand } from "../lib/commands";

/** The frame. `place` is the name of the page in it. */
export function Shell({ place, children }: { place: string; children: ComponentChildren }): JSX.Element {
  useGlobalKeys();
  useWindow();
  useConnectionWords();
  const phone = width.value === "phone";
  const sidebar = !phone && !sidebarHidden.value;
  const bar = phone && isPlace(place);
  const opened = useRef(place);
  useEffect(() => {
    // A reader, and Tab, go on in the page that was opened; the first one begins with the skip link.
    if (opened.current === place) return;
    opened.current = place;
    const active = document.activeElement;
    if (!active || active === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [place]);
  return (
    <div class={`app${sidebar ? " app-side" : ""}${bar ? " app-bar" : ""}`}>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        (document.querySelector<HTMLElement>("[role=log]") ?? document.getElementById("main"))?.focus();
      }}>
        {place === "session" ? "To the conversation" : "To the page"}
      </a>
      {sidebar && <SidebarFrame place={place} />}
      <main id="main" class="main" tabIndex={-1}>{children}</main>
      {bar && <BottomBar place={place} />}
      <Banner />
      <Palette />
      <ShortcutSheet />
      <Confirms />
      <Toasts />
      <Tips />
      <Live />
    </div>
  );
}
