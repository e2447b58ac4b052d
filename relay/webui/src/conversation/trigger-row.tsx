/** What a trigger or another session sent, with the answers that it waits for. */

import { Zap } from "lucide-preact";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { clock, now } from "../lib/format";
import { Link } from "../lib/router";
import { answerText, type TriggerBlock } from "../transcript";
import { Button, errorWords, TextInput } from "../ui";
import type { LogState } from "./log-state";
import { Markdown } from "./markdown-view";

interface Choice {
  readonly words: string;
  readonly response: string;
  readonly action?: string;
}

/** Answer what can be replied with one click. */
function choices(trigger: TriggerBlock): readonly Choice[] {
  if (trigger.about === "plan") {
    return [
      { words: "Start", response: "Approved", action: "approve" },
      { words: "Drop plan", response: "Cancelled", action: "cancel" },
    ];
  }
  if (trigger.about === "complete") return [{ words: "Done with it", response: "Acknowledged", action: "ack" }];
  const question = trigger.questions[0];
  const ask = question?.asks[0];
  if (!question || !ask || question.asks.length !== 1 || ask.type !== "radio") return [];
  return ask.options.slice(0, 4).map((option) => ({ words: option, response: answerText(question, [option]) }));
}

const OWN = {
  question: { words: "Write your own answer…", action: undefined, send: "Send answer" },
  plan: { words: "Ask for changes…", action: "edit", send: "Send" },
  complete: { words: "Send it more work…", action: "followUp", send: "Send" },
} as const;

/** Draw a trigger. */
export function TriggerRow({ trigger, state }: { trigger: TriggerBlock; state: LogState }): JSX.Element {
  const at = trigger.at === undefined ? "" : ` ${clock(trigger.at, now.peek())}`;
  const from = trigger.sourceIsSession ? <Link class="link" href={`/session/${encodeURIComponent(trigger.source)}`}>From a session</Link> : "From a trigger";
  const live = state.session.phase.value === "live";
  return (
    <div class="log-you log-trigger">
      <div class="log-trigger-text">
        <Zap size={14} strokeWidth={1.75} aria-hidden="true" />
        <Markdown name={`${state.session.id} ${trigger.key}`} text={trigger.text} open={false} />
      </div>
      <span class="log-when">{from}{at}</span>
      {live && trigger.about !== "event" && trigger.sourceIsSession && <Answers trigger={trigger} state={state} about={trigger.about} />}
    </div>
  );
}

function Answers({ trigger, state, about }: { trigger: TriggerBlock; state: LogState; about: keyof typeof OWN }): JSX.Element {
  const [own, setOwn] = useState<string | null>(null);
  const [status, setStatus] = useState<"" | "sending" | "failed">("");
  const [words, setWords] = useState("");
  const said = state.answered.value.get(trigger.triggerId);
  if (said !== undefined) return <p class="log-trigger-acts meta">{said}</p>;
  const reply = async ({ words: label, response, action }: Choice): Promise<void> => {
    setStatus("sending");
    try {
      await state.session.respondToTrigger(trigger.triggerId, response, action, trigger.source);
      state.answered.value = new Map(state.answered.peek()).set(trigger.triggerId, `Answered: ${label}`);
    } catch (error) {
      setWords(errorWords(error));
      setStatus("failed");
    }
  };
  const busy = status === "sending";
  const { words: ownWords, action, send } = OWN[about];
  return (
    <div class="log-trigger-acts">
      {own === null ? (
        <>
          {choices(trigger).map((choice) => <Button key={choice.words} small busy={busy} onClick={() => void reply(choice)}>{choice.words}</Button>)}
          <Button small kind="quiet" disabled={busy} onClick={() => setOwn("")}>{ownWords}</Button>
        </>
      ) : (
        <form class="log-trigger-form" onSubmit={(event) => {
          event.preventDefault();
          if (own.trim() !== "") void reply({ words: own.trim(), response: own.trim(), ...(action ? { action } : {}) });
        }}>
          <TextInput value={own} onChange={setOwn} aria-label={ownWords} autofocus />
          <Button small kind="quiet" onClick={() => setOwn(null)}>Cancel</Button>
          <Button small type="submit" busy={busy} disabled={own.trim() === ""}>{send}</Button>
        </form>
      )}
      {status === "failed" && <span class="dg" role="alert">{words}</span>}
    </div>
  );
}
