/** Markdown that grows: whatever cannot change any more is parsed once (brief 7.5). Pure; what it writes is still to be cleaned. */

import Parser, { type MarkdownIt } from "markdown-it";

const escape = (text: string): string => text.replace(/[&<>"]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char] as string);

function make(): MarkdownIt {
  const md = new Parser({ html: false, linkify: true, typographer: false });
  // Bare names as "retry.py" are files here, not addresses.
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  md.renderer.rules.fence = (tokens, at) => code(tokens[at]?.content ?? "", (tokens[at]?.info ?? "").trim().split(/\s+/)[0] ?? "");
  md.renderer.rules.code_block = (tokens, at) => code(tokens[at]?.content ?? "", "");
  md.renderer.rules.table_open = () => '<div class="log-table" tabindex="0" role="group" aria-label="Table"><table>';
  md.renderer.rules.table_close = () => "</table></div>";
  md.renderer.rules.image = (tokens, at) => {
    const token = tokens[at];
    const src = String(token?.attrGet("src") ?? "");
    const alt = escape(token?.content ?? "");
    if (/^\/api\/attachments\/[\w-]+$/.test(src)) return `<img class="log-inline" src="${escape(src)}" alt="${alt}">`;
    return `<a href="${escape(src)}">${alt || escape(src)}</a>`;
  };
  return md;
}

/** A code block: language, wrap switch and Copy at the top right, then the code. */
function code(content: string, language: string): string {
  const text = content.replace(/\n$/, "");
  // While the first line is being written its end is not known; half a name would move as it grows.
  const name = content === "" ? "" : escape(language.toLowerCase());
  return (
    `<div class="log-code"><div class="log-code-bar"><span class="log-code-lang">${name}</span>` +
    '<button type="button" class="log-act" data-act="wrap">Wrap</button><button type="button" class="log-act" data-act="copy">Copy</button></div>' +
    `<pre tabindex="0"><code${name ? ` data-lang="${name}"` : ""}>${escape(text)}</code></pre></div>`
  );
}

let shared: MarkdownIt | undefined;
const parser = (): MarkdownIt => (shared ??= make());

/** The HTML of one text that grows at its end. */
export class Growing {
  private source = "";
  /** How many characters are in `frozen`. */
  private done = 0;
  private env: Record<string, unknown> = {};
  private parts: readonly string[] = [];
  private last = "";

  /** How many characters it has. */
  get length(): number {
    return this.source.length;
  }

  /** HTML of what is closed; the array is another one only when something was added. */
  get frozen(): readonly string[] {
    return this.parts;
  }

  /** HTML of the last block, which may still change. */
  get tail(): string {
    return this.last;
  }

  /** Take the text as it is now. */
  update(text: string): void {
    if (text === this.source && this.last !== "") return;
    if (!text.startsWith(this.source.slice(0, this.done))) this.restart();
    this.source = text;
    const md = parser();
    const rest = text.slice(this.done);
    const tokens = md.parse(rest, this.env);
    let from = 0;
    let line = 0;
    tokens.forEach((token, at) => {
      if (token.level === 0 && token.nesting !== -1 && token.map) {
        from = at;
        line = token.map[0];
      }
    });
    if (from > 0) {
      this.parts = [...this.parts, md.renderer.render(tokens.slice(0, from), md.options, this.env)];
      this.done += lineStart(rest, line);
    }
    this.last = md.renderer.render(tokens.slice(from), md.options, this.env);
  }

  private restart(): void {
    this.done = 0;
    this.env = {};
    this.parts = [];
    this.last = "";
  }
}

function lineStart(text: string, line: number): number {
  let at = 0;
  for (let index = 0; index < line; index += 1) at = text.indexOf("\n", at) + 1;
  return at;
}

/** The HTML of a text that does not grow. */
export function toHtml(text: string): string {
  return parser().render(text);
}

/** How many characters of texts keep their HTML after they left the screen. */
const MOST = 300_000;
const kept = new Map<string, Growing>();
let held = 0;

/** Answer the parse of a text under a block's key; it goes on where it stood, also after the block left the screen. */
export function growing(key: string, text: string): Growing {
  const found = kept.get(key) ?? new Growing();
  if (kept.delete(key)) held -= found.length;
  found.update(text);
  held += found.length;
  kept.set(key, found);
  for (const [oldest, { length }] of kept) {
    if (held <= MOST || kept.size === 1) break;
    kept.delete(oldest);
    held -= length;
  }
  return found;
}
