/** Markdown on the page: each closed part is put there once, the open end is changed in place. */

import type { JSX } from "preact";
import { memo } from "./memo";
import { useLayoutEffect, useRef } from "preact/hooks";
import { colourIn } from "./highlight";
import { growing } from "./markdown";
import { morph } from "./morph";
import { clean } from "./sanitize";

/** Draw a text. `name` tells it from every other; while `open` a caret ends it. */
export function Markdown({ name, text, open }: { name: string; text: string; open: boolean }): JSX.Element {
  const parsed = growing(name, text);
  const { frozen, tail } = parsed;
  return (
    <div class="log-md">
      {frozen.map((html, at) => <Part key={at} html={html} open={false} />)}
      <Part key={frozen.length} html={tail} open={open} />
    </div>
  );
}

const Part = memo(function Part({ html, open }: { html: string; open: boolean }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const fresh = clean(html);
    if (open) addCaret(fresh);
    if (element.firstChild) morph(element, fresh);
    else element.appendChild(fresh);
    if (!open) colourIn(element);
  }, [html, open]);
  return <div class="log-seg" ref={box} />;
});

const BLOCKS: ReadonlySet<string> = new Set(["P", "UL", "OL", "LI", "BLOCKQUOTE", "H1", "H2", "H3", "H4", "H5", "H6"]);

/** Put the caret behind the last letter: in the last paragraph, item, cell or line of code. */
function addCaret(root: DocumentFragment): void {
  const caret = document.createElement("span");
  caret.className = "log-caret";
  let place: Element | null = root.lastElementChild;
  if (place?.matches(".log-code")) place = place.querySelector("code");
  else if (place?.matches(".log-table")) place = [...place.querySelectorAll("th, td")].pop() ?? place;
  else while (place?.lastElementChild && BLOCKS.has(place.lastElementChild.nodeName)) place = place.lastElementChild;
  (place ?? root).append(caret);
}
