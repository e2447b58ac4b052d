/** Branch and changed files of a session's folder, kept in step while the session is on screen. */

import { useEffect, useRef, useState } from "preact/hooks";
import { parseDiff } from "../../diff/parse";
import type { OpenSession } from "../../state/types";
import { type Change, Git, letterWord, sides } from "./changes/git";

/** One changed file; the counts are undefined until its diff was read. */
export interface ChangedFile {
  readonly path: string;
  /** "New", "Deleted"; "" where the counts say it. */
  readonly word: string;
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

/** What is known. `none`: the folder is no repository, or its runner has no git. */
export interface GitSummary {
  readonly state: "loading" | "ready" | "none";
  readonly branch: string;
  readonly files: readonly ChangedFile[];
}

const NOTHING: GitSummary = { state: "loading", branch: "", files: [] };
/** So many files are counted line by line; more are only listed. */
const MOST_COUNTED = 24;
/** Between two looks lie at least so many milliseconds. */
const PAUSE_MS = 1500;

/** Follow the work tree; `counts` asks for the lines of each file as well. */
export function useGitSummary(session: OpenSession, cwd: string, counts: boolean): GitSummary {
  const [summary, setSummary] = useState<GitSummary>(NOTHING);
  const { active } = session.meta.value;
  const live = session.phase.value === "live" && session.meta.value.serviceIds.includes("git");
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    if (!live || cwd === "") return undefined;
    const git = new Git(session, cwd);
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const look = async (): Promise<void> => {
      last = Date.now();
      try {
        const status = await git.status();
        if (over) return;
        const files = status.changes.map((change) => ({ path: change.path, word: letterWord(change.x === "?" ? "?" : change.y.trim() || change.x), added: undefined, removed: undefined }));
        setSummary((before) => ({ state: "ready", branch: status.branch, files: files.map((file) => before.files.find((old) => old.path === file.path && old.word === file.word) ?? file) }));
        if (!counts) return;
        const counted = await countAll(git, status.changes);
        if (!over) setSummary({ state: "ready", branch: status.branch, files: files.map((file) => ({ ...file, ...counted.get(file.path) })) });
      } catch {
        if (!over) setSummary((before) => (before.state === "ready" ? before : { ...NOTHING, state: "none" }));
      }
    };
    const soon = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => void look(), Math.max(0, last + PAUSE_MS - Date.now()));
    };
    again.current = soon;
    soon();
    const stop = git.onChange(soon);
    return () => {
      over = true;
      clearTimeout(timer);
      stop();
      again.current = () => undefined;
    };
  }, [session, cwd, live, counts]);
  useEffect(() => {
    if (!active) again.current();
  }, [active]);
  return summary;
}

async function countAll(git: Git, changes: readonly Change[]): Promise<ReadonlyMap<string, { added: number; removed: number }>> {
  const found = new Map<string, { added: number; removed: number }>();
  const { staged, rest } = sides(changes);
  const wanted = [...staged.map((change) => ({ change, cached: true })), ...rest.map((change) => ({ change, cached: false }))];
  for (const { change, cached } of wanted.slice(0, MOST_COUNTED)) {
    const files = parseDiff(await git.diff(change.path, cached).catch(() => ""));
    const before = found.get(change.path) ?? { added: 0, removed: 0 };
    found.set(change.path, {
      added: before.added + files.reduce((sum, file) => sum + file.added, 0),
      removed: before.removed + files.reduce((sum, file) => sum + file.removed, 0),
    });
  }
  return found;
}
