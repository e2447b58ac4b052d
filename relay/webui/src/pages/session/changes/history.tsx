/** The newest commits of the branch, and what each changed. */
import { ChevronLeft } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { DiffView } from "../../../diff/diff-view";
import { type FileDiff, parseDiff } from "../../../diff/parse";
import { ago, clock, now } from "../../../lib/format";
import { query, setQuery } from "../../../lib/router";
import { Button, Chip, Empty, errorWords, ErrorState, Skeleton } from "../../../ui";
import type { Commit } from "./git";
import type { Changes } from "./use-changes";

/** Commits that one page holds. */
const PAGE = 50;

/** The list of commits beside the chosen one; `?log=` names it. */
export function History({ changes, narrow }: { changes: Changes; narrow: boolean }) {
  const { git } = changes;
  const [commits, setCommits] = useState<readonly Commit[] | null>(null);
  const [limit, setLimit] = useState(PAGE);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let here = true;
    git.log(limit).then((found) => here && setCommits(found), (problem: unknown) => here && setError(problem));
    return () => {
      here = false;
    };
  }, [git, limit]);
  const wished = query.value.get("log") ?? "";
  const chosen = commits?.find((commit) => commit.hash === wished) ?? (narrow ? undefined : commits?.[0]);
  return (
    <div class={`chg${chosen ? " chg-open" : ""}${narrow ? " is-narrow" : ""}`}>
      <section class="chg-left" aria-label="History">
        <div class="chg-bar">
          <Button small kind="quiet" icon={ChevronLeft} onClick={() => setQuery({ log: null })}>Changes</Button>
          <h2 class="st">History</h2>
        </div>
        <div class="chg-lists">
          {error !== null && <div class="chg-clean"><ErrorState error={error} title="The history did not load." /></div>}
          {!commits && error === null && <Skeleton rows={8} height={44} />}
          {commits?.length === 0 && <div class="chg-clean"><Empty plain title="No commits yet." text="The first one shows up here." /></div>}
          <ul>
            {commits?.map((commit) => (
              <li key={commit.hash} class={`chg-row chg-commit-row${commit.hash === chosen?.hash ? " on" : ""}`}>
                <button type="button" class="chg-file" data-row="" aria-current={commit.hash === chosen?.hash ? "true" : undefined} onClick={() => setQuery({ log: commit.hash })}>
                  <span class="grow">
                    <span class="cut chg-subject">{commit.subject}</span>
                    <span class="meta cut"><span class="m">{commit.short}</span> {commit.author}</span>
                  </span>
                  <span class="meta num">{ago(commit.at, now.value)}</span>
                </button>
              </li>
            ))}
          </ul>
          {commits && commits.length >= limit && <Button small kind="quiet" onClick={() => setLimit(limit + PAGE)}>Show older commits</Button>}
        </div>
      </section>
      {chosen && <Detail key={chosen.hash} commit={chosen} changes={changes} narrow={narrow} />}
    </div>
  );
}

function Detail({ commit, changes, narrow }: { commit: Commit; changes: Changes; narrow: boolean }) {
  const [files, setFiles] = useState<readonly FileDiff[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let here = true;
    changes.git.commitDiff(commit).then((text) => here && setFiles(parseDiff(text)), (problem: unknown) => here && setError(problem));
    return () => {
      here = false;
    };
  }, [commit.hash]);
  return (
    <section class="chg-detail" aria-label={commit.subject}>
      <header class="pbar">
        {narrow && <Button small kind="quiet" icon={ChevronLeft} onClick={() => setQuery({ log: "" })}>History</Button>}
        <h2 class="cut st">{commit.subject}</h2>
        <span class="grow" />
        {commit.refs.slice(0, 2).map((ref) => <Chip key={ref} mono>{ref}</Chip>)}
        <span class="meta">{clock(commit.at)}</span>
      </header>
      <div class="chg-scroll" tabIndex={0} role="region" aria-label="What the commit changed">
        {commit.body.trim() && <p class="chg-body">{commit.body.trim()}</p>}
        {error !== null && <p class="diff-note">{errorWords(error)}</p>}
        {!files && error === null && <Skeleton rows={6} height={21} />}
        {files?.map((file) => (
          <section key={file.path}>
            <h3 class="chg-file-head"><span class="m">{file.path}</span> <span class="meta num"><span class="ad">+{file.added}</span> <span class="de">−{file.removed}</span></span></h3>
            <DiffView file={file} split={false} />
          </section>
        ))}
      </div>
    </section>
  );
}
