/** The agent in sight where the conversation is not: what it does now, a line to steer it, Stop, and the way back. */

import { Square } from "lucide-preact";
import type { JSX } from "preact";
import { modeOf } from "../../composer/send-mode";
import { now } from "../../lib/format";
import { clearDraft, draft } from "../../state/drafts";
import type { OpenSession, SessionRow, SessionStatus } from "../../state/types";
import { Button, Kbd, Mark, STATE_WORDS, toast } from "../../ui";
import { keyWords } from "../../lib/keys";
import { doing } from "./standing";

/** Props of LiveLine. */
export interface LiveLineProps {
  session: OpenSession;
  row: SessionRow | undefined;
  status: SessionStatus;
  onStop: () => void;
  /** The address of the conversation. */
  conversation: string;
  /** Where what waits is answered; undefined when it is in sight. */
  answer: string | undefined;
}

/** Draw the line. */
export function LiveLine({ session, row, status, onStop, conversation, answer }: LiveLineProps): JSX.Element {
  const meta = session.meta.value;
  const { words, time } = doing(session, status, row, now.value);
  const waits = status === "waiting";
  return (
    <footer class="ses-live" aria-label="The agent">
      <Mark state={status} word={STATE_WORDS[status]} />
      <span class={`ses-live-words cut med${waits ? " wt" : ""}`} title={words}>{words}</span>
      {time !== "" && <span class="meta num">{time}</span>}
      {waits ? <span class="grow" /> : status === "ended" ? <span class="grow" /> : <LiveField session={session} active={meta.active} />}
      {(status === "working" || waits) && <Button small kind="quiet" icon={Square} tip="Esc twice" onClick={onStop}>Stop</Button>}
      {waits && answer !== undefined
        ? <Button small kind="wait" href={answer}>Answer</Button>
        : <Button small kind="soft" class="ses-live-back" href={conversation}>Show conversation</Button>}
    </footer>
  );
}

/** One line of the draft; Enter sends it the way that this session's prompts go. */
function LiveField({ session, active }: { session: OpenSession; active: boolean }): JSX.Element {
  const kept = draft(session.id);
  const { text, attachments } = kept.value;
  const send = (): void => {
    if (text.trim() === "" && attachments.length === 0) return;
    clearDraft(session.id);
    session.send(text.trim(), { attachments, ...(active ? { mode: modeOf(session.id) } : {}) }).catch(() => {
      if (kept.peek().text === "") kept.value = { text, attachments };
      toast({ words: "Not sent. Your text is still here.", kind: "error" });
    });
  };
  return (
    <span class="input input-s ses-live-field">
      <input
        class="cmp-field-line"
        value={text}
        placeholder={active ? "Steer the agent…" : "Message the agent…"}
        aria-label={active ? "Steer the agent" : "Message the agent"}
        onInput={(event) => {
          kept.value = { ...kept.peek(), text: event.currentTarget.value };
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <Kbd>{keyWords("mod+j").join(" ")}</Kbd>
    </span>
  );
}
