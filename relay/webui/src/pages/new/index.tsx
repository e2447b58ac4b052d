/** Start a session, in a dialog over the page you were on: focus in the prompt, the rest as last time (brief 3). */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { count } from "../../lib/format";
import { width } from "../../lib/media";
import { back, go, query } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { draft } from "../../state/drafts";
import { type Runner, runners, runnersLoaded } from "../../state/runners";
import { Button, Checkbox, Dialog, Empty, errorWords, Mark, Segments, Select } from "../../ui";
import { FolderField } from "./folder-field";
import { PromptField } from "./prompt-field";
import { lastOn, lastRunner, remember, type Settings, spelled } from "./settings";
import { begin } from "./start";
import { type ModelChoice, useModels } from "./models";
import "./new.css";

/** The dialog at "/new"; `?runner=` and `?folder=` prefill it. */
export default function NewSession() {
  useTitle("New session");
  const all = runners.value;
  const wishRunner = query.value.get("runner");
  const wishFolder = query.value.get("folder");
  const live = all.filter((runner) => runner.connected);
  const [picked, pick] = useState<string | null>(null);
  const runner = live.find((entry) => entry.id === (picked ?? wishRunner ?? lastRunner())) ?? live[0];
  if (!runner) {
    return (
      <Dialog title="New session" wide={640} top={112} full onClose={() => back("/")}>
        {runnersLoaded.value ? (
          <Empty
            title="No runner is connected. Connect one to start a session."
            text="A runner is the program that runs agents on one of your machines."
            action={<Button kind="primary" href="/connect">Connect a runner</Button>}
          />
        ) : (
          <p class="t3" role="status">Looking for runners…</p>
        )}
      </Dialog>
    );
  }
  return <Form key={runner.id} runner={runner} all={all} folder={wishFolder} onPick={pick} />;
}

interface FormProps {
  runner: Runner;
  all: readonly Runner[];
  folder: string | null;
  onPick: (id: string) => void;
}

function Form({ runner, all, folder, onPick }: FormProps) {
  const before = useMemo(() => lastOn(runner.id), [runner.id]);
  const [settings, setSettings] = useState<Settings>({ ...before, cwd: folder ?? (before.cwd || runner.roots[0] || "") });
  const text = draft("new");
  const [files, setFiles] = useState<readonly File[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ folder?: string; other?: string }>({});
  const { models, state: modelState } = useModels(runner.id);
  const set = (change: Partial<Settings>): void => {
    setError({});
    setSettings((now) => ({ ...now, ...change }));
  };
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  const close = (): void => back("/");

  const start = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError({});
    const cwd = spelled(settings.cwd, "");
    const known = models.some((model) => model.value === settings.model);
    const wish = { ...settings, cwd, model: known || modelState !== "ready" ? settings.model : "", runnerId: runner.id };
    try {
      const id = await begin({ ...wish, prompt: text.peek().text.trim(), files });
      remember(runner.id, { ...settings, cwd });
      text.value = { text: "", attachments: [] };
      if (alive.current) go(`/session/${encodeURIComponent(id)}`, "replace");
    } catch (problem) {
      const words = errorWords(problem);
      setBusy(false);
      setError(/cwd|folder|directory|path/i.test(words) ? { folder: folderWords(words, runner.name) } : { other: words });
    }
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      event.stopPropagation();
      void start();
    }
  };
  const phone = width.value === "phone";
  return (
    <Dialog
      title="New session"
      wide={width.value === "tablet" ? 600 : 640}
      top={112}
      full
      class="new-dialog"
      onClose={close}
      foot={
        <>
          <span class="new-note grow">{error.other ? <span class="dg" role="alert">{error.other}</span> : !phone && "The rest is remembered from your last session here."}</span>
          {!phone && <Button kind="quiet" onClick={close}>Cancel</Button>}
          <Button kind="primary" keys="mod+enter" busy={busy} onClick={() => void start()}>{busy ? "Starting…" : "Start session"}</Button>
        </>
      }
    >
      <div class="new-form" onKeyDown={keys} {...(text.value.text ? { "data-dirty": "" } : {})}>
        <PromptField
          runner={runner}
          cwd={settings.cwd}
          value={text.value.text}
          onChange={(words) => (text.value = { ...text.peek(), text: words })}
          files={files}
          onFiles={setFiles}
        />
        <div class="new-row">
          <span class="new-label" id="new-runner">Runner</span>
          <RunnerPick all={all} chosen={runner.id} onPick={onPick} />
        </div>
        <div class="new-row">
          <label class="new-label" for="new-folder">Folder</label>
          <FolderField runnerId={runner.id} value={settings.cwd} error={error.folder ?? null} onChange={(cwd) => set({ cwd })} />
        </div>
        <ModelRow settings={settings} set={set} models={models} state={modelState} />
        <div class="new-row">
          <label class="new-label" for="new-agent">Agent</label>
          <div class="new-two">
            <Select
              id="new-agent"
              class="new-select"
              value={runner.agents.some((agent) => agent.name === settings.agent) ? settings.agent : ""}
              onChange={(agent) => set({ agent })}
              options={[{ value: "", words: "Default" }, ...runner.agents.map((agent) => ({ value: agent.name, words: agent.name }))]}
            />
            <Checkbox on={settings.planFirst} onChange={(planFirst) => set({ planFirst })}>Plan first, wait for my approval</Checkbox>
          </div>
        </div>
      </div>
    </Dialog>
  );
}

