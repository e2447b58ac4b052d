/** What the session used, how full its context is, and what the provider still allows. */

import type { ComponentChildren, JSX } from "preact";
import { ContextParts, ModelChoices, compact } from "../../../composer";
import { clock, count, elapsed, money, now } from "../../../lib/format";
import type { OpenSession, SessionMeta } from "../../../state/types";
import { num, obj, objects, str } from "../../../transcript/wire";
import { Wire } from "../../../ui";
import { turnStart } from "../standing";
import { Section } from "./section";

/** Draw the sums. */
export function UsageSection({ session }: { session: OpenSession }): JSX.Element | null {
  const { usage } = session.meta.value;
  const start = turnStart(session);
  if (!usage && start === undefined) return null;
  const read = usage ? usage.input + usage.cacheRead + usage.cacheWrite : 0;
  const cached = usage && read > 0 ? Math.round((usage.cacheRead / read) * 100) : 0;
  return (
    <Section title="Usage">
      <dl class="ovw-kv">
        {usage && <Pair name="Cost so far">{money(usage.cost)}</Pair>}
        {usage && <Pair name="Tokens read">{cached > 0 ? `${count(read)}, ${cached} % from cache` : count(read)}</Pair>}
        {usage && <Pair name="Tokens written">{usage.output.toLocaleString("en")}</Pair>}
        {start !== undefined && <Pair name="Working for">{elapsed(now.value - start)}</Pair>}
      </dl>
    </Section>
  );
}

function Pair({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd class="num">{children}</dd>
    </>
  );
}

/** Draw the context, for composers too narrow for the gauge. */
export function ContextSection({ session }: { session: OpenSession }): JSX.Element | null {
  const { context, compacting } = session.meta.value;
  if (!context) return null;
  const share = context.used / context.window;
  return (
    <Section title="Context" end={compacting ? "Summarising…" : `${Math.round(share * 100)}%`}>
      <Wire value={share} label="Context" strong={share >= 0.85} />
      <ContextParts session={session} onCompact={() => compact(session)} />
    </Section>
  );
}

/** Draw the choice of model and thinking, for composers too narrow for its button. */
export function ModelSection({ session }: { session: OpenSession }): JSX.Element {
  return <Section title="Model and thinking"><ModelChoices session={session} /></Section>;
}

/** Draw what the provider still allows; nothing when it says nothing. */
export function LimitsSection({ meta }: { meta: SessionMeta }): JSX.Element | null {
  const limits = Object.entries(obj(meta.providerUsage)).flatMap(([provider, said]) =>
    objects(obj(said).windows).map((window) => ({
      key: `${provider} ${str(window.label)}`,
      words: `${provider.charAt(0).toUpperCase()}${provider.slice(1)}, ${str(window.label)}`,
      share: (num(window.utilization) ?? 0) / 100,
      resets: Date.parse(str(window.resets_at)),
    })),
  );
  if (limits.length === 0) return null;
  return (
    <Section title="Provider limits">
      <ul>
        {limits.map((limit) => (
          <li key={limit.key} class="ovw-row">
            <span class="grow cut">{limit.words}</span>
            <Wire value={limit.share} label={limit.words} strong={limit.share >= 0.85} />
            <span class="meta num">{`${Math.round(limit.share * 100)}%`}</span>
            {Number.isFinite(limit.resets) && limit.resets > now.value && <span class="meta num">{`until ${clockAhead(limit.resets, now.value)}`}</span>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** A moment to come: the time today, else the day. */
function clockAhead(then: number, present: number): string {
  const time = new Date(then);
  if (time.toDateString() === new Date(present).toDateString()) return clock(then, then);
  return time.toLocaleDateString("en", { weekday: "short", day: "numeric", month: "short" });
}
