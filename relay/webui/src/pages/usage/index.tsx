/** Usage of all runners together (brief 3, Usage). */
import { Download } from "lucide-preact";
import { download } from "../../lib/download";
import { query, setQuery } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { connectedRunners, runnersLoaded } from "../../state/runners";
import { Button, Empty, ErrorState, Segments, Select, Skeleton } from "../../ui";
import { csv, CSV_TYPE, RANGES, together } from "./data";
import { rangeOf, useUsage } from "./load";
import { Report } from "./report";

/** The page at "/usage". */
export default function UsagePage() {
  useTitle("Usage");
  const range = rangeOf(query.value);
  const wished = query.value.get("runner") ?? "";
  const all = connectedRunners.value;
  const chosen = all.some((runner) => runner.id === wished) ? all.filter((runner) => runner.id === wished) : all;
  const { by, again } = useUsage(chosen.map((runner) => runner.id), range);
  const found = chosen.flatMap((runner) => {
    const usage = by.get(runner.id)?.usage;
    return usage ? [{ name: runner.name, usage }] : [];
  });
  const failed = chosen.filter((runner) => by.get(runner.id)?.error);
  const waiting = by.size < chosen.length;
  return (
    <div class="use-page">
      <header class="bar">
        <h1>Usage</h1>
        <span class="grow" />
        {all.length > 1 && (
          <Select
            small
            aria-label="Runner"
            value={chosen.length === 1 && wished ? wished : ""}
            onChange={(id) => setQuery({ runner: id || null })}
            options={[{ value: "", words: "All runners" }, ...all.map((runner) => ({ value: runner.id, words: runner.name }))]}
          />
        )}
        <Segments label="How far back" value={range} options={RANGES} onChange={(value) => setQuery({ range: value })} />
        <Button small kind="soft" icon={Download} class="use-export" disabled={found.length === 0} onClick={() => download("usage.csv", csv(found.map(({ name, usage }) => ({ runner: name, usage }))), CSV_TYPE)}>Export CSV</Button>
      </header>
      <div class="scroll">
        <div class="use-body">
          {!runnersLoaded.value ? (
            <Skeleton rows={6} />
          ) : all.length === 0 ? (
            <Empty title="No runner is connected." text="Each runner counts what its sessions used. Connect one to see it." action={<Button kind="primary" href="/connect">Connect a runner</Button>} />
          ) : (
            <>
              {failed.map((runner) => <ErrorState key={runner.id} title={`${runner.name} did not say what it used.`} error={by.get(runner.id)?.error} retry={again} />)}
              {found.length > 0 ? <Report usage={together(found.map(({ usage }) => usage))} range={range} runners={found} /> : waiting && <Skeleton rows={8} height={48} />}
            </>
          )}
        </div>
      </div>
    </div>
  );
}
