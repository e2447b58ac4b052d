/** Turn one message into its blocks (sockets-browsers.md 7.7, rendering pass). Pure. */

import type { AnswerBlock, Block, Cut, Picture, ThinkingBlock, ToolBlock } from "./blocks";
import { readPlan, readQuestion } from "./prompts";
import { childOf, diffOf, readArgs, resultWords, shellResult, tell } from "./tools";
import { readTriggers } from "./triggers";
import { type Json, callId, isObj, num, obj, partsOf, str, textOf } from "./wire";

/** What a message's blocks depend on besides the message. */
export interface Surroundings {
  /** The key of the message, which its blocks' keys begin with. */
  readonly key: string;
  /** True while the message grows. */
  readonly open: boolean;
  /** A person pressed "Steer now" for it. */
  readonly steered: boolean;
  result(callId: string): Result | undefined;
  /** When a call began to run, by this browser's clock; undefined when it does not run. */
  running(callId: string): { readonly startedAt: number | undefined } | undefined;
  /** How long a call took, where this browser saw it. */
  took(callId: string): number | undefined;
  /** When thinking part n began, and how long it took. */
  thought(index: number): { readonly startedAt: number | undefined; readonly seconds: number | undefined };
}

/** What came of a tool call, so far or at last. */
export interface Result {
  readonly message: Json;
  readonly partial: boolean;
}

const RASTER: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

/** Answer the blocks of a message. Results of tools stand in the block of their call. */
export function blocksOf(message: Json, around: Surroundings): Block[] {
  switch (message.role) {
    case "user":
      return person(message, around);
    case "assistant":
      return assistant(message, around);
    case "bashExecution":
      return [bash(message, around)];
    case "custom":
      return note(message, around);
    case "compactionSummary":
      return [notice(around.key, summaryWords(message), str(message.summary))];
    case "branchSummary":
      return [notice(around.key, "Another line of this conversation was summarised", str(message.summary))];
    default:
      return [];
  }
}

function person(message: Json, around: Surroundings): Block[] {
  const text = textOf(message);
  const at = num(message.timestamp);
  const triggers = readTriggers(text);
  if (triggers.length > 0) {
    return triggers.map((trigger, index) => ({ kind: "trigger", key: `${around.key}.${index}`, at, ...trigger }));
  }
  const images = pictures(partsOf(message));
  if (text.trim() === "" && images.length === 0) return [];
  return [{ kind: "you", key: around.key, text, images, at, steered: around.steered, delivery: "sent" }];
}

function assistant(message: Json, around: Surroundings): Block[] {
  const blocks: Block[] = [];
  const parts = partsOf(message);
  const at = num(message.timestamp);
  parts.forEach((part, index) => {
    const key = `${around.key}.${index}`;
    const open = around.open && index === parts.length - 1;
    if (part.type === "text") {
      const text = str(part.text);
      if (text.trim() !== "") blocks.push({ kind: "answer", key, markdown: text, open, at });
    } else if (part.type === "thinking") {
      const block = thinking(part, key, open, around.thought(index));
      if (block) blocks.push(block);
    } else if (part.type === "toolCall") {
      const id = callId(part);
      blocks.push(toolBlock(part, id === "" ? key : `t:${id}`, around));
    }
  });
  const cut = around.open ? undefined : cutOf(message);
  return cut ? withCut(blocks, cut, message, around.key, at) : blocks;
}

function cutOf(message: Json): Cut | undefined {
  switch (message.stopReason) {
    case "aborted":
      return "stopped";
    case "length":
      return "length";
    case "error":
      return "error";
    default:
      return undefined;
  }
}

function withCut(blocks: Block[], cut: Cut, message: Json, key: string, at: number | undefined): Block[] {
  const words = str(message.errorMessage);
  const ending = { cut, ...(cut === "error" && words !== "" ? { message: words } : {}) };
  const last = blocks[blocks.length - 1];
  if (last?.kind === "answer") blocks[blocks.length - 1] = { ...last, ...ending } satisfies AnswerBlock;
  else blocks.push({ kind: "answer", key: `${key}.end`, markdown: "", open: false, at, ...ending });
  return blocks;
}

function thinking(part: Json, key: string, open: boolean, timing: ReturnType<Surroundings["thought"]>): ThinkingBlock | null {
  const text = str(part.thinking);
  const redacted = part.redacted === true;
  if (text.trim() === "" && !redacted && !open) return null;
  const seconds = num(part.durationSeconds) ?? timing.seconds;
  return { kind: "thinking", key, text, open, redacted, seconds, startedAt: open ? timing.startedAt : undefined };
}

