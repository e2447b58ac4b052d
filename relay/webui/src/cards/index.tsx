/** What a session asks of a person, whatever it is, in the composer's place. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { OpenSession } from "../state/types";
import type { Pending } from "../transcript/prompts";
import { ApprovalCard } from "./approval-card";
import { noteElsewhere } from "./elsewhere";
import { PlanCard } from "./plan-card";
import { QuestionCard } from "./question-card";

export { optionWords } from "./choice";
export { useDragOrder } from "./use-drag-order";

/** Props of PromptCard. */
export interface PromptCardProps {
  session: OpenSession;
  pending: Exclude<Pending, { kind: "trust" }>;
  hasDraft: boolean;
  calm?: boolean;
  onStop: () => void;
}

/** Draw the card for a question, a plan or an approval of a session. */
export function PromptCard({ session, pending, hasDraft, calm = false, onStop }: PromptCardProps): JSX.Element {
  const here = useAnswerHere(session, pending.id);
  const shared = { hasDraft, onStop };
  switch (pending.kind) {
    case "question":
      return <QuestionCard key={pending.id} question={pending} calm={calm} onAnswer={(answers) => here(session.answer(pending, answers))} {...shared} />;
    case "plan":
      return <PlanCard key={pending.id} plan={pending} onDecide={(decision) => here(session.decidePlan(pending, decision))} {...shared} />;
    case "approval":
      return <ApprovalCard key={pending.id} approval={pending} onDecide={(decision) => here(session.decideApproval(pending, decision))} {...shared} />;
  }
}

/** Tell answers from here from those of other devices: what goes while this page sent nothing went elsewhere. */
function useAnswerHere(session: OpenSession, id: string): (sent: Promise<void>) => Promise<void> {
  const mine = useRef<string | null>(null);
  useEffect(
    () => () => {
      if (mine.current !== id && session.meta.peek().pending?.id !== id && session.phase.peek() === "live") noteElsewhere(id);
    },
    [session, id],
  );
  return (sent) => {
    mine.current = id;
    return sent.catch((error: unknown) => {
      mine.current = null;
      throw error;
    });
  };
}
