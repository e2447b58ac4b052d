/** The list above the composer: eight rows in sight, moved through from the field. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Suggestion } from "./suggest";

/** Props of SuggestList. */
export interface SuggestListProps {
  id: string;
  label: string;
  rows: readonly Suggestion[];
  chosen: number;
  mono: boolean;
  problem: string;
  onChoose: (row: Suggestion) => void;
}

/** Draw the list; the field keeps the focus. */
export function SuggestList({ id, label, rows, chosen, mono, problem, onChoose }: SuggestListProps): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector(".on")?.scrollIntoView({ block: "nearest" });
  }, [chosen, rows]);
  return (
    <div ref={list} id={id} class="cmp-list" role="listbox" tabIndex={0} aria-label={label} onPointerDown={(event) => event.preventDefault()}>
      {problem !== "" && <p class="cmp-list-note">{problem}</p>}
      {rows.map((row, index) => (
        <div
          key={row.key}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === chosen}
          class={`cmp-row${index === chosen ? " on" : ""}`}
          onClick={() => onChoose(row)}
        >
          <span class={`cmp-row-label${mono ? " m" : ""}`}>{row.label}</span>
          <span class={`cut grow cmp-row-detail${mono && row.detail.includes("/") ? " m" : ""}`}>{row.detail}</span>
          {row.note !== "" && <span class="meta">{row.note}</span>}
        </div>
      ))}
    </div>
  );
}
