/** Go back to an earlier message: the conversation goes on from there, and its text comes into the field. */

import { Undo2 } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { draft } from "../../state/drafts";
import type { OpenSession } from "../../state/types";
import { objects, str } from "../../transcript/wire";
import { Button, Dialog, Empty, ErrorState, Skeleton, errorWords, toast } from "../../ui";

interface Point {
  id: string;
  text: string;
}

/** Draw the list of messages to go back to, the newest first. */
export function ForkDialog({ session, onClose }: { session: OpenSession; onClose: () => void }): JSX.Element {
  const [points, setPoints] = useState<readonly Point[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState("");
  const load = (): void => {
    setError(null);
    session
      .exec("get_fork_messages")
      .then((said) => setPoints(objects(said.messages).map((each) => ({ id: str(each.entryId), text: str(each.text) })).reverse()))
      .catch(setError);
  };
  useEffect(load, [session]);
  const go = (point: Point): void => {
    setBusy(point.id);
    session
      .exec("fork", { entryId: point.id })
      .then((said) => {
        draft(session.id).value = { text: str(said.text) || point.text, attachments: [] };
        onClose();
      })
      .catch((problem: unknown) => {
        setBusy("");
        toast({ words: errorWords(problem), kind: "error" });
      });
  };
  return (
    <Dialog title="Go back to an earlier message" wide={560} full onClose={onClose} foot={<><span class="grow" /><Button kind="quiet" onClick={onClose}>Cancel</Button></>}>
      <p class="t2 ses-fork-note">What came after it is left out from then on; it stays in the session’s file.</p>
      {error !== null ? (
        <ErrorState error={error} retry={load} title="The messages did not load." />
      ) : points === null ? (
        <Skeleton rows={4} />
      ) : points.length === 0 ? (
        <Empty plain title="There is no message to go back to yet." />
      ) : (
        <ul class="ses-fork">
          {points.map((point) => (
            <li key={point.id}>
              <button type="button" class="menu-item" disabled={busy !== ""} onClick={() => go(point)}>
                <Undo2 size={16} strokeWidth={1.75} aria-hidden="true" />
                <span class="grow ses-fork-text">{point.text}</span>
                {busy === point.id && <span class="meta">Going back…</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
