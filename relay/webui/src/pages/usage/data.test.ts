import { describe, expect, it } from "vitest";
import { csv, everyDay, readUsage, together } from "./data";

const ONE = readUsage({
  summary: { totalCost: 2, totalSessions: 3, totalInputTokens: 10 },
  daily: [{ date: "2026-11-20", cost: 2, sessions: 3, inputTokens: 10, costInput: 2 }],
  byModel: [{ model: "sonnet", cost: 2, sessions: 3, inputTokens: 10 }],
  byProject: [{ project: "/code/a", cost: 2, sessions: 3 }],
  recentSessions: [{ id: "s", startedAt: "2026-11-20T10:00:00Z", totalCost: null }],
});

describe("usage", () => {
  it("adds runners up by day, model and project", () => {
    const both = together([ONE, ONE]);
    expect(both.total).toMatchObject({ cost: 4, sessions: 6, input: 20 });
    expect(both.days).toHaveLength(1);
    expect(both.days[0]).toMatchObject({ date: "2026-11-20", cost: 4, costInput: 4 });
    expect(both.models).toEqual([{ name: "sonnet", cost: 4, sessions: 6, input: 20, output: 0 }]);
    expect(ONE.days[0]?.cost).toBe(2);
  });

  it("reads nothing out of nothing", () => {
    expect(readUsage({ summary: null, daily: [] })).toMatchObject({ total: { cost: 0 }, days: [], sessions: [] });
  });

  it("leaves no day out", () => {
    expect(everyDay(["2026-02-27"], "all", "2026-03-02")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
    expect(everyDay([], "7d", "2026-03-02")).toHaveLength(7);
    expect(everyDay([], "all", "2026-03-02")).toEqual(["2026-03-02"]);
  });

  it("writes CSV that no runner's name can break", () => {
    const [head, line, end] = csv([{ runner: '=a"b,c', usage: ONE }]).split("\r\n");
    expect(head).toMatch(/^date,runner,sessions,cost_usd/);
    expect(line).toBe('2026-11-20,"\'=a""b,c",3,2,10,0,0,0');
    expect(end).toBe("");
  });
});
