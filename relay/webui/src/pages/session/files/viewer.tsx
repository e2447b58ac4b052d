/** One file: text with line links and blame, a picture, or what else it is. */
import { ChevronLeft, History } from "lucide-preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { post, seg } from "../../../api/rest";
import { ago, bytes, count, now } from "../../../lib/format";
import type { OpenSession } from "../../../state/types";
import { Button, CopyButton, Empty, ErrorState, Skeleton, toast, errorWords } from "../../../ui";
import { type Author, type Blame, Git } from "../changes/git";
import { painted, useColour } from "./highlight";

/** A picture of these kinds is shown. */
const PICTURES: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", avif: "image/avif", bmp: "image/bmp", ico: "image/x-icon" };
/** Lines that are drawn at first; the rest follows on demand, so that a huge file opens at once. */
const CHUNK = 3000;
const ROW = 20;

interface Content {
  text: string;
  size: number;
  truncated: boolean;
  picture: string;
  binary: boolean;
}

interface Props {
  session: OpenSession;
  runnerId: string;
  root: string;
  path: string;
  line: number | undefined;
  onLine: (line: number) => void;
  onBack: (() => void) | undefined;
}

/** Show the file at an absolute path. */
export function Viewer({ session, runnerId, root, path, line, onLine, onBack }: Props) {
  const [content, setContent] = useState<Content | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const [blame, setBlame] = useState<Blame | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    setError(null);
    load(runnerId, path, stop.signal).then(setContent, (problem: unknown) => {
      if (!stop.signal.aborted) setError(problem);
    });
    return () => stop.abort();
  }, [runnerId, path, turn]);
  const short = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
  const toggle = async (): Promise<void> => {
    if (blame) {
      setBlame(null);
      return;
    }
    setBusy(true);
    try {
      setBlame(await new Git(session, root).blame(short));
    } catch (problem) {
      toast({ words: errorWords(problem), kind: "error" });
    }
    setBusy(false);
  };
  const isText = content && !content.picture && !content.binary;
  return (
    <div class="file-view">
      <header class="pbar">
        {onBack && <Button small kind="quiet" icon={ChevronLeft} onClick={onBack}>Files</Button>}
        <h2 class="m cut file-path" title={short}>{onBack ? short.split("/").pop() : short}</h2>
        <span class="grow" />
        {content && !onBack && <span class="meta num">{bytes(content.size)}</span>}
        {isText && blame && blame.text.trimEnd() !== content.text.trimEnd() && <span class="meta">As last committed</span>}
        {isText && <Button tiny kind="quiet" icon={History} pressed={blame !== null} busy={busy} onClick={() => void toggle()}>Blame</Button>}
        {isText && <CopyButton kind="quiet" value={content.text} />}
      </header>
      {error !== null ? (
        <div class="file-alone"><ErrorState error={error} title="This file did not load." retry={() => setTurn(turn + 1)} /></div>
      ) : !content ? (
        <div class="file-alone"><Skeleton rows={10} height={20} /></div>
      ) : content.picture ? (
        <div class="file-picture"><img src={content.picture} alt={short} /></div>
      ) : content.binary ? (
        <div class="file-alone"><Empty title="This file is not text." text={`It has ${bytes(content.size)} and can't be shown here.`} /></div>
      ) : (
        <Text path={path} content={content} line={line} blame={blame} onLine={onLine} />
      )}
    </div>
  );
}

function Text({ path, content, line, blame, onLine }: { path: string; content: Content; line: number | undefined; blame: Blame | null; onLine: (line: number) => void }) {
  const text = blame ? blame.text : content.text;
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n"), [text]);
  const [shown, setShown] = useState(() => Math.max(CHUNK, line ?? 0));
  const colours = useColour(path, text);
  const box = useRef<HTMLDivElement>(null);
  const here = useRef<number | undefined>(undefined);
  useLayoutEffect(() => {
    if (line === undefined || here.current === line || !box.current) return;
    if (line > shown) setShown(line + CHUNK);
    const top = (line - 1) * ROW;
    if (top < box.current.scrollTop || top > box.current.scrollTop + box.current.clientHeight - ROW) {
      box.current.scrollTop = Math.max(0, top - box.current.clientHeight / 3);
    }
    here.current = line;
  }, [line, shown]);
  return (
    <div class="file-code" ref={box} tabIndex={0} role="region" aria-label={path.split("/").pop()}>
      <div class={blame ? "file-lines file-blamed" : "file-lines"}>
        {lines.slice(0, shown).map((words, index) => {
          const number = index + 1;
          const pieces = colours?.[index];
          return (
            <div key={number} class={`file-line${number === line ? " on" : ""}`}>
              {blame && <Who line={blame.by[index]} before={blame.by[index - 1]} />}
              <button type="button" class="file-number" aria-label={`Line ${number}`} tabIndex={-1} onClick={() => onLine(number)}>{number}</button>
              <code>{pieces ? painted(pieces) : words}</code>
            </div>
          );
        })}
      </div>
      {shown < lines.length && <Button small kind="quiet" class="file-more" onClick={() => setShown(shown + CHUNK * 4)}>{`Show the other ${count(lines.length - shown)} lines`}</Button>}
      {content.truncated && <p class="file-problem">Only the first 512 kB are shown; the file is longer.</p>}
    </div>
  );
}

function Who({ line, before }: { line: Author | undefined; before: Author | undefined }) {
  if (!line || line.hash === before?.hash) return <span class="file-who" />;
  return <span class="file-who cut" title={line.summary}>{`${line.author} ${line.at ? ago(line.at, now.peek()) : ""}`}</span>;
}

async function load(runnerId: string, path: string, signal: AbortSignal): Promise<Content> {
  const kind = PICTURES[(path.split(".").pop() ?? "").toLowerCase()];
  const encoding = kind ? "base64" : "utf8";
  const answer = await post<{ content?: unknown; size?: unknown; truncated?: unknown }>(`/api/runners/${seg(runnerId)}/read-file`, { path, encoding }, { signal, timeout: 35_000 });
  const text = typeof answer.content === "string" ? answer.content : "";
  const size = typeof answer.size === "number" ? answer.size : text.length;
  const truncated = answer.truncated === true;
  if (kind) return { text: "", size, truncated, picture: truncated ? "" : `data:${kind};base64,${text}`, binary: truncated };
  return { text, size, truncated, picture: "", binary: text.includes("\0") };
}
