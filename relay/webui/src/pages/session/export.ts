/** Write a conversation as Markdown, for keeping it outside. Pure but for `download`. */

import type { Block } from "../../transcript/blocks";

/** Answer the conversation as a Markdown document. */
export function toMarkdown(name: string, blocks: readonly Block[]): string {
  const parts = blocks.map(written).filter((part) => part !== "");
  return `# ${name}\n\n${parts.join("\n\n")}\n`;
}

function written(block: Block): string {
  switch (block.kind) {
    case "you":
      return `## You\n\n${block.text}`;
    case "answer":
      return block.markdown;
    case "tool": {
      const head = `**${block.verb}** ${block.object === "" ? "" : inline(block.object)}${block.result === "" ? "" : ` (${block.result})`}`.trim();
      return block.output.trim() === "" ? head : `${head}\n\n${fence(block.output)}`;
    }
    case "notice":
      return `*${block.words}*`;
    case "trigger":
      return `> ${block.text.replace(/\n/g, "\n> ")}`;
    case "note":
      return `### ${block.title}\n\n${block.markdown}`;
    case "thinking":
      return "";
  }
}

/** Set a text as code, with more backticks than it has in a row. */
function inline(text: string): string {
  const ticks = "`".repeat(longestRun(text) + 1);
  const pad = text.startsWith("`") || text.endsWith("`") ? " " : "";
  return ticks + pad + text.replace(/\n/g, " ") + pad + ticks;
}

function fence(text: string): string {
  const ticks = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${ticks}\n${text.replace(/\n$/, "")}\n${ticks}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((found) => found[0].length));
}

/** Answer a file name for a session. */
export function fileName(name: string): string {
  const plain = name.normalize("NFKD").replace(/[^\w\s-]/g, "").trim().replace(/\s+/g, "-").toLowerCase().slice(0, 60);
  return `${plain || "session"}.md`;
}
