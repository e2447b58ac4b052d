/** Files of the draft: those that arrived, those on their way, and those that were refused, with the reason. */

import { File as FileIcon, Image, X } from "lucide-preact";
import type { JSX } from "preact";
import { bytes } from "../lib/format";
import { draft } from "../state/drafts";
import { Mark } from "../ui";
import { uploads } from "./uploads";

/** Draw the chips of a session's draft; nothing when it has no files. */
export function UploadChips({ sessionId }: { sessionId: string }): JSX.Element | null {
  const kept = draft(sessionId);
  const { attachments } = kept.value;
  const under = uploads(sessionId).value;
  if (attachments.length === 0 && under.length === 0) return null;
  const remove = (attachmentId: string): void => {
    kept.value = { ...kept.peek(), attachments: kept.peek().attachments.filter((each) => each.attachmentId !== attachmentId) };
  };
  return (
    <ul class="cmp-chips" aria-label="Attached files">
      {attachments.map((file) => {
        const Kind = file.mediaType.startsWith("image/") ? Image : FileIcon;
        return (
          <li key={file.attachmentId} class="cmp-chip">
            <Kind size={14} strokeWidth={1.75} aria-hidden="true" />
            <span class="cut">{file.filename}</span>
            <span class="t3">{bytes(file.size)}</span>
            <Remove name={file.filename} onClick={() => remove(file.attachmentId)} />
          </li>
        );
      })}
      {under.map((upload) => (
        <li key={upload.key} class={`cmp-chip${upload.problem ? " bad" : ""}`}>
          <Mark state={upload.problem ? "failed" : "working"} word={upload.problem ? "Not attached" : "Uploading"} />
          <span class="cut">{upload.name}</span>
          {upload.problem ? <span role="alert">{upload.problem}</span> : <span class="t3 num">{`${Math.round(upload.part * 100)}%`}</span>}
          <Remove name={upload.name} onClick={upload.cancel} />
        </li>
      ))}
    </ul>
  );
}

function Remove({ name, onClick }: { name: string; onClick: () => void }): JSX.Element {
  return (
    <button type="button" class="cmp-chip-x" aria-label={`Remove ${name}`} data-tip="Remove" onClick={onClick}>
      <X size={12} strokeWidth={1.75} aria-hidden="true" />
    </button>
  );
}
