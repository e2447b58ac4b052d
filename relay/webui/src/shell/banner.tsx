/** "Reconnecting…": over the top of the page, only after 1.5 s, and gone without a word (brief 5). */
import { computed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { connection, retryNow } from "../api/connection";
import { announce } from "../lib/live";
import { Button, Mark } from "../ui";

/** A connection that is away shorter than this, in milliseconds, is nobody's business. */
const QUIET = 1500;

const state = computed(() => connection.value.state);

/** Whether the connection has been away long enough to speak of it. */
function useAway(): boolean {
  const [away, set] = useState(false);
  const off = state.value === "offline";
  useEffect(() => {
    if (!off) {
      set(false);
      return undefined;
    }
    const timer = setTimeout(() => set(true), QUIET);
    return () => clearTimeout(timer);
  }, [off]);
  return away;
}

/** Say aloud that the connection went and came. */
export function useConnectionWords(): void {
  const away = useAway();
  const before = useRef(false);
  useEffect(() => {
    if (away) announce("Reconnecting");
    else if (before.current) announce("Connected");
    before.current = away;
    document.documentElement.classList.toggle("stale", away);
  }, [away]);
}

/** The banner. */
export function Banner(): JSX.Element | null {
  if (!useAway()) return null;
  return (
    <div class="banner">
      <Mark state="offline" />
      <span class="grow">Reconnecting… Your text is kept.</span>
      <Button tiny kind="soft" onClick={retryNow}>Try now</Button>
    </div>
  );
}
