/** Do one thing in a session that is not on screen. */
import { effect } from "@preact/signals";
import { openSession } from "../state/session";
import type { OpenSession } from "../state/types";

/** Milliseconds until a session that does not let us in counts as out of reach. */
const PATIENCE = 15_000;

/** Open a session, wait until it is live, do something, and leave it again. Rejects with words. */
export async function joined<T>(id: string, act: (session: OpenSession) => Promise<T>, patience = PATIENCE): Promise<T> {
  const session = openSession(id);
  try {
    await live(session, patience);
    return await act(session);
  } finally {
    session.close();
  }
}

function live(session: OpenSession, patience: number): Promise<void> {
  return new Promise((settle, fail) => {
    let stop: () => void = () => undefined;
    const done = (then: () => void): void => {
      clearTimeout(timer);
      queueMicrotask(() => stop());
      then();
    };
    const timer = setTimeout(() => done(() => fail(new Error("The session did not answer in time. Open it to try again."))), patience);
    stop = effect(() => {
      const phase = session.phase.value;
      if (phase === "live") done(settle);
      else if (phase === "ended" || phase === "gone" || phase === "failed") {
        done(() => fail(new Error(session.reason.value || "This session is not here any more.")));
      }
    });
  });
}
