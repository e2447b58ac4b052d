/** Nothing is at this address any more. */

import type { JSX } from "preact";
import { Button, Empty } from "../../ui";

/** Draw the sentence and the way home. */
export function Gone(): JSX.Element {
  return (
    <div class="ses-gone">
      <h1 class="hide">This session is not here any more.</h1>
      <Empty
        plain
        title="This session is not here any more."
        text="It was removed, or it belongs to another account."
        action={<Button kind="primary" href="/">All sessions</Button>}
      />
    </div>
  );
}