function toolBlock(part: Json, key: string, around: Surroundings): ToolBlock {
  const id = callId(part);
  const name = str(part.name);
  const args = readArgs(part.arguments);
  const told = tell(name, args);
  const result = around.result(id);
  const running = around.running(id);
  const done = result !== undefined && !result.partial;
  const message = result?.message ?? obj(null);
  const details = obj(message.details);
  const failed = done && message.isError === true;
  const text = result ? textOf(message) : "";
  const shell = told.sort === "shell" && done ? shellResult(text) : { output: text, exit: undefined };
  const exit = shell.exit ?? num(details.exitCode);
  const question = told.sort === "ask" ? readQuestion(args, id) : null;
  const plan = told.sort === "plan" ? readPlan(args, id) : null;
  const child = done ? childOf(told.sort, details, text) : undefined;
  return {
    kind: "tool",
    key,
    callId: id,
    name,
    ...told,
    args,
    output: shell.output,
    images: result ? pictures(partsOf(message)) : NO_PICTURES,
    state: stateOf(done, failed, running !== undefined, around.open),
    exit,
    result: done ? resultWords(told.sort, shell.output, failed, exit) : "",
    startedAt: done ? undefined : running?.startedAt,
    seconds: done ? around.took(id) : undefined,
    diff: done && failed ? undefined : diffOf(told.sort, args, details),
    ...(question ? { question } : {}),
    ...(plan ? { plan } : {}),
    ...(child !== undefined ? { childId: child } : {}),
  };
}

function stateOf(done: boolean, failed: boolean, running: boolean, open: boolean): ToolBlock["state"] {
  if (done) return failed ? "failed" : "done";
  if (running) return "running";
  return open ? "queued" : "lost";
}

function bash(message: Json, around: Surroundings): ToolBlock {
  const exit = num(message.exitCode);
  const failed = message.cancelled === true || (exit !== undefined && exit !== 0);
  const output = str(message.output);
  const args = { command: str(message.command) };
  return {
    kind: "tool",
    key: around.key,
    callId: "",
    name: "bash",
    ...tell("bash", args),
    args,
    output,
    images: NO_PICTURES,
    state: failed ? "failed" : "done",
    exit,
    result: resultWords("shell", output, failed, exit),
    startedAt: undefined,
    seconds: undefined,
    diff: undefined,
  };
}

function note(message: Json, around: Surroundings): Block[] {
  const markdown = textOf(message);
  if (message.display === false || markdown.trim() === "") return [];
  return [{ kind: "note", key: around.key, title: str(message.customType), markdown }];
}

function notice(key: string, words: string, detail: string): Block {
  return { kind: "notice", key, words, tone: "plain", ...(detail === "" ? {} : { detail }) };
}

function summaryWords(message: Json): string {
  const before = num(message.tokensBefore);
  const after = num(message.tokensAfter) ?? (str(message.summary) === "" ? undefined : Math.round(str(message.summary).length / 4));
  if (before === undefined) return "Earlier messages were summarised";
  return `Earlier messages were summarised, ${thousands(before)} to ${thousands(after ?? 0)} tokens`;
}

function thousands(count: number): string {
  return count < 1_000 ? String(count) : `${Math.round(count / 1_000)}k`;
}

const NO_PICTURES: readonly Picture[] = Object.freeze([]);

function pictures(parts: readonly Json[]): readonly Picture[] {
  let found: Picture[] | undefined;
  for (const part of parts) {
    if (part.type !== "image") continue;
    const picture = readPicture(part);
    if (picture) (found ??= []).push(picture);
  }
  return found ?? NO_PICTURES;
}

function readPicture(part: Json): Picture | null {
  const source = isObj(part.source) ? part.source : obj(null);
  const type = (str(part.mimeType) || str(source.media_type) || str(source.mediaType)).toLowerCase();
  if (!RASTER.has(type)) return null;
  const url = str(source.url);
  // Pictures of other hosts are not fetched: that would tell them who reads.
  if (url !== "") return url.startsWith("/") && !url.startsWith("//") ? { src: url, type } : null;
  const data = str(part.data) || str(source.data);
  return data === "" ? null : { src: `data:${type};base64,${data}`, type };
}
