/** Send an answer once: busy while it is under way, the reason in words when it did not arrive. */

import { useEffect, useRef, useState } from "preact/hooks";

/** What a card shows of its answer. */
export interface Sending {
  readonly busy: boolean;
  /** Why it did not arrive; "" while all is well. */
  readonly problem: string;
  /** Send; a second call while the first is under way does nothing. */
  readonly send: (answer: () => Promise<void>) => void;
}

/** Keep the state of one card's answer. */
export function useSending(): Sending {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const here = useRef(true);
  const under = useRef(false);
  useEffect(() => () => void (here.current = false), []);
  const send = (answer: () => Promise<void>): void => {
    if (under.current) return;
    under.current = true;
    setBusy(true);
    setProblem("");
    answer()
      .catch((error: unknown) => {
        if (here.current) setProblem(error instanceof Error && error.message ? error.message : "It was not sent.");
      })
      .finally(() => {
        under.current = false;
        if (here.current) setBusy(false);
      });
  };
  return { busy, problem, send };
}
