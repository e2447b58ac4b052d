/** What a tool printed: its newest lines while it runs, the end when it failed, all of it when it is opened. */

import type { ComponentChildren, JSX } from "preact";
import { useRef } from "preact/hooks";
import { CopyButton } from "../ui";

const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007]*\u0007|\r(?=\n)/g;
const WRONG = /^E\s|\b(?:error|fatal|rejected|panicked|Traceback)\b\s*[:!(]|^Traceback\b|^FAILED\b/i;
const FAILED = /(\d+ failed)/;
/** More characters than this are not put on screen at once. */
const MOST = 400_000;

/** Answer output without the codes that colour a terminal. */
export function plain(output: string): string {
  return output.replace(ANSI, "").replace(/\n+$/, "");
}

/** Answer the last lines of a text. */
export function lastLines(text: string, count: number): { shown: string; all: number } {
  let at = text.length;
  for (let left = count; left > 0; left -= 1) {
    at = text.lastIndexOf("\n", at - 1);
    if (at < 0) return { shown: text, all: text.split("\n").length };
  }
  let all = 1;
  for (let from = text.indexOf("\n"); from >= 0; from = text.indexOf("\n", from + 1)) all += 1;
  return { shown: text.slice(at + 1), all };
}

/** Eight lines of output that is still coming; the box never gets lower. */
export function LiveOutput({ output }: { output: string }): JSX.Element {
  const most = useRef(0);
  const { shown } = lastLines(plain(output), 8);
  const lines = shown.split("\n").length;
  most.current = Math.min(8, Math.max(most.current, lines));
  return (
    <div class="log-out log-box" style={{ "--lines": most.current }}>
      <pre class="log-live">{shown}</pre>
    </div>
  );
}

/** The end of what a failed tool printed. */
export function FailedOutput({ output, onAll }: { output: string; onAll: (clicked: Element) => void }): JSX.Element {
  const { shown, all } = lastLines(plain(output), 12);
  return (
    <div class="log-out">
      <pre tabIndex={0}>{hot(shown)}</pre>
      {all > 12 && (
        <button type="button" class="log-more" onClick={(event) => onAll(event.currentTarget)}>{`Show all ${all} lines`}</button>
      )}
    </div>
  );
}

/** Everything that a tool printed, in a box with its own scrolling. */
export function WholeOutput({ output, failed }: { output: string; failed: boolean }): JSX.Element {
  const text = plain(output);
  const long = text.length > MOST;
  const shown = long ? text.slice(-MOST) : text;
  return (
    <div class="log-out log-box log-copyable">
      <span class="log-corner"><CopyButton value={text} /></span>
      <pre class="log-whole" tabIndex={0} aria-label="Output">{long && "…\n"}{failed ? hot(shown) : shown}</pre>
    </div>
  );
}

/** Set lines that tell what went wrong in red. */
function hot(text: string): ComponentChildren {
  const lines = text.split("\n");
  if (lines.length > 400) return text;
  return lines.map((line, at) => {
    const end = at < lines.length - 1 ? "\n" : "";
    if (WRONG.test(line)) return <span key={at} class="log-hot">{line + end}</span>;
    const count = FAILED.exec(line);
    if (!count) return line + end;
    return [line.slice(0, count.index), <span key={at} class="log-hot">{count[1]}</span>, line.slice(count.index + (count[1]?.length ?? 0)) + end];
  });
}
