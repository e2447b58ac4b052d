/** The tree of a session's folder; a folder is read when it is opened, and stays open. */
import { ChevronDown, ChevronRight } from "lucide-preact";
import { type Signal, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { post, seg } from "../../../api/rest";
import { objects, str } from "../../../transcript/wire";
import { errorWords } from "../../../ui";

/** One file or folder. */
export interface Entry {
  name: string;
  path: string;
  folder: boolean;
  size: number;
}

/** What is known of a tree. */
export interface Tree {
  runnerId: string;
  root: string;
  /** Entries by folder; a text says why a folder could not be read. */
  read: Signal<ReadonlyMap<string, readonly Entry[] | string>>;
  open: Signal<ReadonlySet<string>>;
}

const trees = new Map<string, Tree>();

/** Answer the tree of a folder on a runner; the same as long as the page lives. */
export function treeOf(runnerId: string, root: string): Tree {
  const key = `${runnerId} ${root}`;
  let tree = trees.get(key);
  if (!tree) {
    tree = { runnerId, root, read: signal(new Map()), open: signal(new Set([root])) };
    trees.set(key, tree);
  }
  return tree;
}

/** Read one folder. */
export async function readFolder(tree: Tree, path: string): Promise<void> {
  let found: readonly Entry[] | string;
  try {
    const answer = await post<{ files?: unknown }>(`/api/runners/${seg(tree.runnerId)}/files`, { path });
    found = objects(answer.files)
      .map((file) => ({ name: str(file.name), path: str(file.path), folder: file.isDirectory === true, size: Number(file.size ?? 0) || 0 }))
      .filter((file) => file.name !== ".git")
      .sort((one, other) => Number(other.folder) - Number(one.folder) || one.name.localeCompare(other.name));
  } catch (error) {
    found = errorWords(error);
  }
  tree.read.value = new Map(tree.read.peek()).set(path, found);
}

/** Open every folder on the way to a file. */
export function reveal(tree: Tree, path: string): void {
  const open = new Set(tree.open.peek());
  const before = open.size;
  let folder = path;
  while (folder.length > tree.root.length) {
    folder = folder.slice(0, folder.lastIndexOf("/"));
    if (folder.length >= tree.root.length) open.add(folder || "/");
  }
  if (open.size !== before) tree.open.value = open;
}

/** The tree; arrow keys walk through it. */
export function FileTree({ tree, chosen, marks, onShow }: { tree: Tree; chosen: string; marks: ReadonlyMap<string, string>; onShow: (path: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    for (const folder of tree.open.value) if (!tree.read.peek().has(folder)) void readFolder(tree, folder);
  }, [tree, tree.open.value]);
  const rows = flat(tree, tree.root, 0);
  const toggle = (path: string, on?: boolean): void => {
    const open = new Set(tree.open.peek());
    if (on ?? !open.has(path)) open.add(path);
    else open.delete(path);
    tree.open.value = open;
  };
  const keys = (event: KeyboardEvent): void => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role=treeitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const row = rows[at];
    if (!row || "error" in row) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, to))]?.focus();
    } else if (event.key === "ArrowRight" && row.entry.folder) {
      event.preventDefault();
      if (row.open) all[at + 1]?.focus();
      else toggle(row.entry.path, true);
    } else if (event.key === "ArrowLeft") {
      event.preventDefault();
      if (row.entry.folder && row.open) toggle(row.entry.path, false);
      else {
        const parent = rows.slice(0, at).findLastIndex((other) => other.depth < row.depth);
        all[parent]?.focus();
      }
    }
  };
  const first = rows.find((row) => !("error" in row) && row.entry.path === chosen) ?? rows[0];
  return (
    <div class="file-tree" role="tree" aria-label="Files" ref={box} onKeyDown={keys}>
      {rows.map((row) =>
        "error" in row ? (
          <p key={`! ${row.path}`} class="file-problem" style={{ "--d": row.depth }}>{row.error}</p>
        ) : (
          <button
            type="button"
            key={row.entry.path}
            role="treeitem"
            aria-level={row.depth + 1}
            aria-expanded={row.entry.folder ? row.open : undefined}
            aria-selected={row.entry.path === chosen}
            tabIndex={row === first ? 0 : -1}
            class={`file-row${row.entry.folder ? "" : " file-leaf"}${row.entry.path === chosen ? " on" : ""}`}
            style={{ "--d": row.depth }}
            onClick={() => (row.entry.folder ? toggle(row.entry.path) : onShow(row.entry.path))}
          >
            {row.entry.folder && (row.open ? <ChevronDown size={14} strokeWidth={1.75} aria-hidden="true" /> : <ChevronRight size={14} strokeWidth={1.75} aria-hidden="true" />)}
            <span class="cut">{row.entry.name}</span>
            {marks.has(row.entry.path) && <span class="file-mark" title={`Changed: ${marks.get(row.entry.path) ?? ""}`}>{marks.get(row.entry.path)}</span>}
          </button>
        ),
      )}
    </div>
  );
}

type Row = { entry: Entry; depth: number; open: boolean } | { error: string; path: string; depth: number };

function flat(tree: Tree, folder: string, depth: number): Row[] {
  const entries = tree.read.value.get(folder);
  if (typeof entries === "string") return [{ error: entries, path: folder, depth }];
  return (entries ?? []).flatMap((entry): Row[] => {
    const open = entry.folder && tree.open.value.has(entry.path);
    return [{ entry, depth, open }, ...(open ? flat(tree, entry.path, depth + 1) : [])];
  });
}
