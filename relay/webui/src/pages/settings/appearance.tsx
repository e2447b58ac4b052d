/** How the page looks in this browser. */
import type { JSX } from "preact";
import { codeSize, roomy, textSize, theme, wrapCode } from "../../state/prefs";
import { Segments, Switch } from "../../ui";
import { PartHead, Setting } from "./part";

type Size = "90" | "100" | "115";
const SIZES = [
  { value: "90", words: "90 %" },
  { value: "100", words: "100 %" },
  { value: "115", words: "115 %" },
] as const;
const asNumber = (size: Size): 90 | 100 | 115 => (size === "90" ? 90 : size === "115" ? 115 : 100);

/** Theme, sizes, rows. */
export function Appearance(): JSX.Element {
  return (
    <>
      <PartHead title="Appearance" text="Kept in this browser." />
      <div class="set-rows">
        <Setting name="Theme">
          <Segments
            label="Theme"
            value={theme.value}
            onChange={(value) => { theme.value = value; }}
            options={[{ value: "system", words: "System" }, { value: "light", words: "Light" }, { value: "dark", words: "Dark" }]}
          />
        </Setting>
        <Setting name="Text size">
          <Segments<Size> label="Text size" value={String(textSize.value) as Size} onChange={(value) => { textSize.value = asNumber(value); }} options={SIZES} />
        </Setting>
        <Setting name="Code size">
          <Segments<Size> label="Code size" value={String(codeSize.value) as Size} onChange={(value) => { codeSize.value = asNumber(value); }} options={SIZES} />
        </Setting>
        <Setting name="Roomy rows" text="Rows of lists are 4 px higher.">
          <Switch label="Roomy rows" on={roomy.value} onChange={(on) => { roomy.value = on; }} />
        </Setting>
        <Setting name="Wrap code" text="Long lines of code are broken. Otherwise they scroll sideways.">
          <Switch label="Wrap code" on={wrapCode.value} onChange={(on) => { wrapCode.value = on; }} />
        </Setting>
      </div>
      <pre class="set-sample m" role="region" aria-label="Sample of code" tabIndex={0}><code>{"def retry(tries: int) -> None:\n    delay = min(cap, base * 2 ** tries)  # half of it is jitter, so that callers keep apart"}</code></pre>
    </>
  );
}
