/** The state behind Changes: status, the numbers of each file, and what the person does to them. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { post, seg } from "../../../api/rest";
import { type FileDiff, parseDiff } from "../../../diff/parse";
import type { OpenSession } from "../../../state/types";
import { same } from "../../../transcript/wire";
import { errorWords, toast } from "../../../ui";
import { type Change, Git, GitError, sides, type Status } from "./git";

/** Milliseconds between two looks while an agent works on the files. */
const WORKING = 4000;
/** Files whose lines are counted without being opened. */
const COUNTED = 60;

/** A file on one of the two sides. */
export interface Entry {
  change: Change;
  staged: boolean;
}

/** What the view needs. */
export interface Changes {
  git: Git;
  status: Status | null;
  /** Why there is none: no repository, no answer. */
  error: unknown;
  staged: readonly Change[];
  rest: readonly Change[];
  /** The diff of a file, once it was read. */
  diffOf: (entry: Entry) => FileDiff | undefined;
  /** Why a diff could not be read. */
  problemOf: (entry: Entry) => string | undefined;
  busy: string;
  refresh: () => Promise<void>;
  /** Do something to the repository, look again, and say what went wrong; false when it did. */
  run: (name: string, what: () => Promise<unknown>) => Promise<boolean>;
}

const keyOf = ({ change, staged }: Entry): string => `${staged ? "s" : "w"} ${change.x}${change.y} ${change.path}`;

/** Follow the changes in the session's folder. */
export function useChanges(session: OpenSession, cwd: string, runnerId: string): Changes {
  const git = useMemo(() => new Git(session, cwd), [session, cwd]);
  const [status, setStatus] = useState<Status | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState("");
  const [diffs, setDiffs] = useState<ReadonlyMap<string, FileDiff | string>>(new Map());
  const turn = useRef(0);

  const refresh = useCallback(async (): Promise<void> => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const fresh = await git.status();
      if (mine !== turn.current) return;
      setStatus(fresh);
      setError(null);
      const { staged, rest } = sides(fresh.changes);
      const entries = [...staged.map((change) => ({ change, staged: true })), ...rest.map((change) => ({ change, staged: false }))];
      for (const entry of entries.slice(0, COUNTED)) {
        const read = await readDiff(git, entry, runnerId, fresh.root || cwd).catch((problem: unknown) => errorWords(problem));
        if (mine !== turn.current) return;
        // What says the same stays the same object, so that nothing is drawn or coloured anew.
        setDiffs((known) => (same(known.get(keyOf(entry)), read) ? known : new Map(known).set(keyOf(entry), read)));
      }
    } catch (problem) {
      if (mine === turn.current) setError(problem);
    }
  }, [git, runnerId, cwd]);

  const active = session.meta.value.active;
  const live = session.phase.value === "live";
  useEffect(() => {
    if (!live) return undefined;
    void refresh();
    const off = git.onChange(() => void refresh());
    const look = (): void => {
      if (document.visibilityState === "visible") void refresh();
    };
    document.addEventListener("visibilitychange", look);
    const timer = active ? setInterval(look, WORKING) : undefined;
    return () => {
      off();
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
      turn.current += 1;
    };
  }, [git, refresh, active, live]);

  const run = async (name: string, what: () => Promise<unknown>): Promise<boolean> => {
    setBusy(name);
    try {
      await what();
      return true;
    } catch (problem) {
      toast({ words: refusal(problem), kind: "error" });
      return false;
    } finally {
      setBusy("");
      void refresh();
    }
  };
  const parts = useMemo(() => (status ? sides(status.changes) : { staged: [], rest: [] }), [status]);
  const found = (entry: Entry): FileDiff | string | undefined => diffs.get(keyOf(entry));
  return {
    git,
    status,
    error,
    ...parts,
    diffOf: (entry) => {
      const diff = found(entry);
      return typeof diff === "string" ? undefined : diff;
    },
    problemOf: (entry) => {
      const diff = found(entry);
      return typeof diff === "string" ? diff : undefined;
    },
    busy,
    refresh,
    run,
  };
}

/** Say a refusal of git in words that help. */
export function refusal(problem: unknown): string {
  if (!(problem instanceof GitError)) return errorWords(problem);
  switch (problem.reason) {
    case "conflict":
      return "There are conflicts. Ask the agent to settle them, or settle them in a terminal.";
    case "nonFastForward":
      return "The other side has commits that are not here. Pull first.";
    case "detachedHead":
      return "No branch is checked out here. Choose one first.";
    case "missingUpstream":
      return "This branch has no counterpart to pull from. Push it first.";
    case "busy":
      return "git is busy with something else. Try again in a moment.";
    default:
      return problem.message;
  }
}

async function readDiff(git: Git, entry: Entry, runnerId: string, root: string): Promise<FileDiff> {
  const { change, staged } = entry;
  const [file] = parseDiff(await git.diff(change.path, staged));
  if (file) return { ...file, path: change.path };
  if (!staged && change.x === "?" && !change.path.endsWith("/")) return newFile(change.path, runnerId, root);
  return { path: change.path, hunks: [], added: 0, removed: 0, binary: false };
}

/** A file that git does not know yet has no diff: all its lines are new. */
async function newFile(path: string, runnerId: string, root: string): Promise<FileDiff> {
  const answer = await post<{ content?: unknown }>(`/api/runners/${seg(runnerId)}/read-file`, { path: `${root}/${path}` });
  const content = typeof answer.content === "string" ? answer.content : "";
  if (content.includes("\0")) return { path, hunks: [], added: 0, removed: 0, binary: true };
  const lines = content.replace(/\n$/, "").split("\n");
  const added = content === "" ? 0 : lines.length;
  const shown = lines.map((text, index) => ({ kind: "add" as const, text, after: index + 1 }));
  return { path, added, removed: 0, binary: false, hunks: added ? [{ before: 0, after: 1, where: "", lines: shown }] : [] };
}
