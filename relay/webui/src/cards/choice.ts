/** What a person has chosen so far on a question card, and the answer that follows from it. Pure. */

import type { Ask, Question } from "../transcript/prompts";

/** The state of one part of a question. */
export interface Choice {
  /** Options chosen by their place in `ask.options`; `own` stands for the person's own answer. */
  readonly chosen: readonly (number | "own")[];
  /** The person's own words, kept while another option is chosen. */
  readonly own: string;
  /** The order of the options of a ranked part, best first. */
  readonly order: readonly number[];
}

/** An option as it is shown: the agent sends one text, of which what follows a dash or a new line explains the rest. */
export interface OptionWords {
  readonly label: string;
  readonly detail: string;
}

/** Split an option into its label and the line that explains it. The whole text stays the answer. */
export function optionWords(option: string): OptionWords {
  const found = /^(.{1,80}?)(?:\s+[—–]\s+|\s+-\s+|\s*\n+\s*)(\S[\s\S]*)$/.exec(option.trim());
  if (found?.[1] && found[2]) return { label: found[1].trim(), detail: found[2].trim() };
  return { label: option.trim(), detail: "" };
}

/** Answer what a part looks like before anybody touched it. */
export function untouched(ask: Ask): Choice {
  return { chosen: [], own: "", order: ask.options.map((_option, index) => index) };
}

/** Choose an option, or take it back where several may be chosen. */
export function choose(ask: Ask, choice: Choice, option: number | "own"): Choice {
  if (ask.type === "checkbox") {
    const has = choice.chosen.includes(option);
    return { ...choice, chosen: has ? choice.chosen.filter((each) => each !== option) : [...choice.chosen, option] };
  }
  return { ...choice, chosen: [option] };
}

/** Write the person's own answer; words choose it, no words let go of it. */
export function write(ask: Ask, choice: Choice, own: string): Choice {
  const others = ask.type === "checkbox" ? choice.chosen.filter((each) => each !== "own") : [];
  return { ...choice, own, chosen: own.trim() === "" && ask.type === "checkbox" ? others : [...others, "own"] };
}

/** Move the option at one place of the ranking to another place. */
export function move(choice: Choice, from: number, to: number): Choice {
  return { ...choice, order: moved(choice.order, from, to) };
}

/** Answer a list with the item at `from` at place `to`; places outside the list are drawn to its ends. */
export function moved<T>(list: readonly T[], from: number, to: number): readonly T[] {
  const item = list[from];
  if (item === undefined) return list;
  const rest = list.filter((_each, index) => index !== from);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), item, ...rest.slice(place)];
}

/** Answer whether a part has an answer. */
export function answered(ask: Ask, choice: Choice): boolean {
  if (ask.type === "ranked" && !choice.chosen.includes("own")) return choice.order.length > 0;
  return choice.chosen.length > 0 && (!choice.chosen.includes("own") || choice.own.trim() !== "");
}

/** Write the answer to one part: an option, several in the order they are listed, or a ranking with numbers. */
export function answerOf(ask: Ask, choice: Choice): string | readonly string[] {
  if (ask.type === "ranked" && !choice.chosen.includes("own")) {
    return choice.order.map((option, place) => `${place + 1}. ${ask.options[option] ?? ""}`);
  }
  const picked = ask.options.filter((_option, index) => choice.chosen.includes(index));
  const all = choice.chosen.includes("own") ? [...picked, choice.own.trim()] : picked;
  return ask.type === "checkbox" ? all : (all[0] ?? "");
}

/** Answer what to show for a question of which nothing is chosen yet. */
export function untouchedAll(question: Question): readonly Choice[] {
  return question.asks.map(untouched);
}
