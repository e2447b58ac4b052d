/** Numbers and times in the words of the brief (section 8). Pure but for `now`. */
import { signal, type ReadonlySignal } from "@preact/signals";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const ticking = signal(Date.now());
/** The time in milliseconds; moves once a second while the page is visible. */
export const now: ReadonlySignal<number> = ticking;

if (typeof document !== "undefined") {
  const tick = (): void => {
    if (document.visibilityState === "visible") ticking.value = Date.now();
  };
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
}

/** How long ago: "now", "2m", "3h", "1d" up to six days, then "3 Nov" (with the year when it is another). Milliseconds in. */
export function ago(then: number, present: number): string {
  const gone = present - then;
  if (gone < MINUTE) return "now";
  if (gone < HOUR) return `${Math.floor(gone / MINUTE)}m`;
  if (gone < DAY) return `${Math.floor(gone / HOUR)}h`;
  if (gone < 7 * DAY) return `${Math.floor(gone / DAY)}d`;
  return day(then, present);
}

/** A day: "3 Nov", and "3 Nov 2024" when it is not of this year. */
export function day(then: number, present: number = Date.now()): string {
  const date = new Date(then);
  const year = date.getFullYear() === new Date(present).getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()]}${year}`;
}

/** A moment: "14:02" today, "Mon 18:40" within six days, else "3 Nov". */
export function clock(then: number, present: number = Date.now()): string {
  const date = new Date(then);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const today = new Date(present);
  if (date.toDateString() === today.toDateString()) return time;
  const gone = present - then;
  if (gone > 0 && gone < 6 * DAY) return `${WEEKDAYS[date.getDay()]} ${time}`;
  return day(then, present);
}

/** How long something took: "0.2 s", "9.4 s", "42 s", "2m 14s", "1h 5m". Milliseconds in. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

/** A running time that ticks in whole seconds: "4 s", "2m 14s". Milliseconds in. */
export function elapsed(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  return whole < 60 ? `${whole} s` : duration(whole * 1000);
}

/** A count: "812", "8.6k", "86k", "1.1 M". */
export function count(n: number): string {
  if (n < 1000) return String(Math.round(n));
  if (n < 9950) return `${trim(n / 1000)}k`;
  if (n < 999_500) return `${Math.round(n / 1000)}k`;
  return `${trim(n / 1_000_000)} M`;
}

/** A size: "240 B", "12 kB", "1.4 MB". Bytes in, powers of 1000. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const [unit, size] of [["kB", 1e3], ["MB", 1e6], ["GB", 1e9]] as const) {
    if (n < size * 999.5) return `${n / size < 9.95 ? trim(n / size) : Math.round(n / size)} ${unit}`;
  }
  return `${trim(n / 1e12)} TB`;
}

/** Dollars: "$0.42", "$34.32", "$0.004" when it is less than a cent. */
export function money(n: number): string {
  if (n > 0 && n < 0.01) return `$${n.toFixed(3)}`;
  return `$${n.toFixed(2)}`;
}

/** A number and its noun: "1 file", "3 files". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** The last part of a path, or the path itself when it has none. */
export function baseName(path: string): string {
  return path.replace(/[\\/]+$/, "").split(/[\\/]/).pop() || path;
}

/** A path with the home directory as "~". */
export function tilde(path: string, home?: string): string {
  return home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
}

/** A text cut in the middle so that its end (the file name) stays: "src/…/retry.py". */
export function middle(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.ceil((most - 1) * 0.6);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

function trim(n: number): string {
  return n.toFixed(1).replace(/\.0$/, "");
}
