/** Model, thinking and plan mode: one button of the composer, and the same choices in the phone's sheet. */

import { ChevronDown } from "lucide-preact";
import type { JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { Model, OpenSession, SessionMeta } from "../state/types";
import { Button, Segments, Switch, TextInput, errorWords, toast } from "../ui";
import { Popover } from "./popover";

/** A list longer than this has a field to find a model. */
const FIND_FROM = 10;
const LEVELS = ["off", "low", "medium", "high"];
const LEVEL_WORDS: Readonly<Record<string, string>> = { off: "Off", minimal: "Least", low: "Low", medium: "Medium", high: "High", xhigh: "Higher", max: "Most" };

/** Answer the levels of thinking that a model takes; none for one that does not think. */
export function levelsOf(model: Model | null): readonly string[] {
  if (!model?.reasoning) return [];
  return model.thinkingLevels.length > 0 ? model.thinkingLevels : LEVELS;
}

/** Answer the word for a level. */
export function levelWords(level: string): string {
  return LEVEL_WORDS[level] ?? level.charAt(0).toUpperCase() + level.slice(1);
}

/** Answer what stands on the button: model, and thinking and plan mode when they are on. */
export function modelWords(meta: SessionMeta): { name: string; more: string } {
  const parts: string[] = [];
  if (meta.thinkingLevel && meta.thinkingLevel !== "off") parts.push(levelWords(meta.thinkingLevel).toLowerCase());
  if (meta.planMode) parts.push("plan first");
  return { name: meta.model?.name ?? "Model", more: parts.map((part) => `, ${part}`).join("") };
}

/** The button that opens the choices. */
export function ModelButton({ session }: { session: OpenSession }): JSX.Element {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { name, more } = modelWords(session.meta.value);
  return (
    <>
      <Button
        small
        kind="quiet"
        class="cmp-model"
        after={ChevronDown}
        buttonRef={button}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={`Model and thinking: ${name}${more}`}
        tip="Model, thinking, plan first"
        onClick={() => setOpen(!open)}
      >
        <span class="cut">{name}<span class="cmp-model-more">{more}</span></span>
      </Button>
      {open && button.current && (
        <Popover anchor={button.current} label="Model and thinking" onClose={() => setOpen(false)}>
          <ModelChoices session={session} />
        </Popover>
      )}
    </>
  );
}

/** The choices themselves. What is chosen takes effect with the agent's next step. */
export function ModelChoices({ session }: { session: OpenSession }): JSX.Element {
  const meta = session.meta.value;
  const [find, setFind] = useState("");
  const [asked, setAsked] = useState("");
  const group = useId();
  const attempt = (what: Promise<void>): void => {
    what.catch((error: unknown) => toast({ words: errorWords(error), kind: "error" })).finally(() => setAsked(""));
  };
  const wanted = find.trim().toLowerCase();
  const models = meta.models.filter((model) => `${model.name} ${model.id} ${model.provider}`.toLowerCase().includes(wanted));
  const present = meta.model ? keyOf(meta.model) : "";
  const levels = levelsOf(meta.model);
  const providers = [...new Set(models.map((model) => model.provider))];
  return (
    <div class="cmp-choices">
      {meta.models.length > FIND_FROM && <TextInput small value={find} onChange={setFind} placeholder="Find a model" aria-label="Find a model" />}
      <div class="cmp-models" role="radiogroup" aria-label="Model">
        {models.length === 0 && <p class="meta">{wanted ? `Nothing matches “${find}”.` : "The agent has not said which models it can use."}</p>}
        {providers.map((provider) => (
          <div key={provider}>
            {providers.length > 1 && <h3 class="cmp-provider">{provider}</h3>}
            {models.filter((model) => model.provider === provider).map((model) => {
              const key = keyOf(model);
              return (
                <label key={key} class={`cmp-model-row${key === present ? " on" : ""}`}>
                  <input
                    type="radio"
                    class="hide"
                    name={group}
                    checked={key === present}
                    onChange={() => {
                      setAsked(key);
                      attempt(session.setModel(model.provider, model.id));
                    }}
                  />
                  <span class="cut grow">{model.name}</span>
                  <span class="meta">{asked === key ? "Switching…" : model.contextWindow ? `${Math.round(model.contextWindow / 1000)}k` : ""}</span>
                </label>
              );
            })}
          </div>
        ))}
      </div>
      {levels.length > 0 && (
        <div class="cmp-choice">
          <span class="t2">Thinking</span>
          <Segments
            label="Thinking"
            options={levels.map((level) => ({ value: level, words: levelWords(level) }))}
            value={meta.thinkingLevel || "off"}
            onChange={(level) => attempt(session.setThinking(level))}
          />
        </div>
      )}
      <div class="cmp-choice">
        <Switch on={meta.planMode} onChange={(on) => attempt(session.setPlanMode(on))}>Plan first, wait for my approval</Switch>
      </div>
    </div>
  );
}

function keyOf(model: Model): string {
  return `${model.provider}/${model.id}`;
}
