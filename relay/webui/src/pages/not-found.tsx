/** An address that leads nowhere. */
import type { JSX } from "preact";
import { useTitle } from "../lib/title";
import { Button, Empty } from "../ui";

/** Say that nothing is here, with the way home. */
export default function NotFound({ title = "This page is not here.", text = "The address may be mistyped, or what it named is gone." }: { title?: string; text?: string }): JSX.Element {
  useTitle("Not here");
  return (
    <div class="page-alone">
      <h1 class="hide">{title}</h1>
      <Empty title={title} text={text} action={<Button href="/">All sessions</Button>} />
    </div>
  );
}
