/** A plan that waits for a decision: its steps on a small wire, and four ways to go on. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { PlanDecision, PlanReview } from "../transcript/prompts";
import { Button, Mark, TextArea } from "../ui";
import { Card } from "./card";
import { StopButton } from "./question-card";
import { useSending } from "./use-sending";

/** Props of PlanCard. Give it `key={plan.id}`. */
export interface PlanCardProps {
  plan: PlanReview;
  hasDraft: boolean;
  onDecide: (decision: PlanDecision) => Promise<void>;
  onStop: () => void;
}

/** Draw the plan. */
export function PlanCard({ plan, hasDraft, onDecide, onStop }: PlanCardProps): JSX.Element {
  const [asking, setAsking] = useState(false);
  const [words, setWords] = useState("");
  const sending = useSending();
  const decide = (decision: PlanDecision): void => sending.send(() => onDecide(decision));
  const askFor = (): void => {
    if (words.trim() !== "") decide({ action: "edit", editSuggestion: words.trim() });
  };
  const { busy } = sending;
  const foot = asking ? (
    <>
      <Button small kind="quiet" onClick={() => setAsking(false)}>Back</Button>
      <span class="ask-foot-gap" />
      <Button small kind="wait" disabled={words.trim() === ""} busy={busy} onClick={askFor}>{busy ? "Sending…" : "Ask for changes"}</Button>
    </>
  ) : (
    <>
      <Button small kind="wait" busy={busy} data-first="" onClick={() => decide({ action: "execute_keep_context" })}>Start</Button>
      <Button small disabled={busy} onClick={() => decide({ action: "execute" })}>Start with a fresh context</Button>
      <Button small kind="quiet" disabled={busy} onClick={() => setAsking(true)}>Ask for changes…</Button>
      <span class="ask-foot-gap" />
      <Button small kind="quiet" disabled={busy} onClick={() => decide({ action: "cancel" })}>Drop plan</Button>
      <StopButton quiet onStop={onStop} />
    </>
  );
  return (
    <Card label="Plan to review" waiting="Plan waiting" foot={foot}>
      <div class="ask-head">
        <h2>{plan.title || "A plan is ready to review."}</h2>
        {hasDraft && <span class="ask-note">Your draft is kept</span>}
      </div>
      {plan.description !== "" && <p class="ask-text">{plan.description}</p>}
      <ol class="ask-steps">
        {plan.steps.map((step, index) => (
          <li key={index}>
            <Mark state="next" />
            <span>
              <b>{step.title}</b> {step.description !== "" && <span class="t3">{step.description}</span>}
            </span>
          </li>
        ))}
      </ol>
      {asking && (
        <TextArea
          value={words}
          onChange={setWords}
          rows={2}
          most={6}
          autofocus
          aria-label="What should change"
          placeholder="What should change…"
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              askFor();
            } else if (event.key === "Escape") {
              event.stopPropagation();
              setAsking(false);
            }
          }}
        />
      )}
      {sending.problem && <p class="ask-problem" role="alert">{sending.problem}</p>}
    </Card>
  );
}
