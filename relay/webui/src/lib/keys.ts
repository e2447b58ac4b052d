/** The keyboard: every shortcut is registered here, and the sheet and the palette are made from the list (brief 6). */
import { signal, type ReadonlySignal } from "@preact/signals";
import { apple } from "./media";

/** One shortcut. Keys: "mod+k", "shift+enter", "alt+1" (by key code), "n", "g s" (one after another), "esc esc". */
export interface Shortcut {
  keys: string;
  words: string;
  scope: "everywhere" | "session" | "terminal" | "list" | (string & {});
  run: (event: KeyboardEvent) => void;
  /** Also when the focus is in a field; chords with mod or alt always are. */
  inInputs?: boolean;
  /** Also while a terminal has the focus. */
  inTerminal?: boolean;
  /** Off while this answers false; the key then goes to the next that has it. */
  when?: () => boolean;
  /** Not in the sheet: a second key for what is listed already. */
  hidden?: boolean;
}

const all = signal<readonly Shortcut[]>([]);
/** Every shortcut that is registered now, in order. */
export const shortcuts: ReadonlySignal<readonly Shortcut[]> = all;

/** Register a shortcut; the latest with the same keys wins. Returns the removal. */
export function shortcut(spec: Shortcut): () => void {
  all.value = [...all.peek(), spec];
  return () => {
    all.value = all.peek().filter((other) => other !== spec);
  };
}

/** Two keys of a sequence lie at most so many milliseconds apart. */
const PATIENCE = 900;
let before: { key: string; at: number } | undefined;

/** Answer the name of the pressed keys in the notation of `Shortcut.keys`. Digits with Alt go by key code. */
export function chord(event: KeyboardEvent): string {
  const parts: string[] = [];
  const mod = apple ? event.metaKey : event.ctrlKey;
  if (mod) parts.push("mod");
  if (apple && event.ctrlKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  let key = event.key.toLowerCase();
  if (event.altKey && /^Digit\d$/.test(event.code)) key = event.code.slice(5);
  if (key === "escape") key = "esc";
  if (key === " ") key = "space";
  key = key.replace(/^arrow/, "");
  if (event.shiftKey && (key.length > 1 || mod)) parts.push("shift");
  parts.push(key);
  return parts.join("+");
}

/** Whether the event comes from where people type. */
export function inField(event: Event): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range", "submit", "reset"].includes(target.type);
}

function inTerminal(event: Event): boolean {
  return event.target instanceof Element && event.target.closest(".xterm") !== null;
}

function wanted(spec: Shortcut, keys: string, event: KeyboardEvent): boolean {
  if (spec.keys !== keys) return false;
  const single = !/(^|\+)(mod|alt|ctrl)\+/.test(spec.keys);
  if (inTerminal(event)) return spec.inTerminal === true && (spec.when?.() ?? true);
  if (single && !spec.inInputs && inField(event)) return false;
  return spec.when?.() ?? true;
}

/** Find and run the shortcut of a key event; true when one ran. Called by the shell, once per key. */
export function press(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return false;
  const name = chord(event);
  // Outside Apple machines mod is Ctrl already; a table entry that says ctrl means Ctrl everywhere.
  const names = name.startsWith("mod+") && !apple ? [name, name.replace("mod+", "ctrl+")] : [name];
  const pair = before && event.timeStamp - before.at < PATIENCE ? names.map((each) => `${before?.key} ${each}`) : [];
  before = { key: name, at: event.timeStamp };
  for (const keys of [...pair, ...names]) {
    const found = all.peek().findLast((spec) => wanted(spec, keys, event));
    if (!found) continue;
    if (keys.includes(" ")) before = undefined;
    event.preventDefault();
    found.run(event);
    return true;
  }
  return false;
}

const SHOWN: Record<string, string> = {
  enter: apple ? "↵" : "Enter",
  esc: "Esc",
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  space: "Space",
  tab: "Tab",
  end: "End",
  backspace: "⌫",
};

/** The keys as people read them: "⌘K" or "Ctrl K", "G S", "Alt 1". One string per key to press after another. */
export function keyWords(keys: string): string[] {
  return keys.split(" ").map((one) => {
    const parts = one === "+" ? ["+"] : one.split("+");
    const words = parts.map((part) => {
      if (part === "mod") return apple ? "⌘" : "Ctrl";
      if (part === "ctrl") return apple ? "⌃" : "Ctrl";
      if (part === "alt") return apple ? "⌥" : "Alt";
      if (part === "shift") return apple ? "⇧" : "Shift";
      return SHOWN[part] ?? part.toUpperCase();
    });
    return words.join(apple ? "" : " ");
  });
}
