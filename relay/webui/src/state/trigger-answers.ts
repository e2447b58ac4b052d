/** Answer triggers of other sessions (sockets-browsers.md 2.6): acknowledged, refused by name, or silent for too long. */

import type { Viewer } from "../api/viewer";

const ANSWER_MS = 5_000;

/** The answers on their way. */
export class TriggerAnswers {
  private readonly waiting = new Set<(id: string, message: string) => void>();

  /** Send an answer; rejects with the relay's words. */
  async send(viewer: Viewer, triggerId: string, payload: object): Promise<void> {
    let hear: (id: string, message: string) => void = () => undefined;
    const refused = new Promise<never>((_settle, fail) => {
      hear = (id, message) => {
        if (id === triggerId) fail(new Error(message));
      };
    });
    this.waiting.add(hear);
    try {
      await Promise.race([viewer.ask("trigger_response", { triggerId, ...payload }, ANSWER_MS), refused]);
    } finally {
      this.waiting.delete(hear);
    }
  }

  /** Note that the relay refused one. */
  refuse(id: string, message: string): void {
    for (const hear of [...this.waiting]) hear(id, message);
  }
}
