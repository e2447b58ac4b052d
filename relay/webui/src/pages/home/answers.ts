/** Answer what a session asks without opening it: the session is joined for as long as the answer takes. */
import { joined } from "../../sidebar/joined";
import type { Approval, PlanReview, Question } from "../../transcript/prompts";

/** Answer the one part of a question. */
export function answer(id: string, question: Question, words: string): Promise<void> {
  return joined(id, (session) => session.answer(question, [words]));
}

/** Start a plan as it is, in the present context. */
export function start(id: string, plan: PlanReview): Promise<void> {
  return joined(id, (session) => session.decidePlan(plan, { action: "execute_keep_context" }));
}

/** Allow what an extension asks for. */
export function allow(id: string, approval: Approval): Promise<void> {
  return joined(id, (session) => session.decideApproval(approval, { action: "approve", approved: true }));
}

/** Refuse it. */
export function refuse(id: string, approval: Approval): Promise<void> {
  return joined(id, (session) => session.decideApproval(approval, { action: "reject", approved: false }));
}
