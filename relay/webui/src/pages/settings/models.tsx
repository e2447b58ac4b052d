/** Models that are left out wherever one is chosen. */
import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import { get, put, seg } from "../../api/rest";
import { connectedRunners, runnersLoaded } from "../../state/runners";
import { readModels } from "../../state/meta";
import type { Model } from "../../state/types";
import { Empty, errorWords, ErrorState, Skeleton, Switch, TextInput, toast } from "../../ui";
import { obj, strings } from "../../transcript/wire";
import { setCount } from "./counts";
import { PartHead } from "./part";
import { useLoad } from "./use-load";

const key = (model: Model): string => `${model.provider}/${model.id}`;

async function loadHidden(): Promise<readonly string[]> {
  const hidden = strings(obj(await get<unknown>("/api/settings/hidden-models")).hiddenModels);
  setCount("models", hidden.length > 0 ? `${hidden.length} hidden` : "");
  return hidden;
}

/** Ask every connected runner; one that does not answer adds nothing. */
async function loadOffered(ids: readonly string[]): Promise<readonly Model[]> {
  const answers = await Promise.allSettled(ids.map((id) => get<unknown>(`/api/runners/${seg(id)}/models`)));
  const found = new Map<string, Model>();
  for (const answer of answers) {
    if (answer.status === "fulfilled") for (const model of readModels(obj(answer.value).models)) found.set(key(model), model);
  }
  const failed = answers.find((answer) => answer.status === "rejected");
  if (found.size === 0 && failed) throw failed.reason;
  return [...found.values()];
}

/** The part "Models". */
export function Models(): JSX.Element {
  const { value: hidden, error, again } = useLoad(loadHidden);
  const [offered, setOffered] = useState<{ models: readonly Model[] | null; error: unknown }>({ models: null, error: null });
  const [chosen, setChosen] = useState<readonly string[] | null>(null);
  const [words, setWords] = useState("");
  const ids = connectedRunners.value.map((runner) => runner.id).join(" ");
  const known = runnersLoaded.value;
  useEffect(() => {
    if (!known) return undefined;
    let on = true;
    setOffered({ models: null, error: null });
    loadOffered(ids ? ids.split(" ") : []).then(
      (models) => { if (on) setOffered({ models, error: null }); },
      (failure: unknown) => { if (on) setOffered({ models: null, error: failure }); },
    );
    return () => { on = false; };
  }, [ids, known]);
  const now = chosen ?? hidden;
  const set = async (name: string, shown: boolean): Promise<void> => {
    const before = now ?? [];
    const next = shown ? before.filter((entry) => entry !== name) : [...before, name];
    setChosen(next);
    setCount("models", next.length > 0 ? `${next.length} hidden` : "");
    try {
      await put("/api/settings/hidden-models", { hiddenModels: next });
    } catch (failure) {
      setChosen(before);
      toast({ words: errorWords(failure), kind: "error" });
    }
  };
  const failure = error ?? offered.error;
  return (
    <>
      <PartHead title="Models" text="Models that are switched off are left out wherever you choose one. Applies to all your browsers." />
      {!now || (!offered.models && !failure) ? (failure ? <ErrorState error={failure} retry={again} /> : <Skeleton rows={5} height={36} />)
        : failure ? <ErrorState error={failure} retry={again} />
        : <List offered={offered.models ?? []} hidden={now} words={words} setWords={setWords} set={set} />}
    </>
  );
}

function List({ offered, hidden, words, setWords, set }: {
  offered: readonly Model[];
  hidden: readonly string[];
  words: string;
  setWords: (words: string) => void;
  set: (name: string, shown: boolean) => Promise<void>;
}): JSX.Element {
  // The relay leaves hidden ones out of what runners offer.
  const all = new Map(offered.map((model) => [key(model), model.name]));
  for (const name of hidden) if (!all.has(name)) all.set(name, name.slice(name.indexOf("/") + 1));
  const wanted = [...all].filter(([name, shown]) => `${name} ${shown}`.toLowerCase().includes(words.trim().toLowerCase()));
  const providers = [...new Set(wanted.map(([name]) => name.split("/")[0] as string))].sort();
  if (all.size === 0) return <Empty plain title="No models yet." text="They come from a connected runner." />;
  return (
    <>
      {all.size > 8 && <div class="set-find"><TextInput small value={words} onChange={setWords} placeholder="Find a model" aria-label="Find a model" /></div>}
      {providers.map((provider) => (
        <section key={provider} class="set-models" aria-label={provider}>
          <h3 class="st">{provider}</h3>
          {wanted.filter(([name]) => name.split("/")[0] === provider).map(([name, shown]) => (
            <div key={name} class="set-model">
              <span class="grow">{shown}</span>
              <span class="m t3 cut">{name.slice(provider.length + 1)}</span>
              <Switch label={`Show ${shown}`} on={!hidden.includes(name)} onChange={(on) => void set(name, on)} />
            </div>
          ))}
        </section>
      ))}
      {wanted.length === 0 && <p class="set-lead">Nothing matches “{words.trim()}”.</p>}
    </>
  );
}
