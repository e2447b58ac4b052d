/** What can be done with the session on screen, besides what every list offers. */

import { Download, FoldVertical, Maximize2, PanelRight, Undo2 } from "lucide-preact";
import { compact } from "../../composer";
import { download } from "../../lib/download";
import { sessionItems } from "../../sidebar/session-actions";
import type { OpenSession, SessionRow } from "../../state/types";
import { type MenuItem, errorWords, toast } from "../../ui";
import { fileName, toMarkdown } from "./export";

/** Pages of older messages that an export loads at most. */
const MOST_PAGES = 400;

/** What the menu needs of the page. */
export interface MenuActions {
  readonly fork: () => void;
  /** Lay the open view over the conversation, or beside it again; undefined without one. */
  readonly toggleWide: (() => void) | undefined;
  readonly wide: boolean;
}

/** Answer the menu of the session on screen. */
export function sessionMenu(session: OpenSession, row: SessionRow | undefined, name: string, actions: MenuActions): readonly (MenuItem | null)[] {
  const live = session.phase.peek() === "live";
  const own: (MenuItem | null)[] = [
    ...(actions.toggleWide
      ? [{ words: actions.wide ? "Show beside the conversation" : "Show at full width", icon: actions.wide ? PanelRight : Maximize2, run: actions.toggleWide }]
      : []),
    { words: "Fork from a message…", icon: Undo2, disabled: !live, run: actions.fork },
    { words: "Compact", icon: FoldVertical, disabled: !live, run: () => compact(session) },
    { words: "Export as Markdown", icon: Download, run: () => void exportSession(session, name) },
  ];
  if (!row) return own;
  const listed = sessionItems(row);
  const line = listed.lastIndexOf(null);
  return [...listed.slice(0, line + 1), ...own, null, ...listed.slice(line + 1)];
}

/** Load what is missing of a conversation and hand it to the browser as a file. */
export async function exportSession(session: OpenSession, name: string): Promise<void> {
  try {
    for (let page = 0; page < MOST_PAGES && session.hasOlder.peek(); page += 1) {
      if (!(await session.older())) break;
    }
    download(fileName(name), toMarkdown(name, session.blocks.peek()), "text/markdown");
  } catch (error) {
    toast({ words: errorWords(error), kind: "error" });
  }
}
