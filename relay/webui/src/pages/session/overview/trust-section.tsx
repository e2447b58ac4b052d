/** Plugins of the folder that want to be trusted before the agent uses them. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { OpenSession } from "../../../state/types";
import type { PluginTrust } from "../../../transcript/prompts";
import { Button, errorWords, toast } from "../../../ui";
import { Section } from "./section";

/** Draw the question with its two answers. */
export function TrustSection({ session, trust }: { session: OpenSession; trust: PluginTrust }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const decide = (trusted: boolean): void => {
    setBusy(true);
    session
      .decideTrust(trust.id, trusted)
      .catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }))
      .finally(() => setBusy(false));
  };
  return (
    <Section title="Plugins waiting for trust" end={<span class="wt">Waiting for you</span>}>
      <p class="ovw-text">This folder brings plugins. They run on the runner with everything you may do there.</p>
      <ul class="ovw-trust">
        {trust.plugins.map((plugin) => (
          <li key={plugin.name}><b>{plugin.name}</b> {plugin.summary !== "" && <span class="t3">{plugin.summary}</span>}</li>
        ))}
      </ul>
      <div class="row ovw-button">
        <Button small kind="wait" disabled={busy} onClick={() => decide(true)}>Trust them</Button>
        <Button small disabled={busy} onClick={() => decide(false)}>Do not load them</Button>
      </div>
    </Section>
  );
}
