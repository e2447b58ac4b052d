/** Swiping and holding a row (brief 10): left for Pin and End…, right to mark as read, long press for the menu. */
import { useRef, useState } from "preact/hooks";
import { width } from "../../lib/media";
import { markSeen } from "../../state/sessions";
import type { SessionRow } from "../../state/types";
import { askEnd, askResume, togglePin } from "../../sidebar/session-actions";
import { Button } from "../../ui";

/** A finger that moved less than this, in px, does not swipe. */
const SLACK = 12;
/** Room of the two actions behind the row, in px. */
const ROOM = 152;
/** Holding still for so many milliseconds opens the menu. */
const HOLD = 500;

/** What a row needs to follow the finger. */
export interface Swipe {
  shift: number;
  open: boolean;
  close: () => void;
  handlers: {
    onTouchStart: (event: TouchEvent) => void;
    onTouchMove: (event: TouchEvent) => void;
    onTouchEnd: () => void;
    onTouchCancel: () => void;
    onContextMenu: (event: MouseEvent) => void;
    onClickCapture: (event: MouseEvent) => void;
  };
}

/** Follow the finger over a row; only on phones and only for touch. */
export function useSwipe(row: SessionRow, onHold: (at: { x: number; y: number }) => void): Swipe {
  const [shift, setShift] = useState(0);
  const from = useRef<{ x: number; y: number; base: number; sideways: boolean } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const moved = useRef(false);
  const stop = (): void => {
    clearTimeout(timer.current);
    from.current = null;
  };
  return {
    shift,
    open: shift < 0,
    close: () => setShift(0),
    handlers: {
      onTouchStart: (event) => {
        const finger = event.touches[0];
        if (width.value !== "phone" || !finger || event.touches.length > 1) return;
        moved.current = false;
        from.current = { x: finger.clientX, y: finger.clientY, base: shift, sideways: false };
        timer.current = setTimeout(() => {
          moved.current = true;
          from.current = null;
          onHold({ x: finger.clientX, y: finger.clientY });
        }, HOLD);
      },
      onTouchMove: (event) => {
        const start = from.current;
        const finger = event.touches[0];
        if (!start || !finger) return;
        const [x, y] = [finger.clientX - start.x, finger.clientY - start.y];
        if (!start.sideways) {
          if (Math.abs(y) > SLACK) return stop();
          if (Math.abs(x) <= SLACK) return;
          clearTimeout(timer.current);
          start.sideways = moved.current = true;
        }
        setShift(Math.max(-ROOM - 24, Math.min(72, start.base + x)));
      },
      onTouchEnd: () => {
        if (from.current?.sideways) {
          if (shift > 56) markSeen(row.id);
          setShift(shift < -ROOM / 2 ? -ROOM : 0);
        }
        stop();
      },
      onTouchCancel: () => {
        setShift(0);
        stop();
      },
      onContextMenu: (event) => {
        if (width.value === "phone") event.preventDefault();
      },
      onClickCapture: (event) => {
        if (!moved.current && shift === 0) return;
        moved.current = false;
        event.preventDefault();
        event.stopPropagation();
        setShift(0);
      },
    },
  };
}

/** The actions behind a row; shown once it was swiped aside. */
export function SwipeActions({ row, open, onDone }: { row: SessionRow; open: boolean; onDone: () => void }) {
  if (!open) return null;
  const then = (what: () => Promise<void>) => (): void => {
    onDone();
    void what();
  };
  return (
    <div class="home-swipe">
      <Button kind="soft" onClick={then(() => togglePin(row))}>{row.pinned ? "Unpin" : "Pin"}</Button>
      {row.status === "ended" ? (
        <Button kind="soft" onClick={then(() => askResume(row))}>Resume</Button>
      ) : (
        <Button kind="danger" onClick={then(() => askEnd(row))}>End…</Button>
      )}
    </div>
  );
}
