/** What a person said, with what can be done about it. */

import { Copy, Pencil, Undo2 } from "lucide-preact";
import type { JSX } from "preact";
import { clock, now } from "../lib/format";
import { touch } from "../lib/media";
import type { YouBlock } from "../transcript";
import { Button, errorWords, MenuButton, toast } from "../ui";
import { canFork, copyText, editAgain, forkFrom } from "./actions";
import type { LogState } from "./log-state";
import { Thumbs } from "./picture";

/** Draw a message of a person. */
export function YouRow({ you, state }: { you: YouBlock; state: LogState }): JSX.Element {
  const sent = you.delivery === "sent";
  return (
    <div class={you.delivery === "sending" ? "log-you t2" : "log-you"}>
      <span class="log-you-text">{you.text}{you.images.length > 0 && <Thumbs images={you.images} state={state} />}</span>
      {you.delivery === "failed" ? (
        <>
          <span class="log-when dg" title={you.reason}>Not sent</span>
          <Button tiny kind="soft" onClick={() => void retry(state, you.key)}>Try again</Button>
          <Button tiny kind="quiet" onClick={() => editAgain(state, state.session.discard(you.key))}>Edit</Button>
        </>
      ) : (
        <span class="log-when">{whenWords(you)}</span>
      )}
      {sent && (touch.value ? <TouchActions you={you} state={state} /> : <HoverActions you={you} state={state} />)}
    </div>
  );
}

function whenWords(you: YouBlock): string {
  if (you.delivery === "sending") return "Sending…";
  const at = you.at === undefined ? "" : clock(you.at, now.peek());
  return you.steered ? `Steered ${at}`.trim() : at;
}

async function retry(state: LogState, key: string): Promise<void> {
  try {
    await state.session.retry(key);
  } catch (error) {
    toast({ words: errorWords(error), kind: "error" });
  }
}

function HoverActions({ you, state }: { you: YouBlock; state: LogState }): JSX.Element {
  return (
    <span class="log-acts">
      <Button tiny kind="quiet" icon={Copy} onClick={() => void copyText(you.text)}>Copy</Button>
      <Button tiny kind="quiet" icon={Pencil} onClick={() => editAgain(state, you.text)}>Edit and send again</Button>
      {canFork(state) && <Button tiny kind="quiet" icon={Undo2} onClick={() => void forkFrom(state, you)}>Fork from here</Button>}
    </span>
  );
}

function TouchActions({ you, state }: { you: YouBlock; state: LogState }): JSX.Element {
  const items = () => [
    { words: "Copy", icon: Copy, run: () => void copyText(you.text) },
    { words: "Edit and send again", icon: Pencil, run: () => editAgain(state, you.text) },
    ...(canFork(state) ? [{ words: "Fork from here", icon: Undo2, run: () => void forkFrom(state, you) }] : []),
  ];
  return <MenuButton class="log-you-more" iconOnly label="More about this message" items={items} />;
}
