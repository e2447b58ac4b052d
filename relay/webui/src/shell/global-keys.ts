/** The shortcuts that work everywhere (brief 6). */
import { useEffect } from "preact/hooks";
import { ArrowLeft, Keyboard, Plus } from "lucide-preact";
import { registerCommand } from "../lib/commands";
import { press, shortcut } from "../lib/keys";
import { back, go, path } from "../lib/router";
import { sidebarHidden } from "../state/prefs";
import { sidebarGroups } from "../state/sessions";
import { openPalette, sheetOpen } from "./palette-state";
import { places } from "./places";

/** Register them, and listen to the keyboard, while the shell is shown. */
export function useGlobalKeys(): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => void press(event);
    document.addEventListener("keydown", listen);
    const removals = [...keys(), ...palette()];
    return () => {
      document.removeEventListener("keydown", listen);
      for (const remove of removals) remove();
    };
  }, []);
}

/** Whether a modal dialog is open: single keys then belong to it. */
function modal(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

function keys(): (() => void)[] {
  const free = (): boolean => !modal();
  return [
    shortcut({ keys: "mod+k", words: "Search and commands", scope: "everywhere", inInputs: true, inTerminal: true, run: () => openPalette() }),
    shortcut({ keys: "n", words: "New session", scope: "everywhere", when: free, run: () => go("/new") }),
    shortcut({ keys: "/", words: "Find a session", scope: "everywhere", when: free, run: find }),
    shortcut({ keys: "j", words: "Next row", scope: "everywhere", when: free, run: () => step(1) }),
    shortcut({ keys: "k", words: "Previous row", scope: "everywhere", when: free, run: () => step(-1) }),
    shortcut({ keys: "w", words: "Next session that waits", scope: "everywhere", when: free, run: nextWaiting }),
    ...places().map((place) =>
      shortcut({ keys: `g ${place.key}`, words: `Go to ${place.words}`, scope: "everywhere", when: free, run: () => go(place.href) }),
    ),
    shortcut({ keys: "mod+[", words: "Go back", scope: "everywhere", inInputs: true, when: free, run: () => back("/") }),
    shortcut({ keys: "mod+b", words: "Show or hide the sidebar", scope: "everywhere", inInputs: true, run: toggleSidebar }),
    shortcut({ keys: "?", words: "All shortcuts", scope: "everywhere", when: free, run: () => (sheetOpen.value = true) }),
  ];
}

function palette(): (() => void)[] {
  return [
    registerCommand({ words: "New session", icon: Plus, keys: "n", run: () => go("/new") }),
    ...places().map((place) =>
      registerCommand({ words: `Go to ${place.words}`, icon: place.icon, keys: `g ${place.key}`, run: () => go(place.href) }),
    ),
    registerCommand({ words: "Go back", icon: ArrowLeft, keys: "mod+[", run: () => back("/") }),
    registerCommand({ words: "Show or hide the sidebar", keys: "mod+b", run: toggleSidebar }),
    registerCommand({ words: "Keyboard shortcuts", icon: Keyboard, keys: "?", also: "help keys", run: () => (sheetOpen.value = true) }),
  ];
}

function toggleSidebar(): void {
  sidebarHidden.value = !sidebarHidden.value;
}

/** Focus the field that finds sessions; home has it, so it is opened first. */
function find(): void {
  const field = document.querySelector<HTMLInputElement>("[data-find]");
  if (field) {
    field.focus();
    field.select();
    return;
  }
  openPalette();
}

/** Move the focus along the rows of the list in the page: whatever carries `data-row`. */
function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")].filter((row) => row.offsetParent !== null);
  const list = rows.length > 0 ? rows : [...document.querySelectorAll<HTMLElement>(".side [data-row]")];
  const at = list.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Open the session that waits after the one that is open. */
function nextWaiting(): void {
  const waiting = sidebarGroups.peek().waiting;
  const at = waiting.findIndex((row) => path.peek() === `/session/${encodeURIComponent(row.id)}`);
  const next = waiting[(at + 1) % waiting.length];
  if (next) go(`/session/${encodeURIComponent(next.id)}`);
}
