/** The branch and its way to the other side: switch, pull, push, history. */
import { ArrowDown, ArrowUp, ChevronDown, GitBranch, History as HistoryIcon } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { setQuery } from "../../../lib/router";
import { Button, MenuButton, type MenuItem, toast } from "../../../ui";
import type { Branch } from "./git";
import type { Changes } from "./use-changes";

/** Branches in the menu at most. */
const MOST = 20;

/** The bar over the lists. */
export function BranchBar({ changes }: { changes: Changes }) {
  const { git, status, busy, run } = changes;
  const [branches, setBranches] = useState<readonly Branch[]>([]);
  const branch = status?.branch ?? "";
  useEffect(() => {
    let here = true;
    git.branches().then((found) => here && setBranches(found), () => undefined);
    return () => {
      here = false;
    };
  }, [git, branch]);
  const locals = branches.filter((entry) => !entry.remote);
  const elsewhere = branches.filter((entry) => entry.remote && !locals.some((own) => entry.name.endsWith(`/${own.name}`)) && !entry.name.endsWith("/HEAD"));
  const items = (): (MenuItem | null)[] => [
    ...[...locals, ...elsewhere].slice(0, MOST).map((entry): MenuItem => ({
      words: entry.name,
      icon: GitBranch,
      on: entry.name === branch,
      note: entry.when,
      run: () => void checkout(entry),
    })),
    null,
    { words: "History", icon: HistoryIcon, run: () => setQuery({ log: "" }) },
  ];
  const checkout = async (entry: Branch): Promise<void> => {
    if (entry.name !== branch && (await run("checkout", () => git.checkout(entry.name, entry.remote)))) toast({ words: `On ${entry.name} now.` });
  };
  const push = async (): Promise<void> => {
    if (await run("push", () => git.push(status?.upstream !== true))) toast({ words: "Pushed." });
  };
  const pull = async (): Promise<void> => {
    if (await run("pull", () => git.pull())) toast({ words: "Pulled." });
  };
  const ahead = status?.ahead ?? 0;
  const behind = status?.behind ?? 0;
  const publish = status !== null && !status.upstream;
  return (
    <div class="chg-bar">
      <MenuButton small label={`Branch ${branch}`} items={items} icon={GitBranch} after={ChevronDown} class="chg-branch" busy={busy === "checkout"}>
        <span class="m cut">{branch || "no branch"}</span>
      </MenuButton>
      <span class="grow" />
      <Button small kind="quiet" icon={ArrowDown} busy={busy === "pull"} disabled={busy !== "" || publish} onClick={() => void pull()}>{behind > 0 ? `Pull ${behind}` : "Pull"}</Button>
      <Button small kind="soft" icon={ArrowUp} busy={busy === "push"} disabled={busy !== "" || (!publish && ahead === 0)} onClick={() => void push()}>{ahead > 0 ? `Push ${ahead}` : "Push"}</Button>
    </div>
  );
}
