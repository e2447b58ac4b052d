/** Changes: what is staged and what is not, the diff beside it, and the commit below (brief 3). */
import { ChevronLeft } from "lucide-preact";
import { useState } from "preact/hooks";
import { count } from "../../../lib/format";
import { go, path as address, query } from "../../../lib/router";
import { runner as runnerOf } from "../../../state/runners";
import { session as rowOf } from "../../../state/sessions";
import type { OpenSession } from "../../../state/types";
import { Button, confirm, Empty, ErrorState, Segments, Skeleton } from "../../../ui";
import { DiffView } from "../../../diff/diff-view";
import { local } from "../../../lib/storage";
import { type Room, useRoom } from "../../../room/use-room";
import { BranchBar } from "./branch-bar";
import { CommitBox } from "./commit-box";
import { FileList, Numbers } from "./file-list";
import { GitError, letterWord } from "./git";
import { History } from "./history";
import { useHighlight } from "../files/highlight";
import { type Changes, type Entry, useChanges } from "./use-changes";
import "./changes.css";

const splitView = local<boolean>("splitDiff", false);

interface Props {
  session: OpenSession;
  params: Record<string, string>;
}

/** The view; `params.rest` is the path of the file in the address. */
export default function ChangesView({ session, params }: Props) {
  const row = rowOf(session.id).value;
  const runner = runnerOf(row?.runnerId);
  if (!row) return <div class="chg-alone"><Skeleton rows={5} /></div>;
  if (!runner?.connected) {
    return <div class="chg-alone"><Empty title={`${runner?.name ?? row.runnerName ?? "The runner"} is not connected.`} text="The changes show up here when it is back." /></div>;
  }
  if (session.phase.value === "ended") {
    return <div class="chg-alone"><Empty title="This session has ended." text="Resume it to look at the changes in its folder." /></div>;
  }
  return <Board key={row.cwd} session={session} cwd={row.cwd} runnerId={runner.id} file={params.rest ?? ""} />;
}

/** Measure first: what is shown depends on the room. */
function Board(props: { session: OpenSession; cwd: string; runnerId: string; file: string }) {
  const room = useRoom();
  return <div class="chg-room" ref={(element) => { room.box.current = element; }}><Lists {...props} room={room} /></div>;
}

function Lists({ session, cwd, runnerId, file, room }: { session: OpenSession; cwd: string; runnerId: string; file: string; room: Room }) {
  const changes = useChanges(session, cwd, runnerId);
  const [picked, pick] = useState<{ path: string; staged: boolean } | null>(null);
  const { status, staged, rest } = changes;
  const history = query.value.has("log");
  if (!status) {
    if (!changes.error) return <div class="chg-alone"><Skeleton rows={5} /></div>;
    if (changes.error instanceof GitError && /not a git repo/i.test(changes.error.message)) {
      return <div class="chg-alone"><Empty title="This folder is not a git repository." text="Ask the agent to make it one, or run git init in a terminal." /></div>;
    }
    return <div class="chg-alone"><ErrorState error={changes.error} title="The changes did not load." retry={() => void changes.refresh()} /></div>;
  }
  const all: Entry[] = [...staged.map((change) => ({ change, staged: true })), ...rest.map((change) => ({ change, staged: false }))];
  const wished = file || picked?.path || "";
  const wishedSide = picked && picked.path === wished ? picked.staged : query.value.get("staged") === null ? undefined : true;
  const same = all.filter((entry) => entry.change.path === wished);
  const named = same.find((entry) => wishedSide === undefined || entry.staged === wishedSide) ?? same[0];
  const chosen = named ?? (room.narrow ? undefined : all[0]);
  const show = (entry: Entry | null): void => {
    pick(entry && { path: entry.change.path, staged: entry.staged });
    const base = `/session/${encodeURIComponent(session.id)}/changes`;
    if (!address.peek().startsWith(base)) return;
    const inside = entry ? `/${entry.change.path.split("/").map(encodeURIComponent).join("/")}` : "";
    go(`${base}${inside}${location.search}`, "replace");
  };
  if (history) return <History changes={changes} narrow={room.narrow} />;
  return (
    <div class={`chg${chosen ? " chg-open" : ""}${room.narrow ? " is-narrow" : ""}`}>
      <section class="chg-left" aria-label="Changed files">
        <BranchBar changes={changes} />
        <div class="chg-lists">
          {all.length === 0 ? (
            <div class="chg-clean"><Empty plain title="No changes in this folder." text={status.ahead > 0 ? `${count(status.ahead)} to push.` : "What the agent changes shows up here."} /></div>
          ) : (
            <>
              <FileList title="Staged" entries={all.filter((entry) => entry.staged)} changes={changes} chosen={chosen} onShow={show} />
              <FileList title="Not staged" entries={all.filter((entry) => !entry.staged)} changes={changes} chosen={chosen} onShow={show} />
            </>
          )}
        </div>
        {all.length > 0 && <CommitBox changes={changes} sessionId={session.id} />}
      </section>
      {chosen && <Detail key={`${chosen.staged} ${chosen.change.path}`} entry={chosen} changes={changes} sessionId={session.id} room={room} onBack={() => show(null)} />}
    </div>
  );
}

