/** Keys as they are printed on keyboards. */
import type { ComponentChildren, JSX } from "preact";
import { keyWords } from "../lib/keys";

/** One key in a small box. */
export function Kbd({ children }: { children: ComponentChildren }): JSX.Element {
  return <kbd class="kbd">{children}</kbd>;
}

/** All keys of a shortcut in the notation of lib/keys, each in its box. */
export function Keys({ keys }: { keys: string }): JSX.Element {
  return (
    <span class="keys">
      {keyWords(keys).map((one, index) => (
        <Kbd key={index}>{one}</Kbd>
      ))}
    </span>
  );
}
