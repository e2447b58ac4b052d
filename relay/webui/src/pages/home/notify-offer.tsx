/** One line on home that offers notifications: after the first question that came while the page was hidden (brief 10). */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { declineOffer, enablePush, offerNotifications } from "../../state/notifications";
import { Button, errorWords, toast } from "../../ui";

/** The line, or nothing. */
export function NotifyOffer(): JSX.Element | null {
  const [busy, setBusy] = useState(false);
  if (!offerNotifications.value && !busy) return null;
  const accept = async (): Promise<void> => {
    setBusy(true);
    try {
      await enablePush();
    } catch (error) {
      toast({ words: errorWords(error), kind: "error" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="home-offer">
      <p>A session asked you something while you were away.</p>
      <Button small busy={busy} onClick={() => void accept()}>Tell me next time</Button>
      <Button small kind="quiet" onClick={declineOffer}>No, thanks</Button>
    </div>
  );
}
