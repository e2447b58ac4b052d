/** The models that a runner offers. */
import { count } from "../../lib/format";
import type { Runner } from "../../state/runners";
import { type Column, Empty, ErrorState, Skeleton, Table } from "../../ui";
import { type ModelChoice, useModels } from "../new/models";

const COLUMNS: readonly Column<ModelChoice>[] = [
  { id: "name", words: "Model", cell: (model) => model.name },
  { id: "provider", words: "Provider", second: true, cell: (model) => model.provider },
  { id: "id", words: "Id", mono: true, wideOnly: true, cell: (model) => model.value.slice(model.provider.length + 1) },
  { id: "thinks", words: "Thinks first", wideOnly: true, cell: (model) => (model.reasoning ? "Yes" : "No") },
  { id: "window", words: "Context", num: true, cell: (model) => (model.contextWindow ? `${count(model.contextWindow)} tokens` : "Not said") },
];

/** The part "Models". */
export function Models({ runner }: { runner: Runner }) {
  const { models, state, again } = useModels(runner.id);
  return (
    <>
      <h2 class="pg">Models</h2>
      {!runner.connected ? (
        <Empty title={`${runner.name} is not connected.`} text="Its models show up here when it is back." />
      ) : state === "loading" ? (
        <Skeleton rows={5} height={36} />
      ) : state === "failed" ? (
        <ErrorState error="The runner did not answer." title="The models did not load." retry={again} />
      ) : models.length === 0 ? (
        <Empty title="No model is set up here." text={`Sign in to a provider on ${runner.name}, or put a key into its settings.`} />
      ) : (
        <Table caption="Models" rows={models} keyOf={(model) => model.value} columns={COLUMNS} />
      )}
    </>
  );
}
