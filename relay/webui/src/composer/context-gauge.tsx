/** How full the agent's context is: a wire with a bead; a press shows what fills it. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { count } from "../lib/format";
import type { OpenSession } from "../state/types";
import { num, obj, objects, str } from "../transcript/wire";
import { Button, Spinner, Wire, errorWords, toast } from "../ui";
import { Popover } from "./popover";

/** From this share on the gauge says "nearly full". */
export const NEARLY_FULL = 0.85;

/** Draw the gauge; nothing while the size is unknown. */
export function ContextGauge({ session }: { session: OpenSession }): JSX.Element | null {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { context, compacting } = session.meta.value;
  if (compacting) {
    return (
      <span class="cmp-gauge-now">
        <Spinner />
        Summarising…
      </span>
    );
  }
  if (!context || context.window <= 0) return null;
  const share = context.used / context.window;
  const full = share >= NEARLY_FULL;
  const tokens = `${count(context.used)} of ${count(context.window)} tokens`;
  const percent = `${Math.round(share * 100)}%`;
  return (
    <>
      <button
        type="button"
        ref={button}
        class={`cmp-gauge${full ? " full" : ""}`}
        data-tip={tokens}
        aria-label={`Context: ${percent}${full ? ", nearly full" : ""}, ${tokens}`}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <span class="cmp-gauge-wire" aria-hidden="true"><Wire value={share} label="Context" strong={full} /></span>
        <span class="num">{percent}{full && <span class="cmp-gauge-words">, nearly full</span>}</span>
      </button>
      {full && <Button tiny kind="soft" class="cmp-compact" onClick={() => compact(session)}>Compact</Button>}
      {open && button.current && (
        <Popover anchor={button.current} label="What fills the context" onClose={() => setOpen(false)}>
          <ContextParts session={session} onCompact={() => { setOpen(false); compact(session); }} />
        </Popover>
      )}
    </>
  );
}

/** Ask the agent to summarise what was said so far. */
export function compact(session: OpenSession): void {
  session.compact().catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }));
}

interface Part {
  words: string;
  tokens: number;
}

const ROLE_WORDS: Readonly<Record<string, string>> = {
  system: "Instructions and tools",
  turn: "The conversation",
  compaction_summary: "Summaries of earlier messages",
  branch_summary: "Summaries of other branches",
  custom_message: "Messages of plugins",
  "context:builtin-prompt": "Built-in instructions",
  "context:global-rules": "Your rules",
  "context:project-rules": "Rules of the project",
  "context:append-prompt": "Added instructions",
  "context:skill": "Skills",
  "context:plugin": "Plugins",
};

/** Answer what fills the context, the largest first; what the agent counts per turn is one part. */
export function contextParts(analysis: unknown): readonly Part[] {
  const sums = new Map<string, number>();
  for (const block of objects(obj(analysis).blocks)) {
    const tokens = num(block.tokens) ?? 0;
    if (tokens <= 0 || str(block.role) === "separator") continue;
    const words = ROLE_WORDS[str(block.role)] || str(block.title) || str(block.role);
    sums.set(words, (sums.get(words) ?? 0) + tokens);
  }
  return [...sums].map(([words, tokens]) => ({ words, tokens })).sort((a, b) => b.tokens - a.tokens);
}

/** The list of what fills the context, with Compact. */
export function ContextParts({ session, onCompact }: { session: OpenSession; onCompact: () => void }): JSX.Element {
  const { context, analysis, compacting } = session.meta.value;
  const parts = contextParts(analysis);
  const most = Math.max(1, ...parts.map((part) => part.tokens));
  return (
    <div class="cmp-context">
      {context && <p class="cmp-context-sum num">{`${count(context.used)} of ${count(context.window)} tokens`}</p>}
      {parts.length > 0 && (
        <dl class="cmp-parts">
          {parts.map((part) => (
            <div key={part.words}>
              <dt>{part.words}</dt>
              <dd class="num">{count(part.tokens)}</dd>
              <i aria-hidden="true" style={{ width: `${(part.tokens / most) * 100}%` }} />
            </div>
          ))}
        </dl>
      )}
      <p class="meta">Compacting replaces earlier messages with a summary; the conversation here stays as it is.</p>
      <Button small busy={compacting} onClick={onCompact}>{compacting ? "Summarising…" : "Compact"}</Button>
    </div>
  );
}
