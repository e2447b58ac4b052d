/** The head that every part of the settings has. */
import type { ComponentChildren, JSX } from "preact";

/** Title, one sentence, an action at the right. */
export function PartHead({ title, text, action }: { title: string; text?: ComponentChildren; action?: ComponentChildren }): JSX.Element {
  return (
    <header class="set-head">
      <div class="set-head-row"><h2 class="pg">{title}</h2><span class="grow" />{action}</div>
      {text && <p class="set-lead">{text}</p>}
    </header>
  );
}

/** One setting: its name, what it does, and its control at the right. */
export function Setting({ name, text, children }: { name: string; text?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <div class="set-row">
      <div class="grow"><b>{name}</b>{text && <p>{text}</p>}</div>
      {children}
    </div>
  );
}
