/** Find files on a runner, while somebody types. */

import { obj, objects, str } from "../transcript/wire";
import { post, seg, type CallOptions } from "./rest";

/** One file or folder that was found: its name, its whole path, and its path below the folder that was searched. */
export interface SearchHit {
  readonly name: string;
  readonly path: string;
  readonly relative: string;
  readonly isDirectory: boolean;
}

/** A pause in typing of so many milliseconds starts a search. */
export const PAUSE_MS = 120;

/** Search below a folder (rest-runners.md 5.13). Rejects with the relay's words. */
export async function searchFiles(runnerId: string, cwd: string, query: string, limit: number, options?: CallOptions): Promise<readonly SearchHit[]> {
  const answer = obj(await post<unknown>(`/api/runners/${seg(runnerId)}/search-files`, { cwd, query, limit }, options));
  return objects(answer.files).map((file) => ({
    name: str(file.name),
    path: str(file.path),
    relative: str(file.relativePath),
    isDirectory: file.isDirectory === true,
  }));
}
