/** In the composer's place when the session has ended: when, and the two ways to go on. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { clock, now } from "../lib/format";
import { Button, Mark, errorWords, toast } from "../ui";

/** Props of EndedBar. */
export interface EndedBarProps {
  /** Ms since the epoch; undefined when nobody knows. */
  endedAt: number | undefined;
  /** Take the conversation up again; undefined when its runner is not known. */
  onResume: (() => Promise<void>) | undefined;
  /** The address of the new-session dialog for the same place. */
  newHref: string;
}

/** Draw the bar. */
export function EndedBar({ endedAt, onResume, newHref }: EndedBarProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const resume = (): void => {
    if (!onResume || busy) return;
    setBusy(true);
    onResume()
      .catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }))
      .finally(() => setBusy(false));
  };
  return (
    <div class="cmp-ended">
      <Mark state="ended" />
      <span class="grow">{endedAt === undefined ? "Ended" : `Ended at ${clock(endedAt, now.value)}`}</span>
      {onResume && <Button small busy={busy} onClick={resume}>{busy ? "Resuming…" : "Resume"}</Button>}
      <Button small kind="quiet" href={newHref}>New session here</Button>
    </div>
  );
}
