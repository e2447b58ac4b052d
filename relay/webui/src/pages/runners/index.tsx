/** All runners: what is connected, what is not, and what is wrong. */
import { Plus, Server } from "lucide-preact";
import { ago, now, plural } from "../../lib/format";
import { Link } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { forgetRunner, platformName, type Runner, runners, runnersLoaded } from "../../state/runners";
import { attempt } from "../../sidebar/session-actions";
import { Button, confirm, Empty, Mark, MenuButton, Skeleton } from "../../ui";
import { runnerItems } from "../runner/actions";
import "./runners.css";

/** The page at "/runners". */
export default function Runners() {
  useTitle("Runners");
  const all = runners.value;
  return (
    <div class="runners-page">
      <header class="bar">
        <h1>Runners</h1>
        <span class="meta">{all.length > 0 && words(all)}</span>
        <span class="grow" />
        <Button small kind="primary" icon={Plus} href="/connect">Connect a runner</Button>
      </header>
      <div class="scroll">
        <div class="runners">
          {!runnersLoaded.value ? (
            <Skeleton rows={4} height={56} />
          ) : all.length === 0 ? (
            <Empty title="No runner is connected. Connect one to start a session." text="A runner is the program that runs agents on one of your machines." action={<Button kind="primary" icon={Server} href="/connect">Connect your first runner</Button>} />
          ) : (
            <ul>{all.map((runner) => <Row key={runner.id} runner={runner} />)}</ul>
          )}
        </div>
      </div>
    </div>
  );
}

function words(all: readonly Runner[]): string {
  const up = all.filter((runner) => runner.connected).length;
  return up === all.length ? `${up} connected` : `${up} of ${all.length} connected`;
}

function Row({ runner }: { runner: Runner }) {
  const facts = runner.connected
    ? [plural(runner.sessionCount, "session"), platformName(runner.platform), runner.version]
    : [runner.lastSeenAt ? `Last here ${ago(runner.lastSeenAt, now.value)}` : "Not connected", platformName(runner.platform)];
  const forget = async (): Promise<void> => {
    const yes = await confirm({ title: `Forget ${runner.name}?`, text: "It is taken off this list. It comes back when it connects again.", action: "Forget runner", danger: true });
    if (yes) await attempt(() => forgetRunner(runner.id));
  };
  return (
    <li class={`runners-row${runner.connected ? "" : " away"}`}>
      <Mark state={runner.connected ? "connected" : "offline"} word={runner.connected ? "Connected" : "Offline"} />
      <div class="grow">
        <Link class="runners-link" href={`/runner/${encodeURIComponent(runner.id)}`} data-row="">{runner.name}</Link>
        <p class="meta">{facts.filter(Boolean).join(" · ")}</p>
        {runner.warnings.map((warning) => <p key={warning} class="runners-warning"><Mark state="failed" word="Warning" />{warning}</p>)}
      </div>
      <span class="runners-tools">
        {runner.connected ? (
          <>
            <Button small kind="soft" icon={Plus} href={`/new?runner=${encodeURIComponent(runner.id)}`}>New session</Button>
            <MenuButton label={`More for ${runner.name}`} iconOnly items={() => runnerItems(runner)} />
          </>
        ) : (
          <Button small kind="quiet" onClick={() => void forget()}>Forget…</Button>
        )}
      </span>
    </li>
  );
}
