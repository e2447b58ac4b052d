/** Reach the agent of a session that is not open: watch it for the length of one command. */

import { type Viewer, openViewer } from "../api/viewer";

const CONNECT_MS = 10_000;
const open = new Map<string, Viewer>();

/** Note the viewer of a session on screen, so that its own connection is used; null when it is closed. */
export function noteViewer(sessionId: string, viewer: Viewer | null): void {
  if (viewer) open.set(sessionId, viewer);
  else open.delete(sessionId);
}

/** Run something with a session's agent; rejects with words when it cannot be reached. */
export async function withAgent<T>(sessionId: string, run: (viewer: Viewer) => Promise<T>): Promise<T> {
  const known = open.get(sessionId);
  if (known?.online) return run(known);
  let viewer: Viewer | undefined;
  const ready = new Promise<void>((settle, fail) => {
    const timer = setTimeout(() => fail(new Error("The agent did not answer in time.")), CONNECT_MS);
    viewer = openViewer(sessionId, {
      connected: () => {
        clearTimeout(timer);
        settle();
      },
      gone: () => {
        clearTimeout(timer);
        fail(new Error("This session has ended."));
      },
      error: (message) => {
        clearTimeout(timer);
        fail(new Error(message));
      },
      event: () => undefined,
      page: () => undefined,
      other: () => undefined,
      online: () => undefined,
      stalled: () => undefined,
      expectant: () => ({ active: false, incomplete: false }),
    });
  });
  try {
    await ready;
    return await run(viewer as Viewer);
  } finally {
    viewer?.close();
  }
}
