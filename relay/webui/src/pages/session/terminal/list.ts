/** The shells of a session: what the relay lists on its runner, and which of them have a tab in this browser. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { get, post, seg } from "../../../api/rest";
import { local } from "../../../lib/storage";
import { obj, objects, str } from "../../../transcript/wire";

/** A terminal as the relay lists it. */
export interface Listed {
  id: string;
  cwd: string;
  exited: boolean;
  createdAt: number;
}

/** What is known of the shells in a folder. */
export interface ShellList {
  readonly all: ReadonlySignal<readonly Listed[]>;
  readonly state: ReadonlySignal<"loading" | "ready" | "failed">;
  readonly error: ReadonlySignal<string>;
  /** Ids that have a tab in this browser, in order. */
  readonly tabs: Signal<readonly string[]>;
  refresh(): Promise<void>;
  /** Open a new terminal; answers its id. */
  open(): Promise<string>;
  /** Forget one that is over. */
  drop(id: string): void;
}

const lists = new Map<string, ShellList>();

/** Answer the list for a session; the same for every view of it. */
export function shellList(sessionId: string, runnerId: string, cwd: string): ShellList {
  const key = `${sessionId} ${runnerId} ${cwd}`;
  let found = lists.get(key);
  if (!found) {
    found = make(sessionId, runnerId, cwd);
    lists.set(key, found);
  }
  return found;
}

function make(sessionId: string, runnerId: string, cwd: string): ShellList {
  const all = signal<readonly Listed[]>([]);
  const state = signal<"loading" | "ready" | "failed">("loading");
  const error = signal("");
  const tabs = local<readonly string[]>(`shells.${sessionId}`, [], Array.isArray);
  /** Closed here; the relay lists them a moment longer. */
  const gone = new Set<string>();
  const refresh = async (): Promise<void> => {
    try {
      const answer = obj(await get<unknown>(`/api/runners/${seg(runnerId)}/terminals`));
      const rows = objects(answer.terminals).map((row) => ({
        id: str(row.terminalId),
        cwd: str(row.cwd),
        exited: row.exited === true,
        createdAt: Date.parse(str(row.createdAt)) || 0,
      }));
      all.value = rows.filter((row) => row.id !== "" && !gone.has(row.id) && inFolder(row.cwd, cwd));
      const known = new Set(all.value.map((row) => row.id));
      const kept = tabs.peek().filter((id) => known.has(id));
      if (kept.length !== tabs.peek().length) tabs.value = kept;
      state.value = "ready";
      error.value = "";
    } catch (problem) {
      error.value = problem instanceof Error ? problem.message : "";
      if (state.peek() === "loading") state.value = "failed";
    }
  };
  return {
    all,
    state,
    error,
    tabs,
    refresh,
    open: async () => {
      const made = obj(await post<unknown>("/api/runners/terminal", { runnerId, ...(cwd ? { cwd } : {}) }));
      const id = str(made.terminalId);
      if (id === "") throw new Error("The relay opened no terminal. Try again.");
      all.value = [...all.peek(), { id, cwd, exited: false, createdAt: Date.now() }];
      tabs.value = [...tabs.peek(), id];
      return id;
    },
    drop: (id) => {
      gone.add(id);
      all.value = all.peek().filter((entry) => entry.id !== id);
      tabs.value = tabs.peek().filter((other) => other !== id);
    },
  };
}

/** A shell belongs to a session when it was opened in its folder or below. */
export function inFolder(cwd: string, folder: string): boolean {
  if (folder === "" || cwd === folder) return true;
  return cwd.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
