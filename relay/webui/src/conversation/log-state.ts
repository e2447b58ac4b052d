/** What of the log is open, and what a person did in it; it outlives rows that leave the screen. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { OpenSession } from "../state/types";
import type { Picture, ToolBlock } from "../transcript";
import type { Row } from "./rows";
import type { Viewport } from "./viewport";

/** How much of a block shows: its line, the newest lines of its output, or all. */
export type Showing = "line" | "live" | "all";

/** The state of one log. */
export class LogState {
  /** Rises when something opens or closes. */
  readonly version: ReadonlySignal<number>;
  /** The picture that fills the screen. */
  readonly picture = signal<Picture | null>(null);
  /** What was answered to triggers from here, by their ids. */
  readonly answered = signal<ReadonlyMap<string, string>>(new Map());
  private readonly changes = signal(0);
  private readonly choices = new Map<string, boolean>();
  /** Calls whose live output is on screen. */
  private readonly live = new Set<string>();

  constructor(
    readonly session: OpenSession,
    readonly view: Viewport,
  ) {
    this.version = this.changes;
  }

  /** Answer how much of a row shows. `behind` tells that another row follows it. */
  showing(row: Row, behind: boolean): Showing {
    const { shown } = row;
    const chosen = this.choices.get(row.key);
    if (shown.kind !== "tool") return chosen ? "all" : "line";
    if (shown.state === "running" && shown.output !== "" && chosen === undefined) this.live.add(shown.key);
    if (chosen !== undefined) return chosen ? "all" : "line";
    if (shown.state === "failed") return shown.output === "" ? "line" : "live";
    if (!this.live.has(shown.key)) return "line";
    // A box of live output goes in the frame in which the next block comes, and only while the end is followed.
    if (shown.state !== "running" && behind && this.view.following.peek()) this.live.delete(shown.key);
    return this.live.has(shown.key) ? "live" : "line";
  }

  /** Open or close something; what was clicked stays on its pixel. */
  set(key: string, open: boolean, clicked: Element): void {
    this.view.hold(clicked);
    this.choices.set(key, open);
    this.changes.value += 1;
  }

  /** Whether something inside a row was opened by hand. */
  isOpen(key: string): boolean {
    return this.choices.get(key) === true;
  }

  /** Answer a path as seen from the folder of the session. */
  relative(path: string): string {
    const { cwd } = this.session.meta.peek();
    return cwd !== "" && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
  }
}

/** Answer the arguments of a call that its line does not say. */
export function moreArgs(tool: ToolBlock): readonly (readonly [string, string])[] {
  if (tool.diff || tool.sort === "todo" || tool.sort === "ask" || tool.sort === "plan") return [];
  const rest: [string, string][] = [];
  for (const [name, value] of Object.entries(tool.args)) {
    if (value === undefined || value === null) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text.trim() === tool.object && !tool.object.includes("\n") && tool.object.length < 80) continue;
    rest.push([name, text]);
  }
  return rest;
}
