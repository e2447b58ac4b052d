/** The end of every conversation: the composer, or what waits for a person in its place, or how to go on after the end. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { PromptCard } from "../cards";
import { width } from "../lib/media";
import { go } from "../lib/router";
import { hasDraft } from "../state/drafts";
import { resume } from "../state/sessions";
import type { OpenSession, SessionRow } from "../state/types";
import { Button, Mark, errorWords, toast } from "../ui";
import type { OwnCommand } from "./commands";
import { Composer } from "./composer";
import { EndedBar } from "./ended-bar";
import { QueueRows } from "./queue-rows";
import "./composer.css";

export { type OwnCommand } from "./commands";
export { focusComposer, reachable } from "./composer";
export { ContextParts, compact } from "./context-gauge";
export { DropZone } from "./drop-zone";
export { ModelChoices, modelWords } from "./model-menu";

/** Props of Dock. Give it `key={session.id}`. */
export interface DockProps {
  session: OpenSession;
  row: SessionRow | undefined;
  /** Commands of the page around it, for the list after `/`. */
  commands: readonly OwnCommand[];
}

/** Stop the agent; says it when that did not work. */
export function stopAgent(session: OpenSession): void {
  session.stop().catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }));
}

/** Draw whatever belongs at the end of this session's conversation now. */
export function Dock({ session, row, commands }: DockProps): JSX.Element | null {
  const typing = useRef(false);
  const [editLast, setEditLast] = useState(0);
  const phase = session.phase.value;
  const { pending } = session.meta.value;
  const stop = (): void => stopAgent(session);
  if (phase === "gone") return null;
  if (phase === "ended" || (phase === "failed" && row?.status === "ended")) {
    return (
      <footer class="cmp-dock">
        <div class="cmp-dock-in">
          <EndedBar endedAt={row?.endedAt} onResume={row?.runnerId ? () => goOn(session.id) : undefined} newHref={newHref(row)} />
        </div>
      </footer>
    );
  }
  const asks = pending !== null && pending.kind !== "trust" && phase !== "awaited" && phase !== "loading" ? pending : null;
  // Whoever was in the middle of a text when the card came must not answer it with the next key.
  const calm = typing.current && hasDraft(session.id);
  if (asks) typing.current = false;
  return (
    <footer class={asks && width.value === "phone" ? "cmp-dock cmp-dock-sheet" : "cmp-dock"}>
      <div class="cmp-dock-in">
        {asks ? (
          <PromptCard session={session} pending={asks} hasDraft={hasDraft(session.id)} calm={calm} onStop={stop} />
        ) : (
          <>
            {pending?.kind === "trust" && <TrustRow session={session} count={pending.plugins.length} />}
            <QueueRows session={session} editLast={editLast} onDone={() => document.querySelector<HTMLElement>(".cmp-field")?.focus()} />
            <Composer
              session={session}
              row={row}
              commands={commands}
              onStop={stop}
              onFocus={(has) => {
                typing.current = has;
              }}
              onEditLast={() => setEditLast(editLast + 1)}
            />
          </>
        )}
      </div>
    </footer>
  );
}

/** Plugins wait for a decision, which stands in the overview: the agent works on without them. */
function TrustRow({ session, count }: { session: OpenSession; count: number }): JSX.Element {
  return (
    <div class="cmp-trust">
      <Mark state="waiting" />
      <span class="grow cut">{count === 1 ? "A plugin of this folder waits for your trust" : "Plugins of this folder wait for your trust"}</span>
      <Button tiny kind="wait" href={`/session/${encodeURIComponent(session.id)}/overview`}>Review</Button>
    </div>
  );
}

async function goOn(id: string): Promise<void> {
  const next = await resume(id);
  if (next !== id) go(`/session/${encodeURIComponent(next)}`, "replace");
}

/** Answer the address of the new-session dialog for the place of a session. */
export function newHref(row: SessionRow | undefined): string {
  const params = new URLSearchParams();
  if (row?.runnerId) params.set("runner", row.runnerId);
  if (row?.cwd) params.set("folder", row.cwd);
  const text = params.toString();
  return text ? `/new?${text}` : "/new";
}
