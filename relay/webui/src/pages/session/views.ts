/** The views of a session, their addresses, and what the address says of the layout (brief 2). Pure but for the list of modules. */

import type { ComponentType } from "preact";
import { lazyPage } from "../../lib/lazy";
import type { OpenSession } from "../../state/types";
import type { GitSummary } from "./git-summary";

/** What every view takes: the session on screen, the parts of its address, and what the page knows of the work tree. */
export interface ViewProps {
  session: OpenSession;
  params: Record<string, string>;
  git: GitSummary;
}

/** One view. */
export interface View {
  readonly id: string;
  readonly words: string;
}

const ALL: readonly View[] = [
  { id: "conversation", words: "Conversation" },
  { id: "overview", words: "Overview" },
  { id: "changes", words: "Changes" },
  { id: "files", words: "Files" },
  { id: "terminal", words: "Terminal" },
  { id: "preview", words: "Preview" },
];

const modules = import.meta.glob<{ default: ComponentType<ViewProps> }>("./{overview,changes,files,terminal,preview}/index.tsx");
const components = new Map(
  ALL.flatMap(({ id }) => {
    const load = modules[`./${id}/index.tsx`];
    return load ? [[id, lazyPage<ViewProps>(load)] as const] : [];
  }),
);

/** The views that exist, in order; a view without a module is in no tab. */
export const VIEWS: readonly View[] = ALL.filter(({ id }) => id === "conversation" || components.has(id));

/** Answer the component of a view, undefined for the conversation and for an unknown one. */
export function viewComponent(id: string): (ComponentType<ViewProps> & { preload: () => void }) | undefined {
  return components.get(id);
}

/** How a session is laid out. */
export interface Layout {
  readonly view: string;
  /** The view lies over the conversation instead of beside it. */
  readonly wide: boolean;
  /** A second view at its side. */
  readonly beside: string | null;
}

/** Read the layout from the parts of an address. An unknown view is the conversation. */
export function layoutOf(view: string | undefined, query: URLSearchParams, known: readonly string[] = VIEWS.map((each) => each.id)): Layout {
  const shown = view !== undefined && known.includes(view) ? view : "conversation";
  const other = query.get("beside");
  const beside = other !== null && known.includes(other) && other !== shown && shown !== "conversation" && other !== "conversation" ? other : null;
  return { view: shown, wide: shown !== "conversation" && (query.has("wide") || beside !== null), beside };
}

/** Write the address of a layout. */
export function addressOf(id: string, { view, wide, beside }: Partial<Layout> & { view: string }): string {
  const base = `/session/${encodeURIComponent(id)}`;
  if (view === "conversation") return base;
  if (beside) return `${base}/${view}?beside=${beside}`;
  return `${base}/${view}${wide ? "?wide" : ""}`;
}
