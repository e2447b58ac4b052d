/** Commands that the relay's own page carries out; everything else that begins with `/` goes to the agent. */

import type { Command, OpenSession } from "../state/types";

/** A command of this page. */
export interface OwnCommand extends Command {
  readonly run: (rest: string) => Promise<void> | void;
}

/** Answer the commands that every session has. `more` are those of the page around it. */
export function ownCommands(session: OpenSession, more: readonly OwnCommand[]): readonly OwnCommand[] {
  const make = (name: string, description: string, argumentHint: string, run: OwnCommand["run"]): OwnCommand => ({
    name,
    description,
    argumentHint,
    source: "relay",
    completions: [],
    run,
  });
  return [
    make("compact", "Summarise earlier messages to free context", "what to keep", (rest) => session.compact(rest === "" ? undefined : rest)),
    make("plan", "Plan first and wait for approval, or stop doing so", "", () => session.setPlanMode(!session.meta.peek().planMode)),
    make("stop", "Stop the agent", "", () => session.stop()),
    ...more,
  ];
}

/** Answer one list of both; a command of this page takes the place of the agent's of the same name. */
export function allCommands(own: readonly OwnCommand[], agents: readonly Command[]): readonly Command[] {
  const names = new Set(own.map((command) => command.name));
  return [...own, ...agents.filter((command) => !names.has(command.name))];
}
