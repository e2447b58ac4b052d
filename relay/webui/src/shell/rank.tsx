/** Finding by words: every word has to occur; what begins with it comes first. */
import type { ComponentChildren } from "preact";

/** Answer the entries that hold every word of `text`, the best first; all of them for an empty text. */
export function rank<T>(entries: readonly T[], text: string, read: (entry: T) => string): T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...entries];
  return entries
    .map((entry) => ({ entry, score: score(read(entry).toLowerCase(), words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
}

function score(text: string, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return 0;
    const starts = at === 0 || /[^\p{L}\p{N}]/u.test(text[at - 1] ?? " ");
    sum += at === 0 ? 3 : starts ? 2 : 1;
  }
  return sum;
}

/** Answer the text with the first occurrence of each word in bold. */
export function highlight(text: string, words: string): ComponentChildren {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const lower = text.toLowerCase();
  const spans = wanted
    .map((word) => ({ from: lower.indexOf(word), to: lower.indexOf(word) + word.length }))
    .filter(({ from }) => from >= 0)
    .sort((a, b) => a.from - b.from);
  const out: ComponentChildren[] = [];
  let done = 0;
  for (const { from, to } of spans) {
    if (from < done) continue;
    out.push(text.slice(done, from), <b key={from}>{text.slice(from, to)}</b>);
    done = to;
  }
  out.push(text.slice(done));
  return out;
}
