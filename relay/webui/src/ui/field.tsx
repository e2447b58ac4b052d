/** Fields: label, input, hint, and an error in words under it with what would be right (brief 5). */
import { useId } from "preact/hooks";
import type { ComponentChildren, JSX, Ref } from "preact";

/** What a field passes to its control, so that label, hint and error belong to it. */
export interface FieldLinks {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

/** Props of Field. `children` is the control, or a function that gets its id and the ids of hint and error. */
export interface FieldProps {
  label: ComponentChildren;
  error?: string | null | undefined;
  hint?: ComponentChildren;
  /** Label beside the control instead of above it. */
  beside?: boolean;
  children: (links: FieldLinks) => ComponentChildren;
}

/** A labelled control. */
export function Field({ label, error, hint, beside, children }: FieldProps): JSX.Element {
  const id = useId();
  const note = error || hint ? `${id}-note` : undefined;
  return (
    <div class={`field${beside ? " field-beside" : ""}${error ? " field-bad" : ""}`}>
      <label class="field-label" for={id}>{label}</label>
      <div class="field-body">
        {children({ id, "aria-describedby": note, "aria-invalid": error ? true : undefined })}
        {error ? <p class="field-error" id={note} role="alert">{error}</p> : hint ? <p class="field-hint" id={note}>{hint}</p> : null}
      </div>
    </div>
  );
}

type InputProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "onInput" | "value" | "icon" | "onChange">;

/** Props of TextInput: `onChange` gets the text with every key. */
export interface TextInputProps extends InputProps {
  value: string;
  onChange: (text: string) => void;
  mono?: boolean;
  small?: boolean;
  before?: ComponentChildren;
  after?: ComponentChildren;
  inputRef?: Ref<HTMLInputElement>;
}

/** One line of text; `before` and `after` stand inside its border. */
export function TextInput({ value, onChange, mono, small, before, after, inputRef, class: more, ...rest }: TextInputProps): JSX.Element {
  const name = `input${small ? " input-s" : ""}${mono ? " input-mono" : ""}${typeof more === "string" ? ` ${more}` : ""}`;
  return (
    <span class={name}>
      {before}
      <input ref={inputRef} type="text" value={value} onInput={(event) => onChange(event.currentTarget.value)} {...rest} />
      {after}
    </span>
  );
}

type AreaProps = Omit<JSX.TextareaHTMLAttributes<HTMLTextAreaElement>, "onInput" | "value" | "onChange">;

/** Several lines of text; `rows` at least, growing with what is typed up to `most` lines. */
export function TextArea({ value, onChange, most, areaRef, class: more, ...rest }: AreaProps & {
  value: string;
  onChange: (text: string) => void;
  most?: number;
  areaRef?: Ref<HTMLTextAreaElement>;
}): JSX.Element {
  const name = `area${typeof more === "string" ? ` ${more}` : ""}`;
  return <textarea ref={areaRef} class={name} value={value} style={most ? { maxHeight: `calc(${most}lh + 18px)` } : undefined} onInput={(event) => onChange(event.currentTarget.value)} {...rest} />;
}

/** One choice of a Select or of Segments. */
export interface Option<T extends string = string> {
  value: T;
  words: ComponentChildren;
  disabled?: boolean;
  /** Options with the same group stand together in a Select. */
  group?: string;
}

/** A choice from many, drawn by the system. */
export function Select<T extends string>({ options, value, onChange, class: more, small, ...rest }: Omit<JSX.SelectHTMLAttributes<HTMLSelectElement>, "value" | "onChange" | "size"> & {
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
  small?: boolean;
}): JSX.Element {
  const groups = [...new Set(options.map((option) => option.group))];
  const list = (group: string | undefined): JSX.Element[] =>
    options.filter((option) => option.group === group).map((option) => (
      <option key={option.value} value={option.value} disabled={option.disabled}>{option.words}</option>
    ));
  return (
    <span class={`select${small ? " select-s" : ""}${typeof more === "string" ? ` ${more}` : ""}`}>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)} {...rest}>
        {groups.map((group) => (group === undefined ? list(group) : <optgroup key={group} label={group}>{list(group)}</optgroup>))}
      </select>
    </span>
  );
}

/** A choice from few, all in sight; arrow keys move it. */
export function Segments<T extends string>({ options, value, onChange, label, disabled }: {
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
  label: string;
  disabled?: boolean;
}): JSX.Element {
  const name = useId();
  return (
    <fieldset class="seg" disabled={disabled} aria-label={label}>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? "on" : ""}>
          <input type="radio" class="hide" name={name} value={option.value} checked={option.value === value} disabled={option.disabled} onChange={() => onChange(option.value)} />
          {option.words}
        </label>
      ))}
    </fieldset>
  );
}

/** On or off, at once. Its words stand in `children`, or give it a `label`. */
export function Switch({ on, onChange, label, children, disabled }: {
  on: boolean;
  onChange: (on: boolean) => void;
  label?: string;
  children?: ComponentChildren;
  disabled?: boolean;
}): JSX.Element {
  return (
    <label class={`switch${disabled ? " off" : ""}`}>
      <input type="checkbox" role="switch" class="hide" checked={on} disabled={disabled} aria-label={label} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span class="switch-track" aria-hidden="true" />
      {children}
    </label>
  );
}

/** A box to tick, with its words. */
export function Checkbox({ on, onChange, label, children, disabled, some }: {
  on: boolean;
  onChange: (on: boolean) => void;
  label?: string;
  children?: ComponentChildren;
  disabled?: boolean;
  /** Some of what it stands for is ticked. */
  some?: boolean;
}): JSX.Element {
  return (
    <label class={`check${disabled ? " off" : ""}`}>
      <input type="checkbox" checked={on} disabled={disabled} aria-label={label} ref={(box) => { if (box) box.indeterminate = Boolean(some); }} onChange={(event) => onChange(event.currentTarget.checked)} />
      {children}
    </label>
  );
}
