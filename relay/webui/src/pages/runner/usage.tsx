/** What the sessions of one runner used. */
import { Download } from "lucide-preact";
import { download } from "../../lib/download";
import { query, setQuery } from "../../lib/router";
import type { Runner } from "../../state/runners";
import { Button, Empty, ErrorState, Segments, Skeleton } from "../../ui";
import { csv, CSV_TYPE, RANGES } from "../usage/data";
import { rangeOf, useUsage } from "../usage/load";
import { Report } from "../usage/report";

/** The part "Usage". */
export function RunnerUsage({ runner }: { runner: Runner }) {
  const range = rangeOf(query.value);
  const { by, again } = useUsage(runner.connected ? [runner.id] : [], range);
  const { usage, error } = by.get(runner.id) ?? { usage: undefined, error: null };
  return (
    <>
      <div class="run-head">
        <h2 class="pg">Usage</h2>
        <span class="grow" />
        <Segments label="How far back" value={range} options={RANGES} onChange={(value) => setQuery({ range: value })} />
        <Button small kind="soft" icon={Download} class="use-export" disabled={!usage} onClick={() => usage && download(`usage-${runner.name}.csv`, csv([{ runner: runner.name, usage }]), CSV_TYPE)}>Export CSV</Button>
      </div>
      {!runner.connected ? (
        <Empty title={`${runner.name} is not connected.`} text="It counts what its sessions used; the numbers show up here when it is back." />
      ) : error ? (
        <ErrorState error={error} title="The numbers did not load." retry={again} />
      ) : usage ? (
        <Report usage={usage} range={range} />
      ) : (
        <Skeleton rows={8} height={48} />
      )}
    </>
  );
}
