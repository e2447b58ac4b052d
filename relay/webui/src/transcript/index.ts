/** The transcript of a session: its events assembled, its blocks, what it asks. Pure. */

export * from "./blocks";
export * from "./prompts";
export { diffNew, diffTexts, parseUnified } from "./diff";
export { Transcript, type Reading } from "./transcript";
