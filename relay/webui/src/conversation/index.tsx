/** The conversation of a session: its log, or why there is none. */

import type { JSX } from "preact";
import type { OpenSession } from "../state/types";
import { Empty, ErrorState, Skeleton } from "../ui";
import { Log } from "./log";
import "./conversation.css";

/** Draw the conversation. Give it `key={session.id}`; it fills the height that it is given. */
export default function Conversation({ session }: { session: OpenSession }): JSX.Element {
  const phase = session.phase.value;
  const some = session.closed.value.length > 0 || session.open.value.length > 0;
  if (phase === "gone") return <div class="log log-note-page"><Empty title="This session is not here any more." text="It was removed, or it belongs to another account." plain /></div>;
  if (phase === "failed") {
    return <div class="log log-note-page"><ErrorState title="This conversation did not load." error={session.reason.value} retry={() => session.reload()} /></div>;
  }
  if (some) return <Log key={session.id} session={session} />;
  if (phase === "loading") return <div class="log log-note-page"><Skeleton rows={6} height={44} /></div>;
  if (phase === "live") {
    return <div class="log log-note-page" role="log" aria-live="off" aria-label="Conversation" tabIndex={0}><Empty title="No messages yet" text="Write below what the agent should do." plain /></div>;
  }
  return <div class="log log-note-page"><Empty title="No messages" text="Nothing was said in this session." plain /></div>;
}
