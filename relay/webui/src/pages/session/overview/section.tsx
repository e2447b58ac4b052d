/** One part of the overview: a small heading, a figure at its right, and rows. */

import type { ComponentChildren, JSX } from "preact";

/** Draw a part; parts stand under hairlines. */
export function Section({ title, end, children }: { title: string; end?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <section class="ovw-sec">
      <h2 class="ovw-head">
        {title}
        {end !== undefined && end !== "" && <span class="ovw-end">{end}</span>}
      </h2>
      {children}
    </section>
  );
}
