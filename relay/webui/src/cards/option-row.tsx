/** One row to choose from: a radio button or a check box with its words, its explanation and its number key. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Kbd } from "../ui";
import { optionWords } from "./choice";

/** Props of OptionRow. */
export interface OptionRowProps {
  group: string;
  several: boolean;
  option: string;
  on: boolean;
  /** The number key, 0 for none. */
  digit: number;
  first: boolean;
  onChoose: () => void;
}

/** Draw an option of the agent. */
export function OptionRow({ group, several, option, on, digit, first, onChoose }: OptionRowProps): JSX.Element {
  const { label, detail } = optionWords(option);
  return (
    <label class={`ask-opt${on ? " on" : ""}`}>
      <input
        class={several ? "ask-box" : "ask-radio"}
        type={several ? "checkbox" : "radio"}
        name={group}
        checked={on}
        data-first={first ? "" : undefined}
        onChange={onChoose}
      />
      <span class="ask-words">
        <b>{label}</b>
        {detail !== "" && <span class="ask-detail">{detail}</span>}
      </span>
      {digit > 0 && <Digit digit={digit} />}
    </label>
  );
}

/** Props of OwnRow. */
export interface OwnRowProps {
  group: string;
  several: boolean;
  on: boolean;
  own: string;
  digit: number;
  /** Whether the field shall take the focus, because its number key was pressed. */
  focus: number;
  alone: boolean;
  onChoose: () => void;
  onWrite: (own: string) => void;
  onSend: () => void;
}

/** Draw the row for the person's own answer; it grows with what is written, up to six lines. */
export function OwnRow(props: OwnRowProps): JSX.Element {
  const { group, several, on, own, digit, focus, alone, onChoose, onWrite, onSend } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focus > 0) field.current?.focus();
  }, [focus]);
  useEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 132)}px`;
  }, [own]);
  return (
    <div class={`ask-opt ask-own${on ? " on" : ""}`}>
      {!alone && (
        <input
          class={several ? "ask-box" : "ask-radio"}
          type={several ? "checkbox" : "radio"}
          name={group}
          checked={on}
          aria-label="Your own answer"
          onChange={() => {
            onChoose();
            field.current?.focus();
          }}
        />
      )}
      <textarea
        ref={field}
        class="ask-write"
        rows={1}
        value={own}
        placeholder="Write your own answer…"
        aria-label="Write your own answer"
        data-first={alone ? "" : undefined}
        onInput={(event) => onWrite(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            onSend();
          } else if (event.key === "Escape") {
            event.stopPropagation();
            event.currentTarget.blur();
            event.currentTarget.closest<HTMLElement>(".ask")?.focus();
          }
        }}
      />
      {digit > 0 && <Digit digit={digit} />}
    </div>
  );
}

function Digit({ digit }: { digit: number }): JSX.Element {
  return (
    <span class="ask-digit" aria-hidden="true">
      <Kbd>{digit}</Kbd>
    </span>
  );
}
