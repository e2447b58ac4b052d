/** Where rows stand: pure functions over lists of sessions, and the rule that nothing moves under the pointer. */
import type { SessionRow } from "../state/types";

/** A row and how far it is indented: a child stands under its parent when both are in the same list. */
export interface Placed {
  row: SessionRow;
  child: boolean;
}

/** Put children under their parents; everything else keeps its place. A child whose parent is elsewhere stands alone. */
export function withChildren(rows: readonly SessionRow[]): Placed[] {
  const here = new Set(rows.map((row) => row.id));
  const children = new Map<string, SessionRow[]>();
  const tops: SessionRow[] = [];
  for (const row of rows) {
    if (row.parentId !== null && row.parentId !== row.id && here.has(row.parentId)) {
      const known = children.get(row.parentId);
      if (known) known.push(row);
      else children.set(row.parentId, [row]);
    } else tops.push(row);
  }
  const placed: Placed[] = [];
  const seen = new Set<string>();
  const put = (row: SessionRow, child: boolean): void => {
    if (seen.has(row.id)) return;
    seen.add(row.id);
    placed.push({ row, child });
    for (const kid of children.get(row.id) ?? []) put(kid, true);
  };
  for (const row of tops) put(row, false);
  for (const row of rows) put(row, false);
  return placed;
}

/**
 * Answer `roots` with the children of each behind it, and theirs. A session that waits stands among those that wait
 * instead, so it is left out unless it is a root itself.
 */
export function withFamily(roots: readonly SessionRow[], byId: ReadonlyMap<string, SessionRow>): SessionRow[] {
  const all: SessionRow[] = [];
  const seen = new Set(roots.map((row) => row.id));
  const add = (row: SessionRow): void => {
    all.push(row);
    for (const id of row.children) {
      const child = byId.get(id);
      if (!child || child.status === "waiting" || seen.has(id)) continue;
      seen.add(id);
      add(child);
    }
  };
  for (const row of roots) add(row);
  return all;
}

/** Ids in the order in which they are shown, per group. */
export type Layout = readonly { key: string; ids: readonly string[] }[];

/** Tell whether two layouts show the same ids in the same places. */
export function sameLayout(one: Layout, other: Layout): boolean {
  return (
    one.length === other.length &&
    one.every((group, at) => {
      const there = other[at];
      return (
        there !== undefined &&
        there.key === group.key &&
        there.ids.length === group.ids.length &&
        there.ids.every((id, index) => id === group.ids[index])
      );
    })
  );
}

/** Tell whether two layouts have the same ids in each group, in whatever order. */
export function sameMembers(one: Layout, other: Layout): boolean {
  const sorted = (layout: Layout): Layout =>
    layout.filter(({ ids }) => ids.length > 0).map(({ key, ids }) => ({ key, ids: [...ids].sort() })).sort((a, b) => (a.key < b.key ? -1 : 1));
  return sameLayout(sorted(one), sorted(other));
}
