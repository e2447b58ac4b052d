/** A change to one file in the log: numbers, signs, whole-line grounds (brief 5, Diff). */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DiffLine, FileDiff } from "../transcript";
import { coloured, languageOfPath, loadLanguage } from "./highlight";

const FEW = 40;
const SIGN = { same: "", add: "+", del: "−", gap: "" } as const;
const SPOKEN = { same: "", add: "added ", del: "removed ", gap: "" } as const;

/** Draw a diff; over 40 lines the rest shows on demand. */
export function DiffBlock({ diff, all, onAll }: { diff: FileDiff; all: boolean; onAll: (clicked: Element) => void }): JSX.Element {
  const language = languageOfPath(diff.path);
  const [, ready] = useState(false);
  useEffect(() => {
    if (!language) return undefined;
    let there = true;
    loadLanguage(language).then(() => there && ready(true), () => undefined);
    return () => { there = false; };
  }, [language]);
  const lines = all || diff.lines.length <= FEW + 4 ? diff.lines : diff.lines.slice(0, FEW);
  return (
    <div class="log-diff" role="group" aria-label={`Changes to ${diff.path}`}>
      <div class="log-diff-in" tabIndex={0} role="group" aria-label="Lines">
        {lines.map((line, at) => <DiffRow key={at} line={line} language={language} />)}
      </div>
      {lines.length < diff.lines.length && (
        <button type="button" class="log-more" onClick={(event) => onAll(event.currentTarget)}>{`Show the other ${diff.lines.length - lines.length} lines`}</button>
      )}
    </div>
  );
}

function DiffRow({ line, language }: { line: DiffLine; language: string | undefined }): JSX.Element {
  if (line.kind === "gap") return <div class="log-diff-l log-diff-gap" aria-label="Lines left out"><span>⋯</span><span /><span /></div>;
  const html = language ? coloured(line.text, language) : undefined;
  return (
    <div class={`log-diff-l log-diff-${line.kind}`}>
      <span class="log-diff-n">{line.kind === "del" ? line.old : line.new}</span>
      <span class="log-diff-s">{SIGN[line.kind]}</span>
      {html === undefined ? (
        <span class="log-diff-t"><span class="hide">{SPOKEN[line.kind]}</span>{line.text}</span>
      ) : (
        // The text inside was escaped by the highlighter.
        <span class="log-diff-t" dangerouslySetInnerHTML={{ __html: html }} />
      )}
    </div>
  );
}
