/** The head of a session: how it stands, its name, where it is, its views, and its menu. */

import { ChevronLeft, Columns2, Folder, GitBranch, Square } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { now } from "../../lib/format";
import { width } from "../../lib/media";
import { back } from "../../lib/router";
import type { OpenSession, SessionRow, SessionStatus } from "../../state/types";
import { Button, Chip, IconButton, Mark, MenuButton, type MenuItem, STATE_WORDS, type Tab, Tabs } from "../../ui";
import { doing } from "./standing";
import type { Layout } from "./views";

/** What every form of the head shows. */
export interface HeaderProps {
  session: OpenSession;
  row: SessionRow | undefined;
  status: SessionStatus;
  name: string;
  branch: string;
  layout: Layout;
  tabs: readonly Tab[];
  menu: () => readonly (MenuItem | null)[];
  onStop: () => void;
  /** Show two views side by side, or one again; undefined where that is not possible. */
  onSplit: (() => void) | undefined;
  conversation: string;
  /** Where what waits is answered; undefined when it is in sight. */
  answer: string | undefined;
}

/** The head on a desktop and a tablet; `withTabs` when no panel carries the views. */
export function Header({ session, row, status, name, branch, layout, tabs, menu, onSplit, withTabs, chips }: HeaderProps & { withTabs: boolean; chips: "all" | "folder" }): JSX.Element {
  const { words } = doing(session, status, row, now.peek());
  return (
    <header class="bar ses-bar">
      <span class="ses-mark" data-tip={words}><Mark state={status} word={STATE_WORDS[status]} /></span>
      <h1 class="cut" title={name}>{name}</h1>
      {row?.folder && <Chip mono icon={Folder} tip={row.cwd}>{row.folder}</Chip>}
      {chips === "all" && branch !== "" && <Chip mono icon={GitBranch}>{branch}</Chip>}
      {chips === "all" && width.value === "desktop" && row?.runnerName && <span class="meta ses-on">{`on ${row.runnerName}`}</span>}
      <span class="ses-gap" />
      {withTabs && <Tabs label="Views" chosen={layout.view} also={layout.beside} tabs={tabs} class="ses-tabs" />}
      {withTabs && layout.wide && <span class="ses-rule" />}
      {onSplit && <IconButton label={layout.beside ? "One view" : "Two side by side"} icon={Columns2} pressed={layout.beside !== null} onClick={onSplit} />}
      <MenuButton items={menu} label="More" iconOnly />
    </header>
  );
}

/** The row of views under the head of a tablet and a phone. */
export function ViewBar({ tabs, chosen, plan }: { tabs: readonly Tab[]; chosen: string; plan: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector(".tab.on")?.scrollIntoView({ block: "nearest", inline: "center" }), [chosen]);
  return (
    <div class="ses-viewbar" ref={box}>
      <Tabs label="Views" chosen={chosen} tabs={tabs} class="ses-viewtabs" />
      {plan !== "" && <span class="meta num ses-viewplan">{plan}</span>}
    </div>
  );
}

/** The head on a phone: two lines. Where the conversation is not in sight the second says what the agent does. */
export function PhoneHeader({ session, row, status, name, branch, layout, menu, onStop, answer }: HeaderProps): JSX.Element {
  const apart = layout.view !== "conversation";
  const { words, time } = doing(session, status, row, now.value);
  const waits = status === "waiting";
  return (
    <header class="ses-phone">
      <button type="button" class="ses-back" aria-label="Back to sessions" onClick={() => back("/")}>
        <ChevronLeft size={24} strokeWidth={1.75} aria-hidden="true" />
      </button>
      <div class="ses-phone-words">
        <div class="ses-phone-name">
          <Mark state={status} word={STATE_WORDS[status]} />
          <h1 class="cut">{name}</h1>
        </div>
        {apart ? (
          <p class={`ses-phone-sub cut${waits ? " wt" : ""}`}>{time === "" ? words : `${words}, ${time}`}</p>
        ) : (
          <p class="ses-phone-sub cut">
            {[row?.folder && <span key="f" class="m">{row.folder}</span>, branch && <span key="b" class="m">{branch}</span>, row?.runnerName].filter(Boolean).map((part, at) => (
              <>{at > 0 && " · "}{part}</>
            ))}
          </p>
        )}
      </div>
      {apart && waits && answer !== undefined && <Button kind="wait" small href={answer}>Answer</Button>}
      {apart && status === "working" && <Button kind="quiet" icon={Square} onClick={onStop}>Stop</Button>}
      <MenuButton items={menu} label="More" iconOnly class="ses-more" />
    </header>
  );
}
