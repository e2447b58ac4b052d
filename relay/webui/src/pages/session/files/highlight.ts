/** Colour code by lines: highlight.js and the language are loaded when a file of it is on screen. */
import type { LanguageFn } from "highlight.js";
import { h } from "preact";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Paint } from "../../../diff/diff-view";
import type { DiffLine, FileDiff } from "../../../diff/parse";

/** A piece of a line and its colour: one of the brief's four, or "". */
export interface Piece {
  kind: "" | "key" | "str" | "fn" | "com";
  text: string;
}

/** Longer files stay as they are: colouring them would hold the page. Characters. */
const MOST = 300_000;

const LANGUAGES: Record<string, () => Promise<{ default: LanguageFn }>> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  go: () => import("highlight.js/lib/languages/go"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  php: () => import("highlight.js/lib/languages/php"),
  python: () => import("highlight.js/lib/languages/python"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scss: () => import("highlight.js/lib/languages/scss"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ENDINGS: Record<string, string> = {
  sh: "bash", bash: "bash", zsh: "bash", c: "c", h: "c", cc: "cpp", cpp: "cpp", hpp: "cpp", cs: "csharp", css: "css",
  go: "go", toml: "ini", ini: "ini", cfg: "ini", java: "java", js: "javascript", mjs: "javascript", cjs: "javascript",
  jsx: "javascript", json: "json", jsonc: "json", kt: "kotlin", lua: "lua", mk: "makefile", md: "markdown", php: "php",
  py: "python", pyi: "python", rb: "ruby", rs: "rust", scss: "scss", sql: "sql", swift: "swift", ts: "typescript",
  tsx: "typescript", mts: "typescript", html: "xml", xml: "xml", svg: "xml", vue: "xml", yml: "yaml", yaml: "yaml",
};

/** Answer the language of a file by its name; "" when there is none for it. */
export function languageOf(path: string): string {
  const name = (path.split("/").pop() ?? "").toLowerCase();
  if (name === "dockerfile") return "dockerfile";
  if (name === "makefile") return "makefile";
  const ending = name.includes(".") ? (name.split(".").pop() ?? "") : "";
  return ENDINGS[ending] ?? "";
}

/** Colour a text; null when there is no language for it or it is too long. */
export async function colour(text: string, language: string): Promise<readonly (readonly Piece[])[] | null> {
  const load = LANGUAGES[language];
  if (!load || text.length > MOST) return null;
  const [{ default: engine }, { default: grammar }] = await Promise.all([import("highlight.js/lib/core"), load()]);
  if (!engine.getLanguage(language)) engine.registerLanguage(language, grammar);
  return piecesOf(engine.highlight(text, { language, ignoreIllegals: true }).value);
}

const KINDS: Record<string, Piece["kind"]> = {
  keyword: "key", literal: "key", built_in: "fn", "selector-tag": "key", tag: "key", name: "key", meta: "key", section: "key",
  string: "str", regexp: "str", symbol: "str", bullet: "str", quote: "com", comment: "com", doctag: "com",
  title: "fn", function: "fn", attr: "fn", attribute: "fn", type: "fn", property: "fn", "selector-class": "fn",
};
const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'" };

/** Split the markup of highlight.js, which is spans and entities alone, into lines of pieces. */
export function piecesOf(markup: string): readonly (readonly Piece[])[] {
  const lines: Piece[][] = [[]];
  const stack: Piece["kind"][] = [];
  for (const [token] of markup.matchAll(/<span class="[^"]*">|<\/span>|[^<]+/g)) {
    if (token === "</span>") stack.pop();
    else if (token.startsWith("<span")) {
      const names = /class="hljs-([\w-]+)/.exec(token);
      stack.push(KINDS[names?.[1]?.replace(/_$/, "") ?? ""] ?? stack.at(-1) ?? "");
    } else {
      const text = token.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
      const kind = stack.at(-1) ?? "";
      text.split("\n").forEach((part, index) => {
        if (index > 0) lines.push([]);
        if (part) lines.at(-1)?.push({ kind, text: part });
      });
    }
  }
  return lines;
}

/** Draw the pieces of a line. */
export function painted(pieces: readonly Piece[]): ComponentChildren {
  return pieces.map((piece, at) => (piece.kind ? h("span", { key: at, class: `tk-${piece.kind}` }, piece.text) : piece.text));
}

/** Answer the lines of a text in colour, null until (and unless) they are. */
export function useColour(path: string, text: string): readonly (readonly Piece[])[] | null {
  const [lines, setLines] = useState<{ text: string; lines: readonly (readonly Piece[])[] | null }>({ text: "", lines: null });
  useEffect(() => {
    let here = true;
    colour(text, languageOf(path)).then((found) => here && setLines({ text, lines: found }), () => undefined);
    return () => {
      here = false;
    };
  }, [path, text]);
  return lines.text === text ? lines.lines : null;
}

/** Answer how to draw the lines of a diff: each side is coloured as a text of its own. */
export function useHighlight(path: string, diff: FileDiff | undefined): Paint {
  const [marks, setMarks] = useState<ReadonlyMap<DiffLine, readonly Piece[]>>(new Map());
  useEffect(() => {
    if (!diff || !languageOf(path)) return undefined;
    let here = true;
    const sides = [diff.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind !== "add")), diff.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind !== "del"))];
    void Promise.all(sides.map((lines) => colour(lines.map((line) => line.text).join("\n"), languageOf(path)))).then((found) => {
      if (!here) return;
      const map = new Map<DiffLine, readonly Piece[]>();
      found.forEach((lines, side) => lines?.forEach((pieces, at) => {
        const line = sides[side]?.[at];
        if (line) map.set(line, pieces);
      }));
      setMarks(map);
    });
    return () => {
      here = false;
    };
  }, [path, diff]);
  return (line) => {
    const pieces = marks.get(line);
    return pieces ? painted(pieces) : line.text;
  };
}