function Detail({ entry, changes, sessionId, room, onBack }: { entry: Entry; changes: Changes; sessionId: string; room: Room; onBack: () => void }) {
  const { change, staged } = entry;
  const diff = changes.diffOf(entry);
  const problem = changes.problemOf(entry);
  const split = splitView.value && room.wide;
  const paint = useHighlight(change.path, diff);
  const discard = async (): Promise<void> => {
    const yes = await confirm({
      title: `Discard the changes in ${change.path.split("/").pop()}?`,
      text: change.x === "?" || change.x === "A" ? "The file is deleted. This cannot be undone." : "The file goes back to what git knows. This cannot be undone.",
      action: "Discard changes",
      danger: true,
    });
    if (!yes) return;
    await changes.run("discard", async () => {
      if (staged) await changes.git.unstage([change.path]);
      await changes.git.discard([change.path]);
    });
  };
  const fileHref = `/session/${encodeURIComponent(sessionId)}/files/${change.path.split("/").map(encodeURIComponent).join("/")}`;
  const gone = change.y === "D" || change.x === "D";
  return (
    <section class="chg-detail" aria-label={change.path}>
      <header class="pbar">
        {room.narrow && <Button small kind="quiet" icon={ChevronLeft} onClick={onBack}>Files</Button>}
        <h2 class="m cut chg-path" title={change.path}>{room.narrow ? change.path.split("/").pop() : change.path}</h2>
        <Numbers diff={diff} word={letterWord(staged ? change.x : change.y)} />
        <span class="grow" />
        {room.wide && (
          <Segments label="Layout of the diff" value={split ? "split" : "unified"} onChange={(value) => (splitView.value = value === "split")} options={[{ value: "unified", words: "Unified" }, { value: "split", words: "Split" }]} />
        )}
        {staged ? (
          <Button tiny kind="quiet" busy={changes.busy === "unstage"} onClick={() => void changes.run("unstage", () => changes.git.unstage([change.path]))}>Unstage</Button>
        ) : (
          <Button tiny kind="quiet" busy={changes.busy === "stage"} onClick={() => void changes.run("stage", () => changes.git.stage([change.path]))}>Stage</Button>
        )}
        <Button tiny kind="quiet" disabled={changes.busy !== ""} onClick={() => void discard()}>Discard…</Button>
        {!gone && !room.narrow && <Button tiny kind="quiet" href={fileHref}>Open file</Button>}
      </header>
      <div class="chg-scroll" tabIndex={0} role="region" aria-label={`Changes in ${change.path}`}>
        {problem ? <p class="diff-note">{problem}</p> : diff ? <DiffView file={diff} split={split} paint={paint} /> : <div class="chg-alone"><Skeleton rows={6} height={21} /></div>}
      </div>
    </section>
  );
}
