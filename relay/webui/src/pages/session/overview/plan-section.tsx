/** The agent's list of steps, on a small wire, and the goal it was given. */

import type { JSX } from "preact";
import type { Goal, Todo } from "../../../state/types";
import { Mark, type MarkState } from "../../../ui";
import { Section } from "./section";

const MARKS: Readonly<Record<Todo["status"], MarkState>> = { done: "done", in_progress: "working", pending: "next", cancelled: "ended" };
const WORDS: Readonly<Record<Todo["status"], string>> = { done: "Done", in_progress: "Now", pending: "To do", cancelled: "Dropped" };

/** Draw the steps; nothing when the agent keeps no list. */
export function PlanSection({ todo, active }: { todo: readonly Todo[]; active: boolean }): JSX.Element | null {
  const counted = todo.filter((step) => step.status !== "cancelled");
  if (counted.length === 0) return null;
  const done = counted.filter((step) => step.status === "done").length;
  return (
    <Section title="Plan" end={`${done} of ${counted.length}`}>
      <ol class="ovw-plan">
        {todo.map((step) => (
          <li key={step.id} class={step.status === "in_progress" ? "now" : step.status}>
            <Mark state={step.status === "in_progress" && !active ? "next" : MARKS[step.status]} word={WORDS[step.status]} />
            <span>{step.text}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

const GOAL_WORDS: Readonly<Record<string, string>> = { active: "Under way", met: "Met", failed: "Not met", cancelled: "Dropped" };

/** Draw the goal that the agent works towards. */
export function GoalSection({ goal }: { goal: Goal | null }): JSX.Element | null {
  if (!goal || goal.description === "") return null;
  return (
    <Section title="Goal" end={GOAL_WORDS[goal.status] ?? goal.status}>
      <p class="ovw-text">{goal.description}</p>
      <p class="meta num">{goal.maxTurns === undefined ? `Turn ${goal.turnCount}` : `Turn ${goal.turnCount} of ${goal.maxTurns}`}</p>
    </Section>
  );
}
