/** Options to be put in an order: by dragging, or with Alt and the arrow keys. */

import { GripVertical } from "lucide-preact";
import type { JSX } from "preact";
import { announce } from "../lib/live";
import { optionWords } from "./choice";
import { useDragOrder } from "./use-drag-order";

/** Props of RankedList. */
export interface RankedListProps {
  options: readonly string[];
  order: readonly number[];
  label: string;
  onMove: (from: number, to: number) => void;
}

/** Draw the options, best first. */
export function RankedList({ options, order, label, onMove }: RankedListProps): JSX.Element {
  const move = (from: number, to: number): void => {
    onMove(from, to);
    const words = optionWords(options[order[from] ?? -1] ?? "").label;
    announce(`${words} is number ${to + 1} of ${order.length}`);
  };
  const drag = useDragOrder(order.length, move);
  return (
    <ol class="ask-ranked" aria-label={label} {...drag.list}>
      {order.map((option, place) => {
        const { label: words, detail } = optionWords(options[option] ?? "");
        return (
          <li
            key={option}
            data-row=""
            data-first={place === 0 ? "" : undefined}
            class={`ask-opt ask-rank${drag.dragged === place ? " dragged" : ""}`}
            tabIndex={0}
            aria-label={`${place + 1}. ${words}. Alt and an arrow key move it.`}
            onKeyDown={drag.keys(place)}
          >
            <span class="ask-handle" data-tip="Drag, or Alt with an arrow key" {...drag.handle(place)}>
              <GripVertical size={16} strokeWidth={1.75} aria-hidden="true" />
            </span>
            <span class="ask-place num">{place + 1}</span>
            <span class="ask-words">
              <b>{words}</b>
              {detail !== "" && <span class="ask-detail">{detail}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
