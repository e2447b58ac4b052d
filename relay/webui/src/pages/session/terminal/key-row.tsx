/** The keys that a phone's keyboard lacks, 44 px above it (brief 10). */
import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp } from "lucide-preact";
import type { Icon } from "../../../ui";
import type { Shell } from "./shell";

const KEYS: readonly { label: string; sends: string; icon?: Icon }[] = [
  { label: "Up", sends: "\x1b[A", icon: ArrowUp },
  { label: "Down", sends: "\x1b[B", icon: ArrowDown },
  { label: "Left", sends: "\x1b[D", icon: ArrowLeft },
  { label: "Right", sends: "\x1b[C", icon: ArrowRight },
  { label: "|", sends: "|" },
  { label: "/", sends: "/" },
  { label: "-", sends: "-" },
];

/** The row. A press keeps the focus in the terminal, so the keyboard stays open. */
export function KeyRow({ shell }: { shell: Shell }) {
  const press = (text: string) => (event: Event): void => {
    event.preventDefault();
    shell.type(text);
    shell.focus();
  };
  const on = shell.ctrl.value;
  return (
    <div class="term-keys" role="toolbar" aria-label="Keys" onPointerDown={(event) => event.preventDefault()}>
      <button type="button" onClick={press("\x1b")}>Esc</button>
      <button type="button" onClick={press("\t")}>Tab</button>
      <button
        type="button"
        class={on ? "on" : ""}
        aria-pressed={on}
        onClick={() => {
          shell.ctrl.value = !on;
          shell.focus();
        }}
      >
        Ctrl
      </button>
      {KEYS.map(({ label, sends, icon: Shown }) => (
        <button key={label} type="button" aria-label={Shown ? label : undefined} onClick={press(sends)}>
          {Shown ? <Shown size={16} strokeWidth={1.75} aria-hidden="true" /> : label}
        </button>
      ))}
    </div>
  );
}
