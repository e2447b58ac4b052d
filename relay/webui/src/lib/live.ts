/** One polite live region for everything that is said aloud (brief 9). */
import { signal, type ReadonlySignal } from "@preact/signals";

/** Between two announcements lie at least so many milliseconds. */
const PAUSE = 2000;

const said = signal("");
/** What the live region holds; only shell/ shows it. */
export const announcement: ReadonlySignal<string> = said;

const waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Say something aloud as soon as 2 s have passed since the last; the same words twice in the queue are said once. */
export function announce(text: string): void {
  if (!waiting.includes(text)) waiting.push(text);
  if (waiting.length > 5) waiting.splice(0, waiting.length - 5);
  if (timer === undefined) speak();
}

function speak(): void {
  const next = waiting.shift();
  if (next === undefined) {
    timer = undefined;
    return;
  }
  // A trailing no-break space makes a repeated sentence a change, which readers speak again.
  said.value = said.value === next ? `${next}\u00a0` : next;
  timer = setTimeout(speak, PAUSE);
}
