/** What this browser is told of. */
import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import {
  type PushEvent,
  choosePushChildren,
  choosePushEvents,
  disablePush,
  enablePush,
  loadPush,
  pushChildren,
  pushEvents,
  pushState,
} from "../../state/notifications";
import { Button, Checkbox, errorWords, Skeleton, toast } from "../../ui";
import { NeedsTls } from "./needs-tls";
import { PartHead } from "./part";

const EVENTS: readonly { event: PushEvent; words: string }[] = [
  { event: "agent_needs_input", words: "a session waits for me" },
  { event: "agent_finished", words: "finishes" },
  { event: "agent_error", words: "fails" },
];

/** The part "Notifications". */
export function Notifications(): JSX.Element {
  const [busy, setBusy] = useState(false);
  useEffect(() => void loadPush().catch(() => undefined), []);
  const attempt = async (run: () => Promise<void>): Promise<void> => {
    setBusy(true);
    try {
      await run();
    } catch (error) {
      toast({ words: errorWords(error), kind: "error" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PartHead title="Notifications" text="For this browser. They come while no page of the session is open, and say the session's name and what it asks." />
      <Body busy={busy} attempt={(run) => void attempt(run)} />
    </>
  );
}

function Body({ busy, attempt }: { busy: boolean; attempt: (run: () => Promise<void>) => void }): JSX.Element {
  switch (pushState.value) {
    case "unknown":
      return <Skeleton rows={3} />;
    case "insecure":
      return <NeedsTls />;
    case "impossible":
      return <p class="set-lead">This browser cannot show them. On an iPhone or iPad, add Relay to the home screen first and open it from there.</p>;
    case "refused":
      return <p class="set-lead">You told the browser not to show notifications of this page. Allow them in the browser's settings for this page, then load it again.</p>;
    case "off":
      return <Button kind="primary" busy={busy} onClick={() => attempt(() => enablePush())}>Turn on notifications</Button>;
    case "on":
      return <Choices busy={busy} attempt={attempt} />;
  }
}

function Choices({ busy, attempt }: { busy: boolean; attempt: (run: () => Promise<void>) => void }): JSX.Element {
  const now = pushEvents.value;
  const toggle = (event: PushEvent, on: boolean): void =>
    attempt(() => choosePushEvents(on ? [...now, event] : now.filter((entry) => entry !== event)));
  return (
    <>
      <fieldset class="set-checks" disabled={busy}>
        <legend>Tell me when</legend>
        {EVENTS.map(({ event, words }) => (
          <Checkbox key={event} on={now.includes(event)} onChange={(on) => toggle(event, on)}>{words}</Checkbox>
        ))}
      </fieldset>
      <fieldset class="set-checks" disabled={busy}>
        <legend>Also</legend>
        <Checkbox on={pushChildren.value} onChange={(on) => attempt(() => choosePushChildren(on))}>for child sessions</Checkbox>
      </fieldset>
      <Button busy={busy} onClick={() => attempt(disablePush)}>Turn off notifications</Button>
    </>
  );
}
