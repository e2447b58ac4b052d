/** The queue as it was changed here: what the agent says of it is older than that for a while (sockets-browsers.md 7.8). */

import { type ReadonlySignal, signal } from "@preact/signals";

const QUIET_MS = 5_000;

/** The local word on a queue, null when the agent's counts. */
export class LocalQueue {
  private readonly own = signal<readonly string[] | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;

  readonly messages: ReadonlySignal<readonly string[] | null> = this.own;

  /** Change the queue here. */
  set(messages: readonly string[]): void {
    clearTimeout(this.timer);
    this.own.value = messages;
    this.timer = setTimeout(() => {
      this.own.value = null;
    }, QUIET_MS);
  }
}
