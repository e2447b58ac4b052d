/** What was chosen for the last session, per runner, kept in this browser; and how folders are written. */
import { local } from "../../lib/storage";

/** The choices of one session start. */
export interface Settings {
  cwd: string;
  /** "provider/id", or "" for the runner's own default. */
  model: string;
  /** A thinking level, or "" to leave it as it is. */
  thinking: string;
  /** The name of an agent, or "". */
  agent: string;
  planFirst: boolean;
}

/** Choices of somebody who never chose. */
export const FRESH: Settings = { cwd: "", model: "", thinking: "", agent: "", planFirst: false };

interface Remembered {
  runnerId: string;
  by: Record<string, Settings>;
}

const kept = local<Remembered>("lastSession", { runnerId: "", by: {} }, (value) => {
  return typeof value === "object" && value !== null && "runnerId" in value && "by" in value;
});

/** The runner that was used last; "" before the first session. */
export function lastRunner(): string {
  return kept.peek().runnerId;
}

/** What was chosen last on a runner. */
export function lastOn(runnerId: string): Settings {
  return { ...FRESH, ...kept.peek().by[runnerId] };
}

/** Keep what was chosen. */
export function remember(runnerId: string, settings: Settings): void {
  kept.value = { runnerId, by: { ...kept.peek().by, [runnerId]: settings } };
}

const HOME = /^(\/home\/[^/]+|\/Users\/[^/]+|\/root)(?=\/|$)/;

/** Guess the home folder of a runner's user from the folders that were used there; "" when none tells. */
export function guessHome(folders: readonly string[]): string {
  for (const folder of folders) {
    const found = HOME.exec(folder);
    if (found?.[1]) return found[1];
  }
  return "";
}

/** Write a folder as it is sent: "~" spelled out where the home is known, no slash at the end. */
export function spelled(text: string, home: string): string {
  const trimmed = text.trim();
  const full = home && (trimmed === "~" || trimmed.startsWith("~/")) ? home + trimmed.slice(1) : trimmed;
  return full.length > 1 ? full.replace(/\/+$/, "") : full;
}

/** The folder whose contents complete what is typed, and the beginning of the name that is looked for in it. */
export function completing(text: string, home: string): { folder: string; start: string } {
  const trimmed = text.trim();
  const full = home && (trimmed === "~" || trimmed.startsWith("~/")) ? home + trimmed.slice(1) : trimmed;
  const cut = full.lastIndexOf("/");
  if (cut < 0) return { folder: home || "/", start: full };
  return { folder: cut === 0 ? "/" : full.slice(0, cut), start: full.slice(cut + 1) };
}
