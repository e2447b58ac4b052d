/** What a session asks of a person, whatever it is, in the composer's place. */

import type { JSX } from "preact";
import type { OpenSession } from "../state/types";
import type { Pending } from "../transcript/prompts";
import { ApprovalCard } from "./approval-card";
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
  const shared = { hasDraft, onStop };
  switch (pending.kind) {
    case "question":
      return <QuestionCard key={pending.id} question={pending} calm={calm} onAnswer={(answers) => session.answer(pending, answers)} {...shared} />;
    case "plan":
      return <PlanCard key={pending.id} plan={pending} onDecide={(decision) => session.decidePlan(pending, decision)} {...shared} />;
    case "approval":
      return <ApprovalCard key={pending.id} approval={pending} onDecide={(decision) => session.decideApproval(pending, decision)} {...shared} />;
  }
}
