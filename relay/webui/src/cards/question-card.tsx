/** A question of the agent: one choice, several, an order, or the person's own words; several parts go one by one. */

import { CornerDownLeft, Square } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { inField } from "../lib/keys";
import { width } from "../lib/media";
import type { Ask, Question } from "../transcript/prompts";
import { Button } from "../ui";
import { Card } from "./card";
import { type Choice, answerOf, answered, choose, move, untouched, untouchedAll, write } from "./choice";
import { OptionRow, OwnRow } from "./option-row";
import { RankedList } from "./ranked-list";
import { useSending } from "./use-sending";

/** Props of QuestionCard. Give it `key={question.id}`. */
export interface QuestionCardProps {
  question: Question;
  /** Something was typed before the question came. */
  hasDraft: boolean;
  /** The card replaced a field in which somebody was typing. */
  calm?: boolean;
  /** Send one answer per part; rejects with words. */
  onAnswer: (answers: readonly (string | readonly string[])[]) => Promise<void>;
  onStop: () => void;
}

/** For so many milliseconds after a card took the place of a field with a cursor in it, keys are not answers. */
const CALM_MS = 700;

const NOTHING_ASKED: Ask = { question: "", options: [], type: "radio" };

/** Draw the question; number keys choose, Enter goes on or sends. */
export function QuestionCard({ question, hasDraft, calm, onAnswer, onStop }: QuestionCardProps): JSX.Element {
  const [choices, setChoices] = useState(() => untouchedAll(question));
  const [step, setStep] = useState(0);
  const [ownFocus, setOwnFocus] = useState(0);
  const sending = useSending();
  const heading = useId();
  const ask = question.asks[step] ?? NOTHING_ASKED;
  const choice = choices[step] ?? untouched(ask);
  const last = step === question.asks.length - 1;
  const ready = answered(ask, choice);
  const change = (next: Choice): void => setChoices(choices.map((each, index) => (index === step ? next : each)));
  const send = (): void => {
    if (!ready || sending.busy) return;
    if (!last) setStep(step + 1);
    else sending.send(() => onAnswer(question.asks.map((each, index) => answerOf(each, choices[index] ?? choice))));
  };
  const digit = (number: number): void => {
    if (number <= ask.options.length && ask.type !== "ranked") change(choose(ask, choice, number - 1));
    else if (number === ownDigit(ask)) {
      change(choose(ask, choice, "own"));
      setOwnFocus(ownFocus + 1);
    }
  };
  useAnswerKeys(calm === true, digit, send);

  const foot = (
    <>
      <StopButton onStop={onStop} />
      <span class="ask-foot-gap" />
      {hasDraft && <span class="ask-note">Your draft is kept</span>}
      {step > 0 && <Button kind="quiet" onClick={() => setStep(step - 1)}>Back</Button>}
      <Button kind="wait" class="ask-send" disabled={!ready} busy={sending.busy} onClick={send} {...(width.value === "phone" ? {} : { after: CornerDownLeft })}>
        {sending.busy ? "Sending…" : last ? "Send answer" : "Next"}
      </Button>
    </>
  );
  return (
    <Card label="Question" waiting="Question waiting" foot={foot}>
      <div class="ask-head">
        <h2 id={heading}>{ask.question}</h2>
        {question.asks.length > 1 && <span class="ask-note num">{`${step + 1} of ${question.asks.length}`}</span>}
      </div>
      <Choices key={step} ask={ask} choice={choice} heading={heading} ownFocus={ownFocus} onChange={change} onSend={send} />
      {sending.problem && <p class="ask-problem" role="alert">{`${sending.problem} Your answer is still here.`}</p>}
    </Card>
  );
}

function ownDigit(ask: Ask): number {
  return ask.type === "ranked" ? 0 : ask.options.length + 1;
}

interface ChoicesProps {
  ask: Ask;
  choice: Choice;
  heading: string;
  ownFocus: number;
  onChange: (choice: Choice) => void;
  onSend: () => void;
}

/** The rows of one part. */
function Choices({ ask, choice, heading, ownFocus, onChange, onSend }: ChoicesProps): JSX.Element {
  const group = useId();
  const several = ask.type === "checkbox";
  const ranked = ask.type === "ranked" && ask.options.length > 0;
  const shown = (number: number): number => (number <= 9 && width.value !== "phone" && ask.options.length > 0 ? number : 0);
  const own = (
    <OwnRow
      group={group}
      several={several}
      on={choice.chosen.includes("own")}
      own={choice.own}
      digit={ranked ? 0 : shown(ownDigit(ask))}
      focus={ownFocus}
      alone={ask.options.length === 0 || ranked}
      onChoose={() => onChange(choose(ask, choice, "own"))}
      onWrite={(words) => onChange(ranked && words.trim() === "" ? { ...choice, own: "", chosen: [] } : write(ask, choice, words))}
      onSend={onSend}
    />
  );
  if (ranked) {
    return (
      <>
        <RankedList options={ask.options} order={choice.order} label={ask.question} onMove={(from, to) => onChange(move(choice, from, to))} />
        {own}
      </>
    );
  }
  return (
    <div role={several ? "group" : "radiogroup"} aria-labelledby={heading}>
      {ask.options.map((option, index) => (
        <OptionRow
          key={index}
          group={group}
          several={several}
          option={option}
          on={choice.chosen.includes(index)}
          digit={shown(index + 1)}
          first={index === 0}
          onChoose={() => onChange(choose(ask, choice, index))}
        />
      ))}
      {own}
    </div>
  );
}

/** Stop stands on every card: the way to stop the agent is always in sight. */
export function StopButton({ onStop, quiet }: { onStop: () => void; quiet?: boolean }): JSX.Element {
  const phone = width.value === "phone" && !quiet;
  return (
    <Button kind={phone ? "plain" : "quiet"} small={!phone} icon={Square} class="ask-stop" onClick={onStop}>
      Stop
    </Button>
  );
}

/** Hear number keys and Enter anywhere on the page but in fields, buttons, menus and dialogs. */
function useAnswerKeys(calm: boolean, digit: (number: number) => void, send: () => void): void {
  const now = useRef({ digit, send });
  now.current = { digit, send };
  useEffect(() => {
    let last = calm ? performance.now() : -CALM_MS;
    const hear = (event: KeyboardEvent): void => {
      if (event.timeStamp - last < CALM_MS) {
        last = event.timeStamp;
        return;
      }
      if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || inField(event)) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("dialog,[role=menu],[role=listbox],.xterm") || document.querySelector("dialog[open]")) return;
      if (/^[1-9]$/.test(event.key)) {
        event.preventDefault();
        now.current.digit(Number(event.key));
      } else if (event.key === "Enter" && !target?.closest("button,a[href],summary,[role=row]")) {
        event.preventDefault();
        now.current.send();
      }
    };
    document.addEventListener("keydown", hear, true);
    return () => document.removeEventListener("keydown", hear, true);
  }, []);
}
