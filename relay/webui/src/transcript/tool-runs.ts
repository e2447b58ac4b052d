/** Keep what tool calls do and came to. Pure. */

import type { Result } from "./message-blocks";
import { type Json, obj, same, str } from "./wire";

/** Their output is the question itself; the answer comes as the result. */
const SILENT: ReadonlySet<string> = new Set(["AskUserQuestion", "plan_mode"]);

/** The calls of one transcript. */
export class ToolRuns {
  private results = new Map<string, Result>();
  private readonly running = new Map<string, { startedAt: number | undefined }>();
  private readonly seconds = new Map<string, number>();
  /** Results of the newest snapshot; their calls may stand on an older page. */
  private told: ReadonlySet<string> = new Set();

  constructor(private readonly now: () => number) {}

  result(id: string): Result | undefined {
    return this.results.get(id);
  }

  isRunning(id: string): { readonly startedAt: number | undefined } | undefined {
    return this.running.get(id);
  }

  took(id: string): number | undefined {
    return this.seconds.get(id);
  }

  /** Answer the ids of the calls that run. */
  get active(): Iterable<string> {
    return this.running.keys();
  }

  get anyActive(): boolean {
    return this.running.size > 0;
  }

  start(id: string): void {
    if (id !== "") this.running.set(id, { startedAt: this.now() });
  }

  update(event: Json): void {
    const id = str(event.toolCallId);
    if (id === "" || SILENT.has(str(event.toolName))) return;
    const known = this.results.get(id);
    if (known && !known.partial) return;
    if (!this.running.has(id)) this.running.set(id, { startedAt: undefined });
    const { content, details } = obj(event.partialResult);
    const message = { role: "toolResult", toolCallId: id, toolName: event.toolName, content, details };
    this.results.set(id, { message, partial: true });
  }

  /** Note the end; the result message that follows takes the place of what is noted here. */
  end(event: Json): void {
    const id = str(event.toolCallId);
    this.stop(id);
    const known = this.results.get(id);
    if (known && !known.partial) return;
    const { content, details } = obj(event.result);
    const isError = event.isError === true;
    const message = { role: "toolResult", toolCallId: id, toolName: event.toolName, content, details, isError };
    this.results.set(id, { message, partial: false });
  }

  finish(id: string, message: Json): void {
    this.stop(id);
    const known = this.results.get(id);
    if (known && !known.partial && same(known.message, message)) return;
    this.results.set(id, { message, partial: false });
  }

  /** Take the results of a snapshot and the calls that wait; what was measured stays. */
  replace(results: readonly Json[], waiting: readonly string[]): void {
    const next = new Map(this.results);
    for (const message of results) {
      const id = str(message.toolCallId);
      const known = this.results.get(id);
      next.set(id, known && !known.partial && same(known.message, message) ? known : { message, partial: false });
    }
    for (const id of waiting) {
      const known = this.results.get(id);
      if (!this.running.has(id) && known?.partial !== false) this.running.set(id, { startedAt: undefined });
    }
    for (const id of [...this.running.keys()]) if (!waiting.includes(id)) this.stop(id);
    this.results = next;
    this.told = new Set(results.map((message) => str(message.toolCallId)));
  }

  /** Forget the results of calls that are not in the transcript. */
  prune(owned: (id: string) => boolean): void {
    for (const id of [...this.results.keys()]) if (!owned(id) && !this.told.has(id)) this.results.delete(id);
  }

  /** Note that nothing runs any more; answers what ran. A partial output stays to be read. */
  stopAll(): readonly string[] {
    const ids = [...this.running.keys()];
    this.running.clear();
    return ids;
  }

  private stop(id: string): void {
    const run = this.running.get(id);
    if (!run) return;
    this.running.delete(id);
    if (run.startedAt !== undefined) this.seconds.set(id, (this.now() - run.startedAt) / 1_000);
  }
}
