/** Match answers that come as events to the requests that asked for them: exec_result and service replies. Pure. */

import type { Json } from "../transcript/wire";

interface Open {
  readonly settle: (answer: Json) => void;
  readonly fail: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Say that nobody answered, or that the connection went meanwhile. */
export class NoAnswer extends Error {
  constructor(words: string) {
    super(words);
    this.name = "NoAnswer";
  }
}

/** Hold the requests of one connection. */
export class Requests {
  private readonly open = new Map<string, Open>();
  private count = 0;

  /** Answer an id that no other request of this page has. */
  id(prefix: string): string {
    this.count += 1;
    return `${prefix}-${Date.now()}-${this.count}`;
  }

  /** Wait for the answer with this id; rejects after `timeout` milliseconds. */
  wait(id: string, timeout: number): Promise<Json> {
    return new Promise((settle, fail) => {
      const timer = setTimeout(() => {
        this.open.delete(id);
        fail(new NoAnswer("Nothing answered in time."));
      }, timeout);
      this.open.set(id, { settle, fail, timer });
    });
  }

  /** Deliver an answer; answers whether somebody waited for it. */
  answer(id: string, answer: Json): boolean {
    const request = this.open.get(id);
    if (!request) return false;
    this.open.delete(id);
    clearTimeout(request.timer);
    request.settle(answer);
    return true;
  }

  /** Fail one request: it could not even be sent. */
  refuse(id: string, error: Error): void {
    const request = this.open.get(id);
    if (!request) return;
    this.open.delete(id);
    clearTimeout(request.timer);
    request.fail(error);
  }

  /** Give up on everything: the connection is gone. */
  abandon(words: string): void {
    for (const request of this.open.values()) {
      clearTimeout(request.timer);
      request.fail(new NoAnswer(words));
    }
    this.open.clear();
  }
}
