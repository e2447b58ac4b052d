/** The git service of the runner, asked through the session that is open (sockets-browsers.md 6.5). */
import type { OpenSession } from "../../../state/types";
import { type Json, num, obj, objects, str, strings } from "../../../transcript/wire";

/** One changed file. `x` is the letter of the index, `y` that of the work tree, as git writes them. */
export interface Change {
  path: string;
  from: string;
  x: string;
  y: string;
}

/** How the work tree stands. */
export interface Status {
  branch: string;
  root: string;
  changes: readonly Change[];
  ahead: number;
  behind: number;
  upstream: boolean;
}

/** A branch. */
export interface Branch {
  name: string;
  hash: string;
  when: string;
  current: boolean;
  remote: boolean;
}

/** A commit of the log. */
export interface Commit {
  hash: string;
  short: string;
  author: string;
  at: number;
  subject: string;
  body: string;
  refs: readonly string[];
  /** It has one before it; the first commit has none. */
  follows: boolean;
}

/** Who wrote a line. */
export interface Author {
  hash: string;
  author: string;
  at: number;
  summary: string;
}

/** Who wrote each line of a committed file; the first line is at 0. */
export interface Blame {
  text: string;
  by: readonly (Author | undefined)[];
}

/** A refusal of the service, with its reason where it gives one. */
export class GitError extends Error {
  constructor(
    words: string,
    readonly reason: string,
  ) {
    super(words);
    this.name = "GitError";
  }
}

/** The tree without files, which every repository knows by this name. */
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const SLOW = 60_000;
const QUICK = 15_000;
const NORMAL = 10_000;

/** Ask the service about one folder. */
export class Git {
  /** Where the repository begins, once a status said it; paths of files start there. */
  private root = "";

  constructor(
    private readonly session: OpenSession,
    readonly cwd: string,
  ) {}

  /** Answer how the work tree stands. */
  async status(): Promise<Status> {
    const status = readStatus(await this.ask("git_status", { cwd: this.cwd }, NORMAL));
    this.root = status.root;
    return status;
  }

  /** Answer the unified diff of one file. */
  async diff(path: string, staged: boolean): Promise<string> {
    return str((await this.ask("git_diff", { path, staged }, QUICK)).diff);
  }

  /** Answer the diff of a commit against its parent; of the first one against nothing. */
  async commitDiff({ hash, follows }: Commit): Promise<string> {
    const base = follows ? `${hash}^` : EMPTY_TREE;
    return str((await this.ask("git_diff_revs", { base, head: hash }, QUICK)).diff);
  }

  /** Answer the branches, the present one first. */
  async branches(): Promise<readonly Branch[]> {
    const said = await this.ask("git_branches", {}, QUICK);
    const all = objects(said.branches).map((entry) => ({
      name: str(entry.name),
      hash: str(entry.shortHash),
      when: str(entry.lastCommit),
      current: entry.isCurrent === true,
      remote: entry.isRemote === true,
    }));
    return all.sort((one, other) => Number(other.current) - Number(one.current));
  }

  /** Answer the newest commits. */
  async log(limit: number): Promise<readonly Commit[]> {
    const said = await this.ask("git_log", { limit }, QUICK);
    return objects(said.entries).map((entry) => ({
      hash: str(entry.hash),
      short: str(entry.shortHash),
      author: str(entry.author),
      at: Date.parse(str(entry.authorDate)) || 0,
      subject: str(entry.subject),
      body: str(entry.body),
      refs: strings(entry.refs),
      follows: strings(entry.parents).length > 0,
    }));
  }

  /** Answer a message for what is staged. */
  async suggest(): Promise<string> {
    const said = await this.ask("git_commit_message_suggest", {}, QUICK);
    const body = str(said.body).trim();
    return body ? `${str(said.subject)}\n\n${body}` : str(said.subject);
  }

  /** Answer who wrote each line of a file as it was last committed, and its text then. */
  async blame(path: string): Promise<Blame> {
    const said = await this.ask("git_blame", { path }, QUICK);
    return readBlame(said);
  }

