/** The view beside the conversation: its width is dragged or set with the arrow keys, and remembered. */

import { PanelRightClose } from "lucide-preact";
import type { ComponentChildren, JSX } from "preact";
import { useRef } from "preact/hooks";
import { panelWidth } from "../../state/prefs";
import { Button, IconButton, type Tab, Tabs } from "../../ui";

/** Props of Panel. */
export interface PanelProps {
  tabs: readonly Tab[];
  chosen: string;
  onClose: () => void;
  onWide: () => void;
  children: ComponentChildren;
}

const LEAST = 320;
/** The panel takes at most this part of the page beside the sidebar. */
const MOST_SHARE = 0.6;
const STEP = 32;
/** From this width on there is room for the button that lays the view over the conversation. */
const ROOM_FOR_WIDE = 500;

/** Draw the panel. */
export function Panel({ tabs, chosen, onClose, onWide, children }: PanelProps): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const start = useRef<{ x: number; width: number } | null>(null);
  const most = (): number => Math.max(LEAST, (box.current?.parentElement?.clientWidth ?? 1000) * MOST_SHARE);
  const set = (wide: number): void => {
    panelWidth.value = Math.round(Math.max(LEAST, Math.min(most(), wide)));
  };
  const end = (): void => {
    start.current = null;
  };
  return (
    <aside ref={box} class="ses-panel" aria-label="Beside the conversation" style={{ width: `${panelWidth.value}px` }}>
      <div
        class="ses-grip"
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the panel"
        aria-valuenow={panelWidth.value}
        aria-valuemin={LEAST}
        tabIndex={0}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.preventDefault();
          event.currentTarget.setPointerCapture(event.pointerId);
          start.current = { x: event.clientX, width: box.current?.clientWidth ?? panelWidth.peek() };
        }}
        onPointerMove={(event) => start.current && set(start.current.width + start.current.x - event.clientX)}
        onPointerUp={end}
        onPointerCancel={end}
        onDblClick={onWide}
        onKeyDown={(event) => {
          const by = event.key === "ArrowLeft" ? STEP : event.key === "ArrowRight" ? -STEP : 0;
          if (by === 0) return;
          event.preventDefault();
          set(panelWidth.peek() + by);
        }}
      />
      <header class="bar ses-panel-bar">
        <Tabs label="Views" tabs={tabs} chosen={chosen} class="ses-tabs" />
        <span class="grow" />
        {panelWidth.value >= ROOM_FOR_WIDE && <Button tiny kind="quiet" tip="Lay it over the conversation" onClick={onWide}>Full width</Button>}
        <IconButton label="Close panel" icon={PanelRightClose} keys="mod+\" onClick={onClose} />
      </header>
      <div class="ses-view">{children}</div>
    </aside>
  );
}
