/** The prompt of a new session: text, files by button, paste and drop, "@" for files of the folder, "/" for skills. */
import { AtSign, Paperclip, X } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { PAUSE_MS, searchFiles } from "../../api/files";
import { afterPause } from "../../lib/pause";
import { bytes } from "../../lib/format";
import type { Runner } from "../../state/runners";
import { IconButton, toast } from "../../ui";

/** Rows that the list of files or skills shows. */
const ROWS = 8;
/** What the relay takes per file, in bytes. */
const MOST_BYTES = 25 * 1024 * 1024;

interface Props {
  runner: Runner;
  cwd: string;
  value: string;
  onChange: (text: string) => void;
  files: readonly File[];
  onFiles: (files: readonly File[]) => void;
}

interface Token {
  sign: "@" | "/";
  word: string;
  from: number;
}

interface Choice {
  insert: string;
  words: string;
  note: string;
}

/** The field. */
export function PromptField({ runner, cwd, value, onChange, files, onFiles }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [token, setToken] = useState<Token | null>(null);
  const [at, setAt] = useState(0);
  const [over, setOver] = useState(false);
  const choices = useChoices(runner, cwd, token);
  useEffect(() => area.current?.focus(), []);

  const look = (): void => {
    const box = area.current;
    if (!box) return;
    setToken(tokenAt(box.value, box.selectionStart));
    setAt(0);
  };
  const take = (choice: Choice): void => {
    const box = area.current;
    if (!box || !token) return;
    const rest = value.slice(box.selectionStart);
    const head = `${value.slice(0, token.from)}${choice.insert} `;
    onChange(head + rest);
    setToken(null);
    requestAnimationFrame(() => {
      box.focus();
      box.setSelectionRange(head.length, head.length);
    });
  };
  const write = (sign: string): void => {
    const box = area.current;
    if (!box) return;
    box.focus();
    const start = box.selectionStart;
    const before = value.slice(0, start);
    const gap = before && !/\s$/.test(before) ? " " : "";
    onChange(before + gap + sign + value.slice(start));
    requestAnimationFrame(() => {
      box.setSelectionRange(start + gap.length + 1, start + gap.length + 1);
      look();
    });
  };
  const add = (list: FileList | readonly File[]): void => {
    const fresh = [...list].filter((file) => {
      if (file.size <= MOST_BYTES) return true;
      toast({ words: `${file.name}: Too large, 25 MB at most`, kind: "error" });
      return false;
    });
    if (fresh.length > 0) onFiles([...files, ...fresh]);
  };
  const keys = (event: KeyboardEvent): void => {
    if (!token || choices.length === 0) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((at + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length);
    } else if ((event.key === "Tab" || event.key === "Enter") && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      const choice = choices[at];
      if (!choice) return;
      event.preventDefault();
      take(choice);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setToken(null);
    }
  };
  return (
    <div
      class={`new-prompt${over ? " over" : ""}`}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        if (!event.dataTransfer?.files.length) return;
        event.preventDefault();
        add(event.dataTransfer.files);
      }}
    >
      {files.length > 0 && (
        <ul class="new-files" aria-label="Files">
          {files.map((file, index) => (
            <li key={`${file.name}-${index}`}>
              <span class="cut">{file.name}</span>
              <span class="meta">{bytes(file.size)}</span>
              <IconButton small label={`Remove ${file.name}`} icon={X} onClick={() => onFiles(files.filter((_file, other) => other !== index))} />
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={area}
        rows={4}
        value={value}
        aria-label="Prompt"
        placeholder="What should the agent do?"
        onInput={(event) => {
          onChange(event.currentTarget.value);
          look();
        }}
        onKeyDown={keys}
        onClick={look}
        onBlur={() => setToken(null)}
        onPaste={(event) => {
          if (!event.clipboardData?.files.length) return;
          event.preventDefault();
          add(event.clipboardData.files);
        }}
      />
      <div class="new-prompt-foot">
        <IconButton label="Attach a file" icon={Paperclip} onClick={() => picker.current?.click()} />
        <IconButton label="Mention a file" icon={AtSign} onClick={() => write("@")} />
        <button type="button" class="ib" aria-label="Commands" data-tip="Commands" onClick={() => write("/")}><span class="new-slash" aria-hidden="true">/</span></button>
        <span class="grow" />
        <span class="meta">{over ? "Drop to attach" : "You can also start without a prompt"}</span>
      </div>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          if (event.currentTarget.files) add(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
      {token && choices.length > 0 && (
        <ul class="new-menu" role="listbox" aria-label={token.sign === "@" ? "Files" : "Skills"}>
          {choices.map((choice, index) => (
            <li
              key={choice.insert}
              role="option"
              aria-selected={index === at}
              class={index === at ? "on" : ""}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => take(choice)}
            >
              <span class="m grow cut">{choice.words}</span>
              <span class="meta cut">{choice.note}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Find the word at the caret that begins with "@", or with "/" at the start of the text. */
export function tokenAt(text: string, caret: number): Token | null {
  const found = /(^|\s)([@/])([^\s@]*)$/.exec(text.slice(0, caret));
  if (!found) return null;
  const from = found.index + (found[1]?.length ?? 0);
  const sign = found[2] === "@" ? "@" : "/";
  if (sign === "/" && from !== 0) return null;
  return { sign, word: found[3] ?? "", from };
}

function useChoices(runner: Runner, cwd: string, token: Token | null): readonly Choice[] {
  const [found, setFound] = useState<readonly Choice[]>([]);
  const word = token?.word ?? "";
  const sign = token?.sign;
  useEffect(() => {
    setFound([]);
    if (sign !== "@" || word === "" || cwd === "") return undefined;
    return afterPause(PAUSE_MS, (signal) => {
      searchFiles(runner.id, cwd, word, ROWS, { signal })
        .then((hits) => {
          const paths = hits.map((hit) => hit.relative).filter(Boolean);
          setFound(paths.slice(0, ROWS).map((path) => ({ insert: `@${path}`, words: path, note: "" })));
        })
        .catch(() => undefined);
    });
  }, [runner.id, cwd, sign, word]);
  if (sign === "@") return found;
  if (sign !== "/") return [];
  return runner.skills
    .filter((skill) => `skill:${skill.name}`.includes(word.toLowerCase()))
    .slice(0, ROWS)
    .map((skill) => ({ insert: `/skill:${skill.name}`, words: `/skill:${skill.name}`, note: skill.description }));
}
