/** What the session listens to, what arrived and what it sent. */

import { ArrowUpRight, Zap } from "lucide-preact";
import type { JSX } from "preact";
import { clock, now } from "../../../lib/format";
import type { OpenSession } from "../../../state/types";
import { Button, confirm, errorWords, toast } from "../../../ui";
import { Section } from "./section";
import { type Listening, useTriggers } from "./triggers";

/** Draw both lists; nothing when both are empty. */
export function TriggersSection({ session }: { session: OpenSession }): JSX.Element | null {
  const { listening, fired, stop } = useTriggers(session);
  if (listening.length === 0 && fired.length === 0) return null;
  const ask = async (row: Listening): Promise<void> => {
    const yes = await confirm({ title: "Stop listening?", text: `${row.label} does not wake this session any more.`, action: "Stop listening", danger: true });
    if (yes) await stop(row).catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }));
  };
  return (
    <Section title="Triggers" end={listening.length > 0 ? `${listening.length} listening` : ""}>
      <ul>
        {listening.map((row) => (
          <li key={row.id} class="ovw-row">
            <Zap size={14} strokeWidth={1.75} class="t3" aria-hidden="true" />
            <span class="grow cut" title={row.detail || undefined}>{row.label} {row.detail !== "" && <span class="m">{row.detail}</span>}</span>
            <Button tiny kind="quiet" onClick={() => void ask(row)}>Stop listening</Button>
          </li>
        ))}
        {fired.map((row) => (
          <li key={row.id} class="ovw-row ovw-fired">
            {row.inbound ? <Zap size={14} strokeWidth={1.75} class="t3" aria-hidden="true" /> : <ArrowUpRight size={14} strokeWidth={1.75} class="t3" aria-hidden="true" />}
            <span class="grow cut" title={row.answer ? `${row.words}. Answer: ${row.answer}` : row.words}>
              <span class="hide">{row.inbound ? "Received: " : "Sent: "}</span>
              {row.words}
            </span>
            {row.answer !== "" && <span class="meta cut ovw-answer">{row.answer}</span>}
            <span class="meta num">{clock(row.at, now.value)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
