/** What this relay is: version, health, addresses, and what needs an encrypted connection. */
import type { JSX } from "preact";
import { get } from "../../api/rest";
import { duration } from "../../lib/format";
import { secure } from "../../lib/media";
import { connection } from "../../api/connection";
import { runners } from "../../state/runners";
import { CopyField, ErrorState, Mark, Skeleton } from "../../ui";
import { reach } from "../auth/addresses";
import { NeedsTls } from "./needs-tls";
import { PartHead } from "./part";
import { useLoad } from "./use-load";

interface Health {
  status?: string;
  uptime?: number;
  relay?: { version?: string };
}

async function load(): Promise<{ health: Health; addresses: readonly string[]; onlyHere: boolean; ms: number }> {
  const from = performance.now();
  const health = await get<Health>("/health");
  const ms = Math.round(performance.now() - from);
  return { health, ...(await reach()), ms };
}

/** The part "This relay". */
export function ThisRelay(): JSX.Element {
  const { value, error, again } = useLoad(load);
  const all = runners.value;
  const there = all.filter((runner) => runner.connected).length;
  return (
    <>
      <PartHead title="This relay" />
      {!value ? (error ? <ErrorState error={error} retry={again} /> : <Skeleton rows={5} height={32} />) : (
        <>
          <dl class="set-facts">
            <dt>State</dt>
            <dd class="set-state">
              <Mark state={value.health.status === "ok" ? "connected" : "failed"} />
              {value.health.status === "ok" ? "Works" : "Its storage cannot be written. The relay's log says why."}
            </dd>
            <dt>Version</dt><dd>{value.health.relay?.version ?? "Unknown"}</dd>
            <dt>Running for</dt><dd>{duration((value.health.uptime ?? 0) * 1000)}</dd>
            <dt>Answers in</dt><dd class="num">{value.ms} ms</dd>
            <dt>Live connection</dt><dd>{connection.value.state === "online" ? "Yes" : "Reconnecting"}</dd>
            <dt>Runners</dt><dd>{all.length === 0 ? "None yet" : `${there} of ${all.length} connected`}</dd>
          </dl>
          <section class="set-section">
            <h3 class="st">Addresses</h3>
            <p class="set-lead">{value.onlyHere ? "Only this machine reaches it. Start it with another address to let others in." : "Other machines and your phone reach it here."}</p>
            {value.addresses.map((address) => <CopyField key={address} label="Address" value={address} />)}
          </section>
          {!secure && <NeedsTls />}
        </>
      )}
    </>
  );
}
