import { describe, expect, it } from "vitest";
import type { SessionRow } from "../state/types";
import { sameLayout, sameMembers, withChildren, withFamily } from "./layout";

function row(id: string, parentId?: string): SessionRow {
  return { id, parentId: parentId ?? null } as SessionRow;
}

describe("withChildren", () => {
  it("puts children under their parent and keeps the order otherwise", () => {
    const placed = withChildren([row("a"), row("b"), row("c", "a"), row("d", "gone"), row("e", "c")]);
    expect(placed.map(({ row: { id }, child }) => [id, child])).toEqual([
      ["a", false],
      ["c", true],
      ["e", true],
      ["b", false],
      ["d", false],
    ]);
  });

  it("loses nobody when parents form a ring", () => {
    const placed = withChildren([row("a", "b"), row("b", "a"), row("c", "c")]);
    expect(placed.map(({ row: { id } }) => id).sort()).toEqual(["a", "b", "c"]);
  });
});

describe("sameLayout", () => {
  it("sees a changed order and a changed group", () => {
    const one = [{ key: "x", ids: ["1", "2"] }];
    expect(sameLayout(one, [{ key: "x", ids: ["1", "2"] }])).toBe(true);
    expect(sameLayout(one, [{ key: "x", ids: ["2", "1"] }])).toBe(false);
    expect(sameLayout(one, [{ key: "y", ids: ["1", "2"] }])).toBe(false);
    expect(sameLayout(one, [])).toBe(false);
  });
});

describe("sameMembers", () => {
  it("does not mind the order, but the group", () => {
    const one = [{ key: "x", ids: ["1", "2"] }, { key: "y", ids: [] }];
    expect(sameMembers(one, [{ key: "x", ids: ["2", "1"] }])).toBe(true);
    expect(sameMembers(one, [{ key: "x", ids: ["1"] }, { key: "y", ids: ["2"] }])).toBe(false);
  });
});

describe("withFamily", () => {
  it("puts living children behind their parent, but not those that wait", () => {
    const kid = { ...row("kid", "top"), children: ["grand"] } as SessionRow;
    const all = [
      { ...row("top"), children: ["kid", "asks", "gone"] } as SessionRow,
      kid,
      { ...row("asks", "top"), children: [], status: "waiting" } as unknown as SessionRow,
      { ...row("grand", "kid"), children: [] } as unknown as SessionRow,
      { ...row("other"), children: [] } as unknown as SessionRow,
    ];
    const byId = new Map(all.map((entry) => [entry.id, entry]));
    const family = withFamily([all[0], all[4]] as SessionRow[], byId);
    expect(family.map(({ id }) => id)).toEqual(["top", "kid", "grand", "other"]);
  });
});
