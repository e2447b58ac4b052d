/** What readers hear of a session on screen: that it waits, that an answer is finished, that something failed. */

import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { announce } from "../../lib/live";
import type { OpenSession } from "../../state/types";
import { headline } from "../../transcript/prompts";

/** Say it while the session is on screen; what was there before is not said. */
export function useSpoken(session: OpenSession): void {
  useEffect(() => {
    let asked: string | null = session.meta.peek().pending?.id ?? null;
    let working = session.meta.peek().active;
    let failed = newestFailure(session);
    return effect(() => {
      const { pending, active } = session.meta.value;
      const failure = newestFailure(session);
      if (pending && pending.id !== asked) announce(`Waiting for you: ${headline(pending)}`);
      if (working && !active && !pending && session.phase.peek() === "live") announce("Answer finished");
      if (failure && failure.key !== failed?.key && active) announce(`Failed: ${failure.words}`);
      asked = pending?.id ?? null;
      working = active;
      failed = failure ?? failed;
    });
  }, [session]);
}

function newestFailure(session: OpenSession): { key: string; words: string } | undefined {
  const block = session.open.value.findLast((each) => each.kind === "tool" && each.state === "failed");
  return block?.kind === "tool" ? { key: block.key, words: `${block.verb} ${block.object}`.trim() } : undefined;
}
