/** One side of the changes: staged or not, with a box to move each file to the other side. */
import type { FileDiff } from "../../../diff/parse";
import { Button, Checkbox } from "../../../ui";
import { letterWord } from "./git";
import type { Changes, Entry } from "./use-changes";

interface Props {
  title: "Staged" | "Not staged";
  entries: readonly Entry[];
  changes: Changes;
  chosen: Entry | undefined;
  onShow: (entry: Entry) => void;
}

/** The list under its head; nothing when no file is on this side. */
export function FileList({ title, entries, changes, chosen, onShow }: Props) {
  if (entries.length === 0) return null;
  const staged = title === "Staged";
  const paths = entries.map((entry) => entry.change.path);
  const move = (which: readonly string[]): void => {
    void changes.run(staged ? "unstage-all" : "stage-all", () => (staged ? changes.git.unstage(which) : changes.git.stage(which)));
  };
  return (
    <section aria-label={title}>
      <header class="chg-head">
        <h2>{title}</h2>
        <span class="meta">{entries.length}</span>
        <span class="grow" />
        <Button tiny kind="quiet" disabled={changes.busy !== ""} onClick={() => move(paths)}>{staged ? "Unstage all" : "Stage all"}</Button>
      </header>
      <ul>
        {entries.map((entry) => {
          const { path } = entry.change;
          const cut = path.replace(/\/$/, "").lastIndexOf("/");
          const name = path.slice(cut + 1);
          const on = chosen?.change.path === path && chosen.staged === staged;
          return (
            <li key={path} class={`chg-row${on ? " on" : ""}`}>
              <Checkbox on={staged} label={`${staged ? "Unstage" : "Stage"} ${path}`} disabled={changes.busy !== ""} onChange={() => move([path])} />
              <button type="button" class="chg-file" aria-current={on ? "true" : undefined} data-row="" onClick={() => onShow(entry)}>
                <span class="cut grow"><span class="m">{name}</span> {cut > 0 && <span class="meta">{path.slice(0, cut)}</span>}</span>
                <Numbers diff={changes.diffOf(entry)} word={letterWord(staged ? entry.change.x : entry.change.y)} />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** "+4 −2", or a word where numbers say nothing. */
export function Numbers({ diff, word }: { diff: FileDiff | undefined; word: string }) {
  const counted = diff && (diff.added > 0 || diff.removed > 0);
  return (
    <span class="meta num chg-numbers">
      {word && word !== "New" && <span>{word}</span>}
      {counted && diff.added > 0 && <span class="ad">+{diff.added}</span>}
      {counted && diff.removed > 0 && <span class="de">−{diff.removed}</span>}
      {!counted && word === "New" && <span>New</span>}
    </span>
  );
}
