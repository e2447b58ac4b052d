/** The title of the window: "(2) Session name · Relay", the number being sessions that wait (brief 2). */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const stack = signal<readonly { words: string }[]>([]);

/** What the page on top is called; the shell puts it into the window's title. */
export function pageTitle(): string {
  return stack.value.at(-1)?.words ?? "";
}

/** Name the page while the component is shown. */
export function useTitle(words: string): void {
  useEffect(() => {
    const entry = { words };
    stack.value = [...stack.peek(), entry];
    return () => { stack.value = stack.peek().filter((other) => other !== entry); };
  }, [words]);
}
