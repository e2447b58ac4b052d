/** Buttons: what happens is a word on them; icons alone only with a tooltip (brief 1.4). */
import type { LucideIcon } from "lucide-preact";
import type { ComponentChildren, JSX, Ref } from "preact";
import { Link } from "../lib/router";
import { keyWords } from "../lib/keys";
import { Kbd } from "./kbd";
import { Spinner } from "./mark";

/** An icon of lucide-preact. */
export type Icon = LucideIcon;

/** How a button looks: amber ("wait") only where a session waits for a person. */
export type ButtonKind = "plain" | "primary" | "wait" | "danger" | "quiet" | "soft";

/** Props of Button; with `href` it is a link that looks like a button. */
export interface ButtonProps extends Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, "icon" | "size"> {
  kind?: ButtonKind;
  /** 28 px high, for rows and bars. */
  small?: boolean;
  /** 24 px high, for rows of text. */
  tiny?: boolean;
  icon?: Icon;
  /** An icon after the words. */
  after?: Icon;
  /** A shortcut to show, in the notation of lib/keys. */
  keys?: string;
  /** Something is under way: shows an arc and takes no click. */
  busy?: boolean;
  /** On or off, for a toggle. */
  pressed?: boolean;
  href?: string;
  wide?: boolean;
  tip?: string;
  buttonRef?: Ref<HTMLButtonElement>;
  children?: ComponentChildren;
}

function classes(kind: ButtonKind, flags: Record<string, boolean | undefined>, more: unknown): string {
  const names = ["btn", `btn-${kind}`];
  for (const [name, on] of Object.entries(flags)) if (on) names.push(name);
  if (typeof more === "string" && more) names.push(more);
  return names.join(" ");
}

/** A button with words. */
export function Button(props: ButtonProps): JSX.Element {
  const { kind = "plain", small, tiny, icon: Before, after: After, keys, busy, pressed, href, wide, tip, buttonRef, children, class: more, ...rest } = props;
  const name = classes(kind, { "btn-s": small, "btn-xs": tiny, "btn-wide": wide }, more);
  const size = tiny ? 12 : small ? 14 : 16;
  const inside = (
    <>
      {busy ? <Spinner /> : Before && <Before size={size} strokeWidth={1.75} aria-hidden="true" />}
      {children}
      {After && <After size={size} strokeWidth={1.75} aria-hidden="true" />}
      {keys && <span class="btn-keys" aria-hidden="true">{keyWords(keys).map((one) => <Kbd key={one}>{one}</Kbd>)}</span>}
    </>
  );
  if (href !== undefined && !rest.disabled) {
    return <Link class={name} href={href} data-tip={tip} aria-label={rest["aria-label"]}>{inside}</Link>;
  }
  return (
    <button type="button" ref={buttonRef} class={name} aria-pressed={pressed} aria-busy={busy || undefined} data-tip={tip} {...rest} disabled={Boolean(rest.disabled) || Boolean(busy)}>
      {inside}
    </button>
  );
}

/** Props of IconButton: its label is tooltip and name at once. */
export interface IconButtonProps extends Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, "icon" | "label" | "size"> {
  label: string;
  icon: Icon;
  small?: boolean;
  pressed?: boolean;
  href?: string;
  keys?: string;
  buttonRef?: Ref<HTMLButtonElement>;
}

/** A button that is only an icon, with a tooltip after 400 ms and a name for readers. */
export function IconButton({ label, icon: Shown, small, pressed, href, keys, buttonRef, class: more, ...rest }: IconButtonProps): JSX.Element {
  const name = ["ib", small ? "ib-s" : "", typeof more === "string" ? more : ""].filter(Boolean).join(" ");
  const tip = keys ? `${label}  ${keyWords(keys).join(" ")}` : label;
  const inside = <Shown size={small ? 14 : 16} strokeWidth={1.75} aria-hidden="true" />;
  if (href !== undefined) return <Link class={name} href={href} aria-label={label} data-tip={tip}>{inside}</Link>;
  return (
    <button type="button" ref={buttonRef} class={name} aria-label={label} data-tip={tip} aria-pressed={pressed} {...rest}>
      {inside}
    </button>
  );
}
