/** Files of the session's folder: tree and viewer; the address holds path and line (brief 2, 3). */
import { Search } from "lucide-preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { PAUSE_MS, searchFiles } from "../../../api/files";
import { afterPause } from "../../../lib/pause";
import { go, path as address } from "../../../lib/router";
import { runner as runnerOf } from "../../../state/runners";
import { session as rowOf } from "../../../state/sessions";
import type { OpenSession } from "../../../state/types";
import { Empty, Skeleton, TextInput } from "../../../ui";
import { Git } from "../changes/git";
import { useRoom } from "../../../room/use-room";
import { FileTree, readFolder, reveal, treeOf } from "./tree";
import { Viewer } from "./viewer";
import "./files.css";

/** Rows of the search. */
const FOUND = 50;

/** The view; `params.rest` is "path/in/the/folder" with ":line" behind it. */
export default function FilesView({ session, params }: { session: OpenSession; params: Record<string, string> }) {
  const row = rowOf(session.id).value;
  const runner = runnerOf(row?.runnerId);
  if (!row) return <div class="file-alone"><Skeleton rows={5} /></div>;
  if (!runner?.connected) {
    return <div class="file-alone"><Empty title={`${runner?.name ?? row.runnerName ?? "The runner"} is not connected.`} text="The files show up here when it is back." /></div>;
  }
  return <Explorer key={`${runner.id} ${row.cwd}`} session={session} runnerId={runner.id} root={row.cwd.replace(/\/+$/, "") || "/"} rest={params.rest ?? ""} />;
}

function Explorer({ session, runnerId, root, rest }: { session: OpenSession; runnerId: string; root: string; rest: string }) {
  const [picked, pick] = useState(rest);
  useEffect(() => {
    if (rest) pick(rest);
  }, [rest]);
  const [words, setWords] = useState("");
  const { box, narrow } = useRoom();
  const tree = treeOf(runnerId, root);
  const { path: inside, line } = parted(picked);
  const full = inside ? (inside.startsWith("/") ? inside : join(root, inside)) : "";
  const marks = useMarks(session, root);
  useEffect(() => {
    void readFolder(tree, root);
  }, [tree, root]);
  useEffect(() => {
    if (full) reveal(tree, full);
  }, [tree, full]);
  const show = (path: string, at?: number): void => {
    const short = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
    const written = at ? `${short}:${at}` : short;
    pick(written);
    const base = `/session/${encodeURIComponent(session.id)}/files`;
    if (address.peek().startsWith(base)) go(`${base}/${written.split("/").map(encodeURIComponent).join("/")}${location.search}`, "replace");
  };
  const back = (): void => {
    pick("");
    const base = `/session/${encodeURIComponent(session.id)}/files`;
    if (address.peek().startsWith(base)) go(base + location.search, "replace");
  };
  const found = useFound(runnerId, root, words);
  const rootState = tree.read.value.get(root);
  if (typeof rootState === "string") {
    return <div class="file-alone"><Empty title="This folder is not on the runner any more." text={rootState} /></div>;
  }
  return (
    <section class={`files${full ? " files-open" : ""}${narrow ? " is-narrow" : ""}`} aria-label="Files" ref={box}>
      <div class="file-side">
        <TextInput
          small
          type="search"
          class="file-find"
          value={words}
          onChange={setWords}
          aria-label="Find a file"
          placeholder="Find a file"
          before={<Search size={14} strokeWidth={1.75} aria-hidden="true" />}
          onKeyDown={(event) => {
            if (event.key === "Escape") setWords("");
            else if (event.key === "Enter" && found?.[0]) show(found[0].path);
          }}
        />
        {words.trim() ? (
          <ul class="file-found" aria-label="Found">
            {found?.map((file) => (
              <li key={file.path}>
                <button type="button" class={`file-row file-hit${file.path === full ? " on" : ""}`} onClick={() => show(file.path)}>
                  <span class="cut">{file.name}</span>
                  <span class="meta cut">{file.short.slice(0, -file.name.length - 1)}</span>
                </button>
              </li>
            ))}
            {found?.length === 0 && <li class="file-problem">{`Nothing matches “${words.trim()}”.`}</li>}
          </ul>
        ) : rootState === undefined ? (
          <Skeleton rows={8} height={26} />
        ) : (
          <FileTree tree={tree} chosen={full} marks={marks} onShow={(path) => show(path)} />
        )}
      </div>
      {full ? (
        <Viewer key={full} session={session} runnerId={runnerId} root={root} path={full} line={line} onLine={(at) => show(full, at)} onBack={narrow ? back : undefined} />
      ) : (
        !narrow && <div class="file-alone"><Empty plain title="No file is open." text="Choose one at the left, or find one by its name." /></div>
      )}
    </section>
  );
}

/** Split "src/a.py:12" into path and line. */
export function parted(rest: string): { path: string; line: number | undefined } {
  const found = /^(.*?):(\d+)$/.exec(rest);
  return found ? { path: found[1] ?? "", line: Number(found[2]) } : { path: rest, line: undefined };
}

function join(root: string, path: string): string {
  return root === "/" ? `/${path}` : `${root}/${path}`;
}

function useMarks(session: OpenSession, root: string): ReadonlyMap<string, string> {
  const git = useMemo(() => new Git(session, root), [session, root]);
  const [marks, setMarks] = useState<ReadonlyMap<string, string>>(new Map());
  const live = session.phase.value === "live";
  useEffect(() => {
    if (!live) return undefined;
    let here = true;
    const look = (): void => {
      git.status().then(
        ({ root: top, changes }) => {
          if (here) setMarks(new Map(changes.map(({ path, x, y }) => [`${top}/${path}`, x === "?" ? "A" : y.trim() || x.trim()])));
        },
        () => undefined,
      );
    };
    look();
    const off = git.onChange(look);
    return () => {
      here = false;
      off();
    };
  }, [git, live]);
  return marks;
}

interface Found {
  name: string;
  path: string;
  short: string;
}

function useFound(runnerId: string, cwd: string, words: string): readonly Found[] | null {
  const [found, setFound] = useState<readonly Found[] | null>(null);
  const query = words.trim();
  useEffect(() => {
    setFound(null);
    if (!query) return undefined;
    return afterPause(PAUSE_MS, (signal) => {
      searchFiles(runnerId, cwd, query, FOUND, { signal })
        .then((hits) => {
          const files = hits.filter((hit) => !hit.isDirectory);
          setFound(files.map(({ name, path, relative }) => ({ name, path, short: relative || path })));
        })
        .catch(() => undefined);
    });
  }, [runnerId, cwd, query]);
  return found;
}