  /** Stage files. */
  stage(paths: readonly string[]): Promise<Json> {
    return this.ask("git_stage", { paths }, QUICK);
  }

  /** Take files out of the index. */
  unstage(paths: readonly string[]): Promise<Json> {
    return this.ask("git_unstage", { paths }, QUICK);
  }

  /** Throw away what is not staged in files. */
  discard(paths: readonly string[]): Promise<Json> {
    return this.ask("git_discard", { paths }, QUICK);
  }

  /** Commit what is staged; answers git's summary. */
  async commit(message: string): Promise<string> {
    return str((await this.ask("git_commit", { message }, SLOW)).summary);
  }

  /** Push; a branch without an upstream gets one. */
  async push(setUpstream: boolean): Promise<string> {
    return str((await this.ask("git_push", { setUpstream }, SLOW)).output);
  }

  /** Pull, by rebase as the runner does by default. */
  async pull(): Promise<string> {
    return str((await this.ask("git_pull", {}, SLOW)).output);
  }

  /** Switch to a branch. */
  async checkout(branch: string, isRemote: boolean): Promise<string> {
    return str((await this.ask("git_checkout", { branch, isRemote }, QUICK)).branch);
  }

  /** Hear of changes that nobody asked about; answers how to stop. */
  onChange(hear: () => void): () => void {
    return this.session.onService((serviceId, type, payload) => {
      if (serviceId !== "git") return;
      if (type === "git_repo_changed" && str(payload.cwd) === this.cwd) hear();
    });
  }

  private async ask(type: string, payload: object, timeout: number): Promise<Json> {
    const said = obj(await this.session.service("git", type, { cwd: this.root || this.cwd, ...payload }, timeout));
    if (said.ok === true) return said;
    const reason = str(said.reason) || (said.noUpstream === true ? "noUpstream" : "");
    throw new GitError(str(said.message) || "git refused this and did not say why.", reason);
  }
}

/** Read a status. */
export function readStatus(said: Json): Status {
  return {
    branch: str(said.branch),
    root: str(said.repoRoot),
    changes: objects(said.changes).map((entry) => {
      const letters = `${str(entry.status)}  `;
      return { path: str(entry.path), from: str(entry.originalPath), x: letters[0] ?? " ", y: letters[1] ?? " " };
    }),
    ahead: num(said.ahead) ?? 0,
    behind: num(said.behind) ?? 0,
    upstream: said.hasUpstream === true,
  };
}

/** Read a blame. The service names the first line of each run only; the others are of the same commit. */
export function readBlame(said: Json): Blame {
  const named = new Map(
    objects(said.lines).map((line) => [num(line.finalLine) ?? 0, { hash: str(line.hash), author: str(line.author), at: time(line.authorDate), summary: str(line.summary) }]),
  );
  const content = Array.isArray(said.content) ? said.content.map(str) : [];
  let last: Author | undefined;
  const by = content.map((_text, index) => (last = named.get(index + 1) ?? last));
  return { text: content.join("\n"), by };
}

/** Split changes into what is staged and what is not; a file may be in both. */
export function sides(changes: readonly Change[]): { staged: readonly Change[]; rest: readonly Change[] } {
  const staged = changes.filter((change) => change.x !== " " && change.x !== "?" && change.x !== "!" && !conflicted(change));
  const rest = changes.filter((change) => change.y !== " " || change.x === "?" || conflicted(change));
  return { staged, rest };
}

/** Whether a file has conflicts that somebody must settle. */
export function conflicted(change: Change): boolean {
  return change.x === "U" || change.y === "U" || (change.x === "A" && change.y === "A") || (change.x === "D" && change.y === "D");
}

/** Say a letter of git's in a word; "" where plus and minus say it. */
export function letterWord(letter: string): string {
  const words: Record<string, string> = { "?": "New", A: "New", D: "Deleted", R: "Renamed", C: "Copied", T: "Type", U: "Conflict" };
  return words[letter] ?? "";
}

function time(value: unknown): number {
  const at = num(value);
  if (at !== undefined) return at < 1e12 ? at * 1000 : at;
  return Date.parse(str(value)) || 0;
}
