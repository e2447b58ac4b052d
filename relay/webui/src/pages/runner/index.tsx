/** One runner: its own navigation at the left, one part at a time (brief 3, Runner page). */
import { ChevronDown, ChevronLeft, ChevronRight, Plus, RotateCw } from "lucide-preact";
import { ago, now, plural } from "../../lib/format";
import { width } from "../../lib/media";
import { go, Link } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { platformName, type Runner, runner as runnerOf, runnersLoaded } from "../../state/runners";
import { sessions } from "../../state/sessions";
import { Button, Empty, Mark, MenuButton, Skeleton } from "../../ui";
import { restartRunner, runnerItems } from "./actions";
import { Models } from "./models";
import { Overview } from "./overview";
import { RunnerSessions } from "./sessions";
import { RunnerUsage } from "./usage";
import "./runner.css";

interface Part {
  id: string;
  words: string;
  group: string;
  count?: number;
}

/** The page at "/runner/{id}/{part}". */
export default function RunnerPage({ params }: { params: Record<string, string> }) {
  const runner = runnerOf(params.id);
  useTitle(runner?.name ?? "Runner");
  if (!runner) {
    return (
      <div class="run-page">
        <header class="bar"><Link class="t3" href="/runners">Runners</Link></header>
        <div class="run-alone">
          {runnersLoaded.value ? <Empty title="This runner is not here any more." text="It may have been forgotten, or belong to another account." action={<Button href="/runners">All runners</Button>} /> : <Skeleton rows={5} />}
        </div>
      </div>
    );
  }
  const live = sessions.value.filter((row) => row.runnerId === runner.id && row.live).length;
  const parts: readonly Part[] = [
    { id: "overview", words: "Overview", group: "" },
    { id: "usage", words: "Usage", group: "" },
    { id: "sessions", words: "Sessions", group: "", count: live },
    { id: "models", words: "Models", group: "How it runs" },
  ];
  const phone = width.value === "phone";
  const tablet = width.value === "tablet";
  const named = parts.find((part) => part.id === params.part);
  const part = named ?? parts[0];
  const menu = phone && !named;
  return (
    <div class="run-page">
      <Head runner={runner} part={named} phone={phone} desktop={width.value === "desktop"} />
      <div class="run-sub">
        {(width.value === "desktop" || menu) && <Navigation runner={runner} parts={parts} chosen={menu ? "" : (part?.id ?? "")} />}
        {!menu && (
          <div class="run-body">
            {tablet && part && (
              <MenuButton
                small
                class="run-choose"
                label={`Part: ${part.words}`}
                after={ChevronDown}
                items={parts.map((each) => ({ words: each.words, on: each.id === part.id, run: () => go(`/runner/${encodeURIComponent(runner.id)}/${each.id}`, "replace") }))}
              >
                {`Part: ${part.words}`}
              </MenuButton>
            )}
            {part?.id === "usage" ? <RunnerUsage runner={runner} /> : part?.id === "sessions" ? <RunnerSessions runner={runner} /> : part?.id === "models" ? <Models runner={runner} /> : <Overview runner={runner} />}
          </div>
        )}
      </div>
    </div>
  );
}

function Head({ runner, part, phone, desktop }: { runner: Runner; part: Part | undefined; phone: boolean; desktop: boolean }) {
  const state = runner.connected ? "Connected" : runner.lastSeenAt ? `Offline, last here ${ago(runner.lastSeenAt, now.value)}` : "Offline";
  const facts = [state, ...(runner.connected ? [plural(runner.sessionCount, "session")] : []), platformName(runner.platform), runner.version];
  const base = `/runner/${encodeURIComponent(runner.id)}`;
  return (
    <>
      <header class="bar">
        {!desktop ? (
          <Link class="ib" href={phone && part ? base : "/runners"} aria-label="Back"><ChevronLeft size={24} strokeWidth={1.75} aria-hidden="true" /></Link>
        ) : (
          <>
            <Link class="t3 run-up" href="/runners">Runners</Link>
            <ChevronRight size={14} strokeWidth={1.75} class="t3" aria-hidden="true" />
          </>
        )}
        <Mark state={runner.connected ? "connected" : "offline"} word={runner.connected ? "Connected" : "Offline"} />
        <h1>{runner.name}</h1>
        {!phone && <span class="meta cut">{facts.filter(Boolean).join(" · ")}</span>}
        <span class="grow" />
        {runner.connected && desktop && (
          <>
            <Button small icon={Plus} href={`/new?runner=${encodeURIComponent(runner.id)}`}>New session here</Button>
            <Button small kind="quiet" icon={RotateCw} onClick={() => void restartRunner(runner)}>Restart</Button>
          </>
        )}
        {runner.connected && <MenuButton iconOnly label="More" items={() => (desktop ? runnerItems(runner) : [{ words: "New session here", icon: Plus, run: () => go(`/new?runner=${encodeURIComponent(runner.id)}`) }, ...runnerItems(runner)])} />}
      </header>
      {phone && !part && (
        <div class="run-intro">
          <p class="meta">{facts.filter(Boolean).join(" · ")}</p>
          {runner.connected && <Button wide icon={Plus} href={`/new?runner=${encodeURIComponent(runner.id)}`}>New session here</Button>}
        </div>
      )}
    </>
  );
}

function Navigation({ runner, parts, chosen }: { runner: Runner; parts: readonly Part[]; chosen: string }) {
  const groups = [...new Set(parts.map((part) => part.group))];
  return (
    <nav class="run-nav" aria-label="Runner">
      {groups.map((group) => (
        <section key={group}>
          {group && <h2>{group}</h2>}
          {parts.filter((part) => part.group === group).map((part) => (
            <Link key={part.id} class={part.id === chosen ? "on" : ""} href={`/runner/${encodeURIComponent(runner.id)}/${part.id}`} how={width.value === "phone" ? "push" : "replace"} aria-current={part.id === chosen ? "page" : undefined}>
              {part.words}
              {part.count !== undefined && part.count > 0 && <span>{part.count}</span>}
              {width.value === "phone" && <ChevronRight size={16} strokeWidth={1.75} aria-hidden="true" />}
            </Link>
          ))}
        </section>
      ))}
    </nav>
  );
}
