/** The overview of a session: plan, changes, children, triggers, usage, servers. Parts that are empty are left out. */

import type { JSX } from "preact";
import { width } from "../../../lib/media";
import { session as rowOf } from "../../../state/sessions";
import { Empty } from "../../../ui";
import { type ViewProps, addressOf } from "../views";
import { ChangesSection } from "./changes-section";
import { ChildrenSection } from "./children-section";
import { McpSection } from "./mcp-section";
import { GoalSection, PlanSection } from "./plan-section";
import { TriggersSection } from "./triggers-section";
import { TrustSection } from "./trust-section";
import { ContextSection, LimitsSection, ModelSection, UsageSection } from "./usage-section";
import "./overview.css";

/** The view. */
export default function Overview({ session, git }: ViewProps): JSX.Element {
  const meta = session.meta.value;
  const row = rowOf(session.id).value;
  const changes = addressOf(session.id, { view: "changes" });
  const narrow = width.value !== "desktop";
  const live = session.phase.value === "live";
  return (
    <div class="ovw">
      {meta.pending?.kind === "trust" && <TrustSection session={session} trust={meta.pending} />}
      <GoalSection goal={meta.goal} />
      <PlanSection todo={meta.todo} active={meta.active} />
      <ChangesSection git={git} href={(path) => (path === "" ? changes : `${changes}/${path.split("/").map(encodeURIComponent).join("/")}`)} />
      <ChildrenSection id={session.id} parentId={row?.parentId ?? null} />
      <TriggersSection session={session} />
      <UsageSection session={session} />
      {narrow && <ContextSection session={session} />}
      {narrow && live && <ModelSection session={session} />}
      <LimitsSection meta={meta} />
      <McpSection session={session} />
      <div class="ovw-empty"><Empty plain title="Nothing to show yet." text="Plan, changes, child sessions and usage stand here once the agent has done something." /></div>
    </div>
  );
}
