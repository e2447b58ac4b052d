/** Where announcements are read from. */
import type { JSX } from "preact";
import { announcement } from "../lib/live";

/** The polite live region. */
export function Live(): JSX.Element {
  return <div class="hide" role="status" aria-live="polite">{announcement.value}</div>;
}
