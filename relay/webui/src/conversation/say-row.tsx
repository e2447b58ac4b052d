/** What the agent says and thinks, and notes of its extensions. */

import type { JSX } from "preact";
import { elapsed, now } from "../lib/format";
import type { AnswerBlock, NoteBlock, NoticeBlock, ThinkingBlock } from "../transcript";
import { Button, errorWords, toast } from "../ui";
import { clock } from "../lib/format";
import type { LogState } from "./log-state";
import { Markdown } from "./markdown-view";
import { Line } from "./parts";

/** An answer; when it was cut short, what cut it stands below. */
export function AnswerRow({ answer, last, state }: { answer: AnswerBlock; last: boolean; state: LogState }): JSX.Element {
  return (
    <div class="log-say">
      {answer.markdown !== "" && <Markdown name={`${state.session.id} ${answer.key}`} text={answer.markdown} open={answer.open} />}
      {answer.cut && <CutLine answer={answer} last={last} state={state} />}
    </div>
  );
}

const CUT_WORDS = { stopped: "You stopped this answer", length: "The answer hit the length limit", error: "" } as const;

function CutLine({ answer, last, state }: { answer: AnswerBlock; last: boolean; state: LogState }): JSX.Element {
  const words = answer.cut === "error" ? answer.message || "The provider refused." : CUT_WORDS[answer.cut ?? "stopped"];
  const goOn = answer.cut === "error" ? "Try again" : "Continue";
  return (
    <div class={`log-cut log-cut-${answer.cut}`}>
      <span class="log-cut-mark"><span class={`mk ${answer.cut === "error" ? "mk-fail" : "mk-end"}`} aria-hidden="true" /></span>
      <span class="log-cut-words">{words}</span>
      {last && answer.cut !== "stopped" && state.session.phase.value === "live" && (
        <Button tiny kind="soft" onClick={() => void send(state, answer.cut === "error" ? "Try again." : "Continue.")}>{goOn}</Button>
      )}
      {answer.at !== undefined && <span class="log-sum">{clock(answer.at, now.peek())}</span>}
    </div>
  );
}

async function send(state: LogState, text: string): Promise<void> {
  try {
    await state.session.send(text);
  } catch (error) {
    toast({ words: errorWords(error), kind: "error" });
  }
}

/** One line about thinking; opened, what was thought. */
export function ThinkingRow({ thought, open, state }: { thought: ThinkingBlock; open: boolean; state: LogState }): JSX.Element {
  const can = !thought.redacted && thought.text.trim() !== "";
  return (
    <>
      <Line quiet open={open} onToggle={can ? (clicked) => state.set(thought.key, !open, clicked) : undefined}>
        <span>{thoughtWords(thought)}</span>
      </Line>
      {open && can && <div class="log-thought">{thought.text.trim()}</div>}
    </>
  );
}

function thoughtWords(thought: ThinkingBlock): string {
  if (thought.open) return thought.startedAt === undefined ? "Thinking…" : `Thinking… ${elapsed(Math.max(0, now.value - thought.startedAt))}`;
  return thought.seconds === undefined || thought.seconds <= 0 ? "Thought" : `Thought for ${elapsed(thought.seconds * 1000)}`;
}

/** A thin centred line. */
export function NoticeRow({ notice, open, state }: { notice: NoticeBlock; open: boolean; state: LogState }): JSX.Element {
  const words = notice.tone === "error" ? <span class="dg">{notice.words}</span> : notice.words;
  return (
    <>
      <div class="log-notice-line">
        {notice.detail ? (
          <button type="button" aria-expanded={open} onClick={(event) => state.set(notice.key, !open, event.currentTarget)}>{words}</button>
        ) : (
          <span>{words}</span>
        )}
      </div>
      {open && notice.detail && <div class="log-say log-detail"><Markdown name={`${state.session.id} ${notice.key}`} text={notice.detail} open={false} /></div>}
    </>
  );
}

/** What an extension wrote. */
export function NoteRow({ note, state }: { note: NoteBlock; state: LogState }): JSX.Element {
  return (
    <div class="log-say">
      {note.title && <p class="log-note-title m">{note.title}</p>}
      <Markdown name={`${state.session.id} ${note.key}`} text={note.markdown} open={false} />
    </div>
  );
}
