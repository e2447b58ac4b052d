/** Changed files with their lines, and the way to review and commit them. */

import { FileCode } from "lucide-preact";
import type { JSX } from "preact";
import { Link } from "../../../lib/router";
import { Button } from "../../../ui";
import type { GitSummary } from "../git-summary";
import { Section } from "./section";

/** So many files are listed; the rest is one line. */
const MOST = 8;

/** Draw the files; nothing where the folder is no repository. */
export function ChangesSection({ git, href }: { git: GitSummary; href: (path: string) => string }): JSX.Element | null {
  if (git.state !== "ready") return null;
  if (git.files.length === 0) {
    return <Section title="Changes"><p class="ovw-none">No changes in this folder.</p></Section>;
  }
  const added = git.files.reduce((sum, file) => sum + (file.added ?? 0), 0);
  const removed = git.files.reduce((sum, file) => sum + (file.removed ?? 0), 0);
  return (
    <Section title="Changes" end={<Lines added={added} removed={removed} />}>
      <ul>
        {git.files.slice(0, MOST).map((file) => (
          <li key={file.path}>
            <Link class="ovw-row ovw-link" href={href(file.path)} how="replace" title={file.path}>
              <FileCode size={14} strokeWidth={1.75} class="t3" aria-hidden="true" />
              <span class="m cut-start grow"><bdi>{file.path}</bdi></span>
              {file.word !== "" && <span class="meta">{file.word}</span>}
              <Lines added={file.added ?? 0} removed={file.removed ?? 0} />
            </Link>
          </li>
        ))}
      </ul>
      {git.files.length > MOST && <p class="meta">{`and ${git.files.length - MOST} more`}</p>}
      <Button small kind="soft" class="ovw-button" href={href("")}>Review and commit</Button>
    </Section>
  );
}

/** "+4 −2", each with its sign; nothing for a file without counted lines. */
function Lines({ added, removed }: { added: number; removed: number }): JSX.Element | null {
  if (added === 0 && removed === 0) return null;
  return (
    <span class="meta num ovw-lines">
      {added > 0 && <span class="ad">{`+${added}`}</span>} {removed > 0 && <span class="de">{`−${removed}`}</span>}
    </span>
  );
}
