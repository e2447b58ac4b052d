/** The whole conversation takes files that are dropped on it. */

import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { OpenSession } from "../state/types";
import { addFiles } from "./uploads";

/** Draw the children with a dashed border over them while files are held above. */
export function DropZone({ session, off, children }: { session: OpenSession; off: boolean; children: ComponentChildren }): JSX.Element {
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const carries = (event: DragEvent): boolean => !off && event.dataTransfer?.types.includes("Files") === true;
  const leave = (): void => {
    depth.current = 0;
    setOver(false);
  };
  return (
    <div
      class="cmp-drop"
      onDragEnter={(event) => {
        if (!carries(event)) return;
        event.preventDefault();
        depth.current += 1;
        setOver(true);
      }}
      onDragOver={(event) => carries(event) && event.preventDefault()}
      onDragLeave={(event) => {
        if (!carries(event)) return;
        depth.current -= 1;
        if (depth.current <= 0) leave();
      }}
      onDrop={(event) => {
        if (!carries(event)) return;
        event.preventDefault();
        leave();
        addFiles(session, event.dataTransfer?.files ?? []);
      }}
    >
      {children}
      {over && <div class="cmp-drop-over">Drop to attach</div>}
    </div>
  );
}
