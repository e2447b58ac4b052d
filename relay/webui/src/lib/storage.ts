/** Signals that this browser remembers. */
import { effect, signal, type Signal } from "@preact/signals";

const PREFIX = "relay.";
const made = new Map<string, Signal<unknown>>();

/**
 * A signal kept in localStorage under "relay.{key}", and in step with other tabs. Where storage is forbidden or full it lives
 * as long as the page. `valid` refuses what an older version wrote.
 */
export function local<T>(key: string, initial: T, valid: (value: unknown) => boolean = () => true): Signal<T> {
  const known = made.get(key);
  if (known) return known as Signal<T>;
  const kept = signal<T>(load(key, initial, valid));
  made.set(key, kept as Signal<unknown>);
  let first = true;
  effect(() => {
    const text = JSON.stringify(kept.value);
    if (first) first = false;
    else save(key, text);
  });
  if (typeof window !== "undefined") {
    window.addEventListener("storage", (event) => {
      if (event.key === PREFIX + key) kept.value = load(key, initial, valid);
    });
  }
  return kept;
}

function load<T>(key: string, initial: T, valid: (value: unknown) => boolean): T {
  try {
    const text = localStorage.getItem(PREFIX + key);
    if (text === null) return initial;
    const value: unknown = JSON.parse(text);
    return valid(value) ? (value as T) : initial;
  } catch {
    return initial;
  }
}

function save(key: string, text: string | undefined): void {
  try {
    if (text === undefined) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, text);
  } catch {
    // Full or forbidden: the value lives as long as the page.
  }
}
