/** Choose a folder on a runner: type, take one that was used before, or walk through the tree. */
import { ChevronRight, Folder, History } from "lucide-preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { get, seg } from "../../api/rest";
import { afterPause } from "../../lib/pause";
import { clock, now, tilde } from "../../lib/format";
import { sessions } from "../../state/sessions";
import { errorWords } from "../../ui";
import { completing, guessHome, spelled } from "./settings";

/** Rows that the list shows at most. */
const MOST = 8;
/** Milliseconds after the last key until the runner is asked what lies in a folder. */
const REST = 150;

interface Choice {
  path: string;
  used: boolean;
  note: string;
}

interface Props {
  runnerId: string;
  value: string;
  onChange: (path: string) => void;
  error: string | null;
}

/** The field; `value` and `onChange` speak absolute paths, the person sees "~". */
export function FolderField({ runnerId, value, onChange, error }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const recent = useRecent(runnerId);
  const home = useMemo(() => guessHome([...recent, value]), [recent, value]);
  const [text, setText] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const shown = text ?? tilde(value, home);
  const inside = useInside(runnerId, open ? completing(shown, home).folder : null);
  const choices = open ? list(shown, home, recent, inside.folders, runnerId) : [];
  const chosen = Math.min(at, choices.length - 1);

  // Somebody who never chose starts where agents worked most.
  const first = recent[0];
  useEffect(() => {
    if (first && value === "" && text === null) onChange(first);
  }, [first]);

  const take = (path: string, deeper: boolean): void => {
    onChange(path);
    setAt(0);
    if (deeper) setText(`${tilde(path, home).replace(/\/$/, "")}/`);
    else {
      setText(null);
      setOpen(false);
    }
  };
  const keys = (event: KeyboardEvent): void => {
    const choice = choices[chosen];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) setOpen(true);
      else setAt(Math.max(0, Math.min(choices.length - 1, chosen + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (open && choice && event.key === "Enter" && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      take(choice.path, false);
    } else if (open && choice && event.key === "Tab" && !event.shiftKey && text !== null && choice.path !== spelled(text, home)) {
      event.preventDefault();
      take(choice.path, true);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  };
  return (
    <div class="new-combo" onFocusOut={(event) => {
      if (event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget)) return;
      setOpen(false);
      setText(null);
    }}>
      <span class="input input-mono">
        <Folder size={14} strokeWidth={1.75} aria-hidden="true" />
        <input
          ref={input}
          id="new-folder"
          role="combobox"
          aria-expanded={open}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={open && choices[chosen] ? `${id}-${chosen}` : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          aria-invalid={error ? true : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder={home ? "~" : "/"}
          value={shown}
          onInput={(event) => {
            const typed = event.currentTarget.value;
            setText(typed);
            setOpen(true);
            setAt(0);
            onChange(spelled(typed, home));
          }}
          onKeyDown={keys}
        />
        <button
          type="button"
          class="new-browse"
          onClick={() => {
            const folder = spelled(shown, home) || home || "/";
            setText(folder === "/" ? "/" : `${tilde(folder, home)}/`);
            setOpen(true);
            setAt(0);
            input.current?.focus();
          }}
        >
          Browse<ChevronRight size={14} strokeWidth={1.75} aria-hidden="true" />
        </button>
      </span>
      {error && <p class="field-error" id={`${id}-error`} role="alert">{error}</p>}
      {open && (choices.length > 0 || inside.error) && (
        <ul class="new-menu" role="listbox" id={id} aria-label="Folders">
          {choices.map((choice, index) => (
            <li
              key={choice.path}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === chosen}
              class={index === chosen ? "on" : ""}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => take(choice.path, !choice.used)}
            >
              {choice.used ? <History size={14} strokeWidth={1.75} aria-hidden="true" /> : <Folder size={14} strokeWidth={1.75} aria-hidden="true" />}
              <Marked path={tilde(choice.path, home)} typed={text === null ? "" : completing(text, home).start} />
              {choice.note && <span class="meta">{choice.note}</span>}
            </li>
          ))}
          {choices.length === 0 && inside.error && <li class="new-menu-note">{inside.error}</li>}
        </ul>
      )}
    </div>
  );
}

function Marked({ path, typed }: { path: string; typed: string }) {
  const cut = path.lastIndexOf("/") + 1;
  const at = typed ? path.toLowerCase().indexOf(typed.toLowerCase(), cut) : -1;
  if (at < 0) return <span class="m grow cut">{path}</span>;
  return (
    <span class="m grow cut">
      {path.slice(0, at)}<b>{path.slice(at, at + typed.length)}</b>{path.slice(at + typed.length)}
    </span>
  );
}

function list(text: string, home: string, recent: readonly string[], inside: readonly string[], runnerId: string): Choice[] {
  const typed = spelled(text, home).toLowerCase();
  const { start } = completing(text, home);
  const used = recent.filter((path) => path.toLowerCase().includes(typed) || (!text.includes("/") && path.toLowerCase().includes(text.toLowerCase())));
  const rest = inside.filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return !used.includes(path) && name.toLowerCase().includes(start.toLowerCase()) && (start.startsWith(".") || !name.startsWith("."));
  });
  const room = rest.length > 0 ? 4 : MOST;
  return [
    ...used.slice(0, room).map((path) => ({ path, used: true, note: usedWhen(path, runnerId) })),
    ...rest.map((path) => ({ path, used: false, note: "" })),
  ].slice(0, MOST);
}

function usedWhen(path: string, runnerId: string): string {
  const times = sessions.peek().filter((row) => row.cwd === path && row.runnerId === runnerId).map((row) => row.changedAt);
  if (times.length === 0) return "";
  const last = Math.max(...times);
  const words = clock(last, now.peek());
  return words.includes(":") && !words.includes(" ") ? "Used today" : `Used ${words.replace(/ \d\d:\d\d$/, "")}`;
}

function useRecent(runnerId: string): readonly string[] {
  const [folders, setFolders] = useState<readonly string[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    setFolders([]);
    if (!runnerId) return undefined;
    get<{ folders?: unknown }>(`/api/runners/${seg(runnerId)}/recent-folders`, { signal: stop.signal })
      .then((answer) => {
        const known = Array.isArray(answer.folders) ? answer.folders : [];
        setFolders(known.filter((entry): entry is string => typeof entry === "string"));
      })
      .catch(() => undefined);
    return () => stop.abort();
  }, [runnerId]);
  return folders;
}

function useInside(runnerId: string, folder: string | null): { folders: readonly string[]; error: string } {
  const [state, setState] = useState<{ of: string; folders: readonly string[]; error: string }>({ of: "", folders: [], error: "" });
  useEffect(() => {
    if (folder === null || !runnerId) return undefined;
    return afterPause(REST, (signal) => {
      get<{ directories?: { path?: unknown }[] }>(`/api/runners/${seg(runnerId)}/browse?path=${seg(folder)}`, { signal })
        .then((answer) => {
          const paths = (answer.directories ?? []).map((entry) => entry.path);
          setState({ of: folder, folders: paths.filter((path): path is string => typeof path === "string"), error: "" });
        })
        .catch((error: unknown) => {
          if (!signal.aborted) setState({ of: folder, folders: [], error: errorWords(error) });
        });
    });
  }, [runnerId, folder]);
  return state.of === folder ? state : { folders: [], error: "" };
}
