/** What this is made of. */
import type { JSX } from "preact";
import { Logo } from "../../ui";
import { PartHead } from "./part";

const PARTS: readonly (readonly [string, string])[] = [
  ["Preact and signals", "MIT"],
  ["socket.io-client", "MIT"],
  ["markdown-it", "MIT"],
  ["DOMPurify", "MPL-2.0 or Apache-2.0"],
  ["highlight.js", "BSD-3-Clause"],
  ["xterm.js", "MIT"],
  ["uPlot", "MIT"],
  ["Lucide icons", "ISC"],
  ["qrcode-generator", "MIT"],
];

/** The part "About". */
export function About(): JSX.Element {
  return (
    <>
      <PartHead title="About" text="Relay connects the agents on your machines with the browsers and phones from which you follow them. It runs on your own machine and tells nobody else what is said." />
      <p class="set-logo"><Logo large /></p>
      <section class="set-section">
        <h3 class="st">Made with</h3>
        <dl class="set-facts">{PARTS.map(([name, licence]) => <><dt>{name}</dt><dd>{licence}</dd></>)}</dl>
      </section>
    </>
  );
}
