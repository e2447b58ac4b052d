/** Find files of a session's folder on its runner, for the `@` list. */

import { useEffect, useRef, useState } from "preact/hooks";
import { PAUSE_MS, searchFiles } from "../api/files";
import { post, seg } from "../api/rest";
import { afterPause } from "../lib/pause";
import { obj, objects, str } from "../transcript/wire";

/** One file or folder, relative to the folder of the session. */
export interface FoundFile {
  readonly path: string;
  readonly isDirectory: boolean;
}

/** So many files a search answers. */
const MOST = 40;

/** Ask the runner; without a query it lists the folder itself. Rejects with the relay's words. */
export async function findFiles(runnerId: string, cwd: string, query: string, signal?: AbortSignal): Promise<readonly FoundFile[]> {
  const options = { timeout: 10_000, ...(signal ? { signal } : {}) };
  if (query === "") {
    const listed = objects(obj(await post<unknown>(`/api/runners/${seg(runnerId)}/files`, { path: cwd }, options)).files);
    return listed.map((file) => ({ path: str(file.name), isDirectory: file.isDirectory === true })).filter((file) => file.path !== "");
  }
  const found = await searchFiles(runnerId, cwd, query, MOST, options);
  return found.map(({ path, relative, isDirectory }) => ({ path: relative || path, isDirectory }));
}

/** Search while somebody types; `query` null means that nobody does. The last rows stay until new ones are there. */
export function useFiles(runnerId: string | null, cwd: string, query: string | null): { files: readonly FoundFile[]; problem: string } {
  const [files, setFiles] = useState<readonly FoundFile[]>([]);
  const [problem, setProblem] = useState("");
  const known = useRef(new Map<string, readonly FoundFile[]>());
  useEffect(() => {
    if (query === null || runnerId === null || cwd === "") {
      setFiles([]);
      setProblem("");
      known.current.clear();
      return undefined;
    }
    const have = known.current.get(query);
    if (have) {
      setFiles(have);
      return undefined;
    }
    return afterPause(PAUSE_MS, (signal) => {
      findFiles(runnerId, cwd, query, signal)
        .then((found) => {
          known.current.set(query, found);
          setFiles(found);
          setProblem("");
        })
        .catch((error: unknown) => {
          if (signal.aborted) return;
          setFiles([]);
          setProblem(error instanceof Error ? error.message : "The runner did not answer.");
        });
    });
  }, [runnerId, cwd, query]);
  return { files, problem };
}
