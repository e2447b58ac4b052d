/** What can be done with a session from a list, in the words of the brief; used by home, sidebar and long press. */
import { CircleDot, Link as LinkIcon, Pencil, Pin, PinOff, Play, Plus, RotateCw, Square, SquareCheck } from "lucide-preact";
import { copy } from "../lib/copy";
import { go } from "../lib/router";
import { end, markNew, markSeen, pin, restart, resume } from "../state/sessions";
import type { SessionRow } from "../state/types";
import { confirm, errorWords, type MenuItem, toast } from "../ui";
import { askName } from "./rename";

/** Do something that the relay may refuse, and say so when it does. */
export async function attempt(what: () => Promise<unknown>): Promise<boolean> {
  try {
    await what();
    return true;
  } catch (error) {
    toast({ words: errorWords(error), kind: "error" });
    return false;
  }
}

/** Answer where "New session here" leads. */
export function newHere(row: SessionRow): string {
  const params = new URLSearchParams();
  if (row.runnerId) params.set("runner", row.runnerId);
  if (row.cwd) params.set("folder", row.cwd);
  return `/new?${params.toString()}`;
}

/** Ask, then end a session (brief 8, row 18). */
export async function askEnd(row: SessionRow): Promise<void> {
  const yes = await confirm({
    title: "End this session?",
    text: "The agent stops and its terminals close. You can resume the conversation later.",
    action: "End session",
    danger: true,
  });
  if (yes && (await attempt(() => end(row.id)))) {
    toast({ words: "Session ended.", action: { words: "Resume", run: () => void askResume(row) } });
  }
}

/** Bring an ended session back and open it. */
export async function askResume(row: SessionRow): Promise<void> {
  let id: unknown;
  if (await attempt(async () => (id = await resume(row.id)))) go(`/session/${typeof id === "string" ? id : row.id}`);
}

/** Pin or unpin, with Undo. */
export async function togglePin(row: SessionRow): Promise<void> {
  const on = !row.pinned;
  if (await attempt(() => pin(row.id, on))) {
    toast({ words: on ? "Pinned." : "Not pinned any more.", undo: () => void attempt(() => pin(row.id, !on)) });
  }
}

/** The menu of a session row. */
export function sessionItems(row: SessionRow): (MenuItem | null)[] {
  const items: (MenuItem | null)[] = [
    { words: "Rename…", icon: Pencil, run: () => askName(row) },
    row.pinned
      ? { words: "Unpin", icon: PinOff, run: () => void togglePin(row) }
      : { words: "Pin", icon: Pin, run: () => void togglePin(row) },
    row.isNew
      ? { words: "Mark as read", icon: SquareCheck, run: () => markSeen(row.id) }
      : { words: "Mark as new", icon: CircleDot, run: () => markNew(row.id) },
    { words: "Copy link", icon: LinkIcon, run: () => void copyLink(row.id) },
    { words: "New session here", icon: Plus, run: () => go(newHere(row)) },
    null,
  ];
  if (row.status === "ended") items.push({ words: "Resume", icon: Play, run: () => void askResume(row) });
  else {
    items.push({ words: "Restart", icon: RotateCw, disabled: row.status === "offline", run: () => void attempt(() => restart(row.id)) });
    items.push({ words: "End session…", icon: Square, danger: true, run: () => void askEnd(row) });
  }
  return items;
}

async function copyLink(id: string): Promise<void> {
  const done = await copy(`${location.origin}/session/${encodeURIComponent(id)}`);
  toast(done ? { words: "Copied" } : { words: "The browser refused to copy.", kind: "error" });
}
