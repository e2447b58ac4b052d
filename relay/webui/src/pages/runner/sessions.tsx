/** The sessions of one runner. */
import { Plus } from "lucide-preact";
import { sessions } from "../../state/sessions";
import type { Runner } from "../../state/runners";
import { withChildren } from "../../sidebar/layout";
import { Button, Empty } from "../../ui";
import { HomeRow } from "../home/row";
import "../home/home.css";

/** The part "Sessions": live ones first, then those that ended. */
export function RunnerSessions({ runner }: { runner: Runner }) {
  const own = sessions.value.filter((row) => row.runnerId === runner.id).sort((one, other) => other.changedAt - one.changedAt);
  const groups = [
    { title: "Now", rows: own.filter((row) => row.live) },
    { title: "Ended", rows: own.filter((row) => !row.live) },
  ];
  return (
    <>
      <h2 class="pg">Sessions</h2>
      {own.length === 0 && <Empty title="No sessions ran here yet." text="Start one, and it shows up here." action={<Button icon={Plus} href={`/new?runner=${encodeURIComponent(runner.id)}`}>New session here</Button>} />}
      <div class="home run-sessions">
        {groups.map(({ title, rows }) => rows.length > 0 && (
          <section key={title} aria-label={title}>
            <h3 class="home-head">{title}</h3>
            <ul>{withChildren(rows).map(({ row, child }) => <HomeRow key={row.id} row={row} child={child} oneLine />)}</ul>
          </section>
        ))}
      </div>
    </>
  );
}
