/** The models of a runner, asked for once per dialog (rest-runners.md 5.7). */
import { useEffect, useState } from "preact/hooks";
import { get, seg } from "../../api/rest";
import { readModels } from "../../state/meta";

/** A model to choose; `value` is "provider/id". */
export interface ModelChoice {
  value: string;
  provider: string;
  name: string;
  reasoning: boolean;
  levels: readonly string[];
  contextWindow: number | undefined;
}

/** Answer the models of a runner and how far asking got. */
export function useModels(runnerId: string): { models: readonly ModelChoice[]; state: "loading" | "ready" | "failed"; again: () => void } {
  const [models, setModels] = useState<readonly ModelChoice[]>([]);
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setModels([]);
    setState("loading");
    get<{ models?: unknown }>(`/api/runners/${seg(runnerId)}/models`, { signal: stop.signal })
      .then((answer) => {
        setModels(
          readModels(answer.models).map((model) => ({
            value: `${model.provider}/${model.id}`,
            provider: model.provider,
            name: model.name,
            reasoning: model.reasoning,
            levels: model.thinkingLevels,
            contextWindow: model.contextWindow,
          })),
        );
        setState("ready");
      })
      .catch(() => {
        if (!stop.signal.aborted) setState("failed");
      });
    return () => stop.abort();
  }, [runnerId, turn]);
  return { models, state, again: () => setTurn((count) => count + 1) };
}
