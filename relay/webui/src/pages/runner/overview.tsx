/** What a runner is and how it does. */
import type { ComponentChildren } from "preact";
import { clock, plural } from "../../lib/format";
import { platformName, type Runner } from "../../state/runners";
import { Chip, Mark } from "../../ui";

/** The part "Overview". */
export function Overview({ runner }: { runner: Runner }) {
  const services = runner.serviceIds.filter((id) => !runner.disabledServiceIds.includes(id));
  return (
    <>
      <h2 class="pg">Overview</h2>
      {runner.warnings.length > 0 && (
        <section class="run-part" aria-label="Warnings">
          <h3 class="st">{plural(runner.warnings.length, "warning")}</h3>
          <ul class="run-warnings">
            {runner.warnings.map((warning) => <li key={warning}><Mark state="failed" word="Warning" />{warning}</li>)}
          </ul>
        </section>
      )}
      <dl class="run-facts">
        <Fact words="State">{runner.connected ? "Connected" : runner.lastSeenAt ? `Offline since ${clock(runner.lastSeenAt)}` : "Offline"}</Fact>
        <Fact words="Sessions">{runner.connected ? `${plural(runner.sessionCount, "session")} now` : "None while it is offline"}</Fact>
        <Fact words="System">{platformName(runner.platform) || "Not said"}</Fact>
        <Fact words="Version">{runner.version || "Not said"}</Fact>
        <Fact words="Workspace">{runner.roots.length > 0 ? runner.roots.map((root) => <Chip key={root} mono>{root}</Chip>) : "Any folder"}</Fact>
        <Fact words="Agents">{names(runner.agents.map((agent) => agent.name), "None but the default")}</Fact>
        <Fact words="Skills">{names(runner.skills.map((skill) => skill.name), "None")}</Fact>
        <Fact words="Services">{names(services, "None")}</Fact>
      </dl>
    </>
  );
}

function Fact({ words, children }: { words: string; children: ComponentChildren }) {
  return <div><dt>{words}</dt><dd>{children}</dd></div>;
}

function names(all: readonly string[], none: string): ComponentChildren {
  return all.length > 0 ? all.map((name) => <Chip key={name} mono>{name}</Chip>) : none;
}