function folderWords(words: string, runner: string): string {
  if (/cannot access/i.test(words)) return `${runner} does not let agents work in this folder. Choose one inside its workspace.`;
  if (/not exist|ENOENT|no such/i.test(words)) return `This folder is not on ${runner}. Choose one that is.`;
  return words;
}

function RunnerPick({ all, chosen, onPick }: { all: readonly Runner[]; chosen: string; onPick: (id: string) => void }) {
  const live = all.filter((runner) => runner.connected);
  if (all.length > 6) {
    return <Select aria-labelledby="new-runner" value={chosen} onChange={onPick} options={live.map((runner) => ({ value: runner.id, words: runner.name }))} />;
  }
  return (
    <div class="new-pick" role="radiogroup" aria-labelledby="new-runner">
      {all.map((runner) => (
        <label key={runner.id} class={`new-runner${runner.id === chosen ? " on" : ""}${runner.connected ? "" : " off"}`}>
          <input type="radio" class="hide" name="runner" checked={runner.id === chosen} disabled={!runner.connected} onChange={() => onPick(runner.id)} />
          <Mark state={runner.connected ? "connected" : "offline"} />
          <b class="cut">{runner.name}</b>
          <span class="meta cut">{runner.connected ? `${count(runner.sessionCount)} ${runner.sessionCount === 1 ? "session" : "sessions"}` : "Offline"}</span>
        </label>
      ))}
    </div>
  );
}

interface ModelProps {
  settings: Settings;
  set: (change: Partial<Settings>) => void;
  models: readonly ModelChoice[];
  state: "loading" | "ready" | "failed";
}

const LEVELS = { off: "Off", minimal: "Minimal", low: "Low", medium: "Medium", high: "High", xhigh: "Highest", max: "Max" } as const;

function ModelRow({ settings, set, models, state }: ModelProps) {
  const chosen = models.find((model) => model.value === settings.model);
  const many = new Set(models.map((model) => model.provider)).size > 1;
  const options = models.map((model) => ({ value: model.value, words: model.name, ...(many ? { group: model.provider } : {}) }));
  const first = { value: "", words: state === "loading" ? "Looking…" : "The runner’s default" };
  const levels = chosen?.levels.length ? chosen.levels : ["off", "low", "medium", "high"];
  return (
    <div class="new-row">
      <label class="new-label" for="new-model">Model</label>
      <div class="new-two">
        <Select id="new-model" class="new-select" value={chosen ? settings.model : ""} onChange={(model) => set({ model })} options={[first, ...options]} />
        {chosen && !chosen.reasoning ? (
          <span class="meta">This model does not think first.</span>
        ) : (
          <>
            <Segments
              label="Thinking"
              value={settings.thinking}
              onChange={(thinking) => set({ thinking })}
              options={levels.map((level) => ({ value: level, words: LEVELS[level as keyof typeof LEVELS] ?? level }))}
            />
            <span class="meta">Thinking</span>
          </>
        )}
      </div>
    </div>
  );
}
