/** Upload a file for a prompt (rest-account.md 9.2), with progress, which fetch cannot tell. */

import { num, obj, objects, str } from "../transcript/wire";
import { ApiError, refusal, seg } from "./rest";

/** What the relay says of an uploaded file. */
export interface Uploaded {
  readonly attachmentId: string;
  readonly filename: string;
  readonly mediaType: string;
  readonly size: number;
}

/** Upload one file; `progress` hears parts of 1. Rejects with the relay's words. */
export function uploadFile(
  sessionId: string,
  file: File,
  progress: (part: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Uploaded> {
  return new Promise((settle, fail) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("files", file, file.name || "pasted");
    request.open("POST", `/api/sessions/${seg(sessionId)}/attachments`);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total);
    };
    request.onerror = () => fail(new ApiError(0, "The relay cannot be reached.", "OFFLINE"));
    request.onabort = () => fail(new ApiError(0, "Stopped.", "ABORTED"));
    request.onload = () => {
      if (request.status !== 200) {
        fail(refusal(request.status, request.responseText));
        return;
      }
      const first = readFirst(request.responseText);
      if (first) settle(first);
      else fail(new ApiError(502, "The relay did not say where it put the file."));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function readFirst(text: string): Uploaded | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return null;
  }
  const entry = objects(obj(answer).attachments)[0];
  if (!entry || str(entry.attachmentId) === "") return null;
  return {
    attachmentId: str(entry.attachmentId),
    filename: str(entry.filename),
    mediaType: str(entry.mimeType),
    size: num(entry.size) ?? 0,
  };
}
