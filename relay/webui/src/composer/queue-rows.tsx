/** Prompts that wait for the end of the turn: edited in place, taken away, dragged into another order. */

import { CornerDownLeft, Pencil, X } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { moved } from "../cards/choice";
import { useDragOrder } from "../cards/use-drag-order";
import { width } from "../lib/media";
import type { OpenSession } from "../state/types";
import { IconButton, errorWords, toast } from "../ui";

/** Props of QueueRows. */
export interface QueueRowsProps {
  session: OpenSession;
  /** Rises when the last row is to be edited (`↑` in the empty field). */
  editLast: number;
  /** Called when editing ends, so that the composer can take the focus back. */
  onDone: () => void;
}

/** Draw the rows above the composer. */
export function QueueRows({ session, editLast, onDone }: QueueRowsProps): JSX.Element | null {
  const sent = session.meta.value.queue;
  const [order, setOrder] = useState<readonly string[] | null>(null);
  const [editing, setEditing] = useState<number | null>(null);
  const queue = order ?? sent;
  useEffect(() => {
    if (editLast > 0 && sent.length > 0) setEditing(sent.length - 1);
  }, [editLast]);
  const save = (next: readonly string[]): void => {
    setOrder(next);
    session
      .setQueue(next)
      .catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }))
      .finally(() => setOrder(null));
  };
  const drag = useDragOrder(queue.length, (from, to) => save(moved(queue, from, to)));
  if (queue.length === 0) return null;
  return (
    <ol class="cmp-queue" aria-label="Next" {...drag.list}>
      {queue.map((text, place) => (
        <li key={`${place}-${text}`} data-row="" class={`cmp-queued${drag.dragged === place ? " dragged" : ""}`} onKeyDown={drag.keys(place)}>
          <span class="cmp-queued-grip" {...(queue.length > 1 ? { ...drag.handle(place), "data-tip": "Drag, or Alt with an arrow key" } : {})}>
            <CornerDownLeft size={14} strokeWidth={1.75} aria-hidden="true" />
          </span>
          <span class="meta">Next</span>
          {editing === place ? (
            <QueueEdit
              text={text}
              onSave={(words) => {
                setEditing(null);
                if (words !== text) save(words === "" ? queue.filter((_each, at) => at !== place) : queue.map((each, at) => (at === place ? words : each)));
                onDone();
              }}
              onCancel={() => {
                setEditing(null);
                onDone();
              }}
            />
          ) : (
            <>
              <span class="cut grow" title={text.length > 80 ? text : undefined}>{text}</span>
              {width.value !== "phone" && <IconButton small label="Edit" icon={Pencil} onClick={() => setEditing(place)} />}
              <IconButton small label="Remove" icon={X} onClick={() => save(queue.filter((_each, at) => at !== place))} />
            </>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The text of a row as a field: Enter keeps, Esc leaves it as it was. */
function QueueEdit({ text, onSave, onCancel }: { text: string; onSave: (words: string) => void; onCancel: () => void }): JSX.Element {
  const [words, setWords] = useState(text);
  const field = useRef<HTMLInputElement>(null);
  const over = useRef(false);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, []);
  const end = (run: () => void): void => {
    if (over.current) return;
    over.current = true;
    run();
  };
  return (
    <input
      ref={field}
      class="cmp-queued-edit grow"
      aria-label="Edit what comes next"
      value={words}
      onInput={(event) => setWords(event.currentTarget.value)}
      onBlur={() => end(() => onSave(words.trim()))}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        if (event.key === "Enter") {
          event.preventDefault();
          end(() => onSave(words.trim()));
        } else if (event.key === "Escape") {
          event.preventDefault();
          end(onCancel);
        }
      }}
    />
  );
}
