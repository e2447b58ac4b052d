import { describe, expect, it } from "vitest";
import { ago, bytes, clock, count, duration, elapsed, middle, money, plural, tilde } from "./format";

const NOW = new Date(2026, 10, 24, 16, 30).getTime();
const MINUTE = 60_000;

describe("numbers and times in the words of the brief", () => {
  it("says how long ago in the shortest way", () => {
    const cases: [number, string][] = [
      [0, "now"], [59_999, "now"], [-5_000, "now"], [MINUTE, "1m"], [59 * MINUTE, "59m"], [60 * MINUTE, "1h"],
      [23 * 60 * MINUTE, "23h"], [24 * 60 * MINUTE, "1d"], [6 * 24 * 60 * MINUTE, "6d"], [21 * 24 * 60 * MINUTE, "3 Nov"],
    ];
    for (const [gone, words] of cases) expect(ago(NOW - gone, NOW), String(gone)).toBe(words);
    expect(ago(new Date(2024, 10, 3).getTime(), NOW)).toBe("3 Nov 2024");
  });

  it("tells a moment by the clock, then the weekday, then the day", () => {
    expect(clock(new Date(2026, 10, 24, 14, 2).getTime(), NOW)).toBe("14:02");
    expect(clock(new Date(2026, 10, 23, 18, 40).getTime(), NOW)).toBe("Mon 18:40");
    expect(clock(new Date(2026, 10, 3, 9, 5).getTime(), NOW)).toBe("3 Nov");
  });

  it("measures durations, counts, sizes and money", () => {
    expect([180, 9_400, 42_000, 134_000, 3_900_000].map(duration)).toEqual(["0.2 s", "9.4 s", "42 s", "2m 14s", "1h 5m"]);
    expect([4_900, 134_500].map(elapsed)).toEqual(["4 s", "2m 14s"]);
    expect([812, 8_600, 86_000, 999_400, 999_600, 1_100_000].map(count)).toEqual(["812", "8.6k", "86k", "999k", "1 M", "1.1 M"]);
    expect([240, 12_000, 1_400_000, 26_000_000].map(bytes)).toEqual(["240 B", "12 kB", "1.4 MB", "26 MB"]);
    expect([0, 0.004, 34.32].map(money)).toEqual(["$0.00", "$0.004", "$34.32"]);
    expect([plural(1, "file"), plural(3, "file"), plural(2, "child", "children")]).toEqual(["1 file", "3 files", "2 children"]);
  });

  it("cuts paths in the middle and keeps the file's name", () => {
    expect(middle("src/fetchkit/retry.py", 40)).toBe("src/fetchkit/retry.py");
    expect(middle("src/fetchkit/deeply/nested/retry.py", 20)).toMatch(/^src\/.*….*retry\.py$/);
    expect(middle("src/fetchkit/deeply/nested/retry.py", 20)).toHaveLength(20);
    expect([tilde("/home/me/code", "/home/me"), tilde("/home/me", "/home/me"), tilde("/home/meg", "/home/me")]).toEqual(["~/code", "~", "/home/meg"]);
  });
});
