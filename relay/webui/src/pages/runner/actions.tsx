/** What can be done with a runner as a whole. */
import { Copy, Power, RotateCw } from "lucide-preact";
import { post } from "../../api/rest";
import { copy } from "../../lib/copy";
import { plural } from "../../lib/format";
import type { Runner } from "../../state/runners";
import { attempt } from "../../sidebar/session-actions";
import { confirm, type MenuItem, toast } from "../../ui";

/** Ask, then restart the runner's program; its sessions go on. */
export async function restartRunner(runner: Runner): Promise<void> {
  const text = runner.sessionCount > 0 ? `It is back in a few seconds. Its ${plural(runner.sessionCount, "session")} go on then.` : "It is back in a few seconds.";
  const yes = await confirm({ title: `Restart ${runner.name}?`, text, action: "Restart runner" });
  if (yes && (await attempt(() => post("/api/runners/restart", { runnerId: runner.id })))) toast({ words: `${runner.name} restarts.` });
}

/** Ask, then stop the runner's program. */
export async function stopRunner(runner: Runner): Promise<void> {
  const yes = await confirm({
    title: `Stop ${runner.name}?`,
    text: "Its agents stop and its terminals close. It has to be started again on that machine.",
    action: "Stop runner",
    danger: true,
  });
  if (yes && (await attempt(() => post("/api/runners/stop", { runnerId: runner.id })))) toast({ words: `${runner.name} stops.` });
}

/** The menu of a connected runner. */
export function runnerItems(runner: Runner): (MenuItem | null)[] {
  return [
    { words: "Restart…", icon: RotateCw, run: () => void restartRunner(runner) },
    { words: "Copy its id", icon: Copy, run: () => void copy(runner.id).then((done) => toast(done ? { words: "Copied" } : { words: "The browser refused to copy.", kind: "error" })) },
    null,
    { words: "Stop…", icon: Power, danger: true, run: () => void stopRunner(runner) },
  ];
}
