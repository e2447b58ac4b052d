/** What kind of screen this is. */
import { signal, type ReadonlySignal } from "@preact/signals";

/** The three widths of the brief: under 700, under 1180, and wider. */
export type Width = "phone" | "tablet" | "desktop";

function watch(media: string): ReadonlySignal<boolean> {
  if (typeof matchMedia === "undefined") return signal(false);
  const list = matchMedia(media);
  const matches = signal(list.matches);
  list.addEventListener("change", () => (matches.value = list.matches));
  return matches;
}

const phone = watch("(max-width: 699.98px)");
const desktop = watch("(min-width: 1180px)");
const chosen = signal<Width>("desktop");

/** The layout to use now. */
export const width: ReadonlySignal<Width> = chosen;
/** Whether the main pointer is a finger: targets are 44 px, nothing depends on hovering. */
export const touch: ReadonlySignal<boolean> = watch("(pointer: coarse)");
/** Whether the person asked for less motion. */
export const reducedMotion: ReadonlySignal<boolean> = watch("(prefers-reduced-motion: reduce)");
/** Whether the system is dark. */
export const systemDark: ReadonlySignal<boolean> = watch("(prefers-color-scheme: dark)");
/** Whether this page has what needs TLS: notifications, service worker, clipboard reading, microphone. */
export const secure: boolean = typeof window === "undefined" || window.isSecureContext;
/** Whether this is an Apple machine, where the command key is used. */
export const apple: boolean = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

function settle(): void {
  chosen.value = phone.value ? "phone" : desktop.value ? "desktop" : "tablet";
}
settle();
phone.subscribe(settle);
desktop.subscribe(settle);
