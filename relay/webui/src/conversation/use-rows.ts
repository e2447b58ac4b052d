/** The rows of a session's log, made once per frame. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { OpenSession } from "../state/types";
import type { Block } from "../transcript";
import { endOf, isAsking } from "./end-row";
import { joinRows, type Row, rowsOf } from "./rows";

/** The turning arc gets a line of its own only after nothing moved for so long, ms. */
const QUIET_MS = 500;

/** Whether nothing changed for a moment. */
function useQuiet(mark: unknown): boolean {
  const [quiet, set] = useState(false);
  useEffect(() => {
    set(false);
    const timer = setTimeout(() => set(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, [mark]);
  return quiet;
}

/** Answer the rows as they are now. */
export function useRows(session: OpenSession): readonly Row[] {
  const closed = session.closed.value;
  const open = session.open.value;
  const meta = session.meta.value;
  const phase = session.phase.value;
  const quiet = useQuiet(lastOf(open) ?? lastOf(closed));
  const known = useMemo(() => rowsOf(closed), [closed]);
  const end = endOf(meta, phase, open, quiet);
  const joined = useMemo(() => {
    const shown = meta.pending ? open.filter((block) => !isAsking(block)) : open;
    return joinRows(known, closed, shown);
  }, [known, closed, open, meta.pending]);
  const { what, words, since } = end ?? {};
  return useMemo(() => (end ? [...joined, { key: "end", shown: end }] : joined), [joined, what, words, since]);
}

function lastOf(blocks: readonly Block[]): Block | undefined {
  return blocks[blocks.length - 1];
}
