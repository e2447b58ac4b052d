/** Files on their way to the relay, per session: they go on while another session is on screen. */

import { type Signal, signal } from "@preact/signals";
import { ApiError } from "../api/rest";
import { bytes } from "../lib/format";
import { draft } from "../state/drafts";
import type { OpenSession } from "../state/types";

/** A file that is not there yet, or will not be. */
export interface Upload {
  readonly key: number;
  readonly name: string;
  readonly size: number;
  /** Parts of 1. */
  readonly part: number;
  /** Why it failed, in words; "" while it is under way. */
  readonly problem: string;
  readonly cancel: () => void;
}

const all = new Map<string, Signal<readonly Upload[]>>();
let next = 1;

/** Answer the files of a session that are under way or failed; those that arrived are in its draft. */
export function uploads(sessionId: string): Signal<readonly Upload[]> {
  let found = all.get(sessionId);
  if (!found) {
    found = signal([]);
    all.set(sessionId, found);
  }
  return found;
}

/** Answer whether a prompt has to wait for a file. */
export function uploading(sessionId: string): boolean {
  return uploads(sessionId).value.some((upload) => upload.problem === "");
}

/** Upload files and put each into the session's draft when it has arrived. */
export function addFiles(session: OpenSession, files: Iterable<File>): void {
  for (const file of files) start(session, file);
}

function start(session: OpenSession, file: File): void {
  const list = uploads(session.id);
  const stop = new AbortController();
  const key = next++;
  const remove = (): void => {
    list.value = list.peek().filter((each) => each.key !== key);
  };
  const cancel = (): void => {
    stop.abort();
    remove();
  };
  const change = (more: Partial<Upload>): void => {
    list.value = list.peek().map((each) => (each.key === key ? { ...each, ...more } : each));
  };
  list.value = [...list.peek(), { key, name: nameOf(file), size: file.size, part: 0, problem: "", cancel }];
  session
    .upload(file, (part) => change({ part }), stop.signal)
    .then((attachment) => {
      remove();
      if (stop.signal.aborted) return;
      const kept = draft(session.id);
      kept.value = { ...kept.peek(), attachments: [...kept.peek().attachments, attachment] };
    })
    .catch((error: unknown) => {
      if (!stop.signal.aborted) change({ problem: uploadProblem(error) });
    });
}

/** Pasted pictures have no name worth showing. */
function nameOf(file: File): string {
  return file.name || "pasted picture";
}

/** Say in words why a file was not taken. */
export function uploadProblem(error: unknown): string {
  if (error instanceof ApiError && error.status === 413) {
    const most = /exceeds (\d+) bytes/.exec(error.message)?.[1];
    return most === undefined ? "Too large" : `Too large, ${bytes(Number(most))} at most`;
  }
  if (error instanceof ApiError && error.status === 404) return "This session takes no files now";
  if (error instanceof ApiError && error.offline) return "The connection broke off";
  return error instanceof Error && error.message ? error.message : "It was not taken";
}
