/** Show the hunks of one file, unified or split (brief 5, Diff). */
import type { ComponentChildren } from "preact";
import { type DiffLine, type FileDiff, hunkWords, splitRows } from "./parse";
import "./diff.css";

/** How the text of a line is drawn; given by whoever highlights. The default draws it as it is. */
export type Paint = (line: DiffLine) => ComponentChildren;

const plain: Paint = (line) => line.text;
const SIGNS = { same: "", add: "+", del: "−" } as const;
const SPOKEN = { same: "", add: "added", del: "removed" } as const;

/** Draw a whole file's diff, each hunk under a line that says where it is. */
export function DiffView({ file, split, paint = plain }: { file: FileDiff; split: boolean; paint?: Paint }) {
  if (file.binary) return <p class="diff-note">This file is not text, so its changes can't be shown.</p>;
  if (file.hunks.length === 0) return <p class="diff-note">Nothing inside this file changed.</p>;
  return (
    <div class={split ? "diff-big diff-split" : "diff-big"}>
      {file.hunks.map((hunk) => (
        <section key={`${hunk.before}-${hunk.after}`}>
          <h3 class="diff-hunk">{hunkWords(hunk)}</h3>
          {split ? (
            <div class="diff-pairs">
              {splitRows(hunk.lines).map((row, at) => (
                <div class="diff-pair" key={at}>
                  <Line line={row.left} number={row.left?.before} paint={paint} />
                  <Line line={row.right} number={row.right?.after} paint={paint} />
                </div>
              ))}
            </div>
          ) : (
            <div class="diff-lines">
              {hunk.lines.map((line, at) => (
                <Line key={at} line={line} number={line.after ?? line.before} paint={paint} />
              ))}
            </div>
          )}
        </section>
      ))}
    </div>
  );
}

function Line({ line, number, paint }: { line: DiffLine | undefined; number: number | undefined; paint: Paint }) {
  if (line === undefined) return <div class="diff-line diff-gap" />;
  return (
    <div class={`diff-line diff-${line.kind}`}>
      <span class="diff-number">{number}</span>
      <span class="diff-sign">
        <span aria-hidden="true">{SIGNS[line.kind]}</span>
        {line.kind !== "same" && <span class="hide">{SPOKEN[line.kind]}</span>}
      </span>
      <span class="diff-text">{paint(line)}</span>
    </div>
  );
}
