/** Colour files and diffs line by line, in the brief's four colours. */
import { h } from "preact";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { coloured, languageOfPath, loadLanguage } from "../../../conversation/highlight";
import type { Paint } from "../../../diff/diff-view";
import type { DiffLine, FileDiff } from "../../../diff/parse";

/** A piece of a line and its colour: one of the brief's four, or "". */
export interface Piece {
  kind: "" | "key" | "str" | "fn" | "com";
  text: string;
}

/** Colour a text by lines; null when there is no language for the file or it is too long. */
export async function colour(text: string, path: string): Promise<readonly (readonly Piece[])[] | null> {
  const language = languageOfPath(path);
  if (language === undefined) return null;
  await loadLanguage(language);
  const markup = coloured(text, language);
  return markup === undefined ? null : piecesOf(markup);
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
    colour(text, path).then((found) => here && setLines({ text, lines: found }), () => undefined);
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
    if (!diff) return undefined;
    let here = true;
    const sides = [diff.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind !== "add")), diff.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind !== "del"))];
    void Promise.all(sides.map((lines) => colour(lines.map((line) => line.text).join("\n"), path))).then((found) => {
      if (!here) return;
      const map = new Map<DiffLine, readonly Piece[]>();
      found.forEach((lines, side) => lines?.forEach((pieces, at) => {
        const line = sides[side]?.[at];
        if (line) map.set(line, pieces);
      }));
      setMarks(map);
    }, () => undefined);
    return () => {
      here = false;
    };
  }, [path, diff]);
  return (line) => {
    const pieces = marks.get(line);
    return pieces ? painted(pieces) : line.text;
  };
}
