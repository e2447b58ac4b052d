/** Something that an extension or a tool wants allowed: its fields are shown, those that may be changed become inputs. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Approval, ApprovalDecision } from "../transcript/prompts";
import { Button, type ButtonKind, Field, TextArea, TextInput } from "../ui";
import { Card } from "./card";
import { StopButton } from "./question-card";
import { useSending } from "./use-sending";

/** Props of ApprovalCard. Give it `key={approval.id}`. */
export interface ApprovalCardProps {
  approval: Approval;
  hasDraft: boolean;
  onDecide: (decision: ApprovalDecision) => Promise<void>;
  onStop: () => void;
}

/** A longer value gets a field of several lines. */
const SHORT = 40;

/** Draw the request. */
export function ApprovalCard({ approval, hasDraft, onDecide, onStop }: ApprovalCardProps): JSX.Element {
  const [editing, setEditing] = useState(false);
  const [edits, setEdits] = useState<Readonly<Record<string, string>>>({});
  const sending = useSending();
  const editable = approval.fields.some((field) => field.editable);
  const changed = Object.fromEntries(
    Object.entries(edits).filter(([key, value]) => approval.fields.some((field) => field.key === key && field.value !== value)),
  );
  const decide = (action: string): void => {
    const approved = action === "approve";
    const decision = approved && Object.keys(changed).length > 0 ? { action, approved, edits: changed } : { action, approved };
    sending.send(() => onDecide(decision));
  };
  const foot = (
    <>
      {actionsOf(approval).map((action, index) => (
        <Button
          key={action.id}
          small
          kind={action.kind}
          data-first={index === 0 ? "" : undefined}
          busy={sending.busy && action.kind === "wait"}
          disabled={sending.busy}
          onClick={() => decide(action.id)}
        >
          {action.words}
        </Button>
      ))}
      {editable && !editing && <Button small kind="quiet" onClick={() => setEditing(true)}>Edit…</Button>}
      <span class="ask-foot-gap" />
      {hasDraft && <span class="ask-note">Your draft is kept</span>}
      <StopButton quiet onStop={onStop} />
    </>
  );
  return (
    <Card label="Approval" waiting="Approval waiting" foot={foot}>
      <div class="ask-head"><h2>{approval.title || "Allow this?"}</h2></div>
      {approval.message !== "" && <p class="ask-text">{approval.message}</p>}
      {approval.fields.map((field) => {
        const value = edits[field.key] ?? field.value;
        const change = (next: string): void => setEdits({ ...edits, [field.key]: next });
        if (editing && field.editable) {
          return (
            <Field key={field.key} label={field.label}>
              {(links) => field.multiline || field.value.length > SHORT
                ? <TextArea {...links} class="ask-mono" value={value} onChange={change} rows={2} most={8} />
                : <TextInput {...links} mono value={value} onChange={change} />}
            </Field>
          );
        }
        return (
          <div key={field.key} class="ask-field">
            {approval.fields.length > 1 && <span class="ask-note">{field.label}</span>}
            <pre class="ask-out" tabIndex={0} aria-label={field.label}>{value}</pre>
          </div>
        );
      })}
      {sending.problem && <p class="ask-problem" role="alert">{sending.problem}</p>}
    </Card>
  );
}

interface Action {
  id: string;
  words: string;
  kind: ButtonKind;
}

/** Answer the buttons: those that the request names, else Allow and Refuse. The first is the amber one. */
function actionsOf(approval: Approval): readonly Action[] {
  if (approval.actions.length === 0) {
    return [
      { id: "approve", words: "Allow", kind: "wait" },
      { id: "reject", words: "Refuse", kind: "plain" },
    ];
  }
  const main = approval.actions.find((action) => action.style === "primary") ?? approval.actions[0];
  return approval.actions.map((action) => ({ id: action.id, words: action.label, kind: action === main ? "wait" : "plain" }));
}
