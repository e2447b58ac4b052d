/** What a person chose for this browser. Applied to the root element, kept in local storage. */

import { effect } from "@preact/signals";
import { local } from "../lib/storage";

const oneOf =
  <T>(...values: readonly T[]) =>
  (value: unknown): boolean =>
    values.includes(value as T);
const yesNo = oneOf(true, false);

export const theme = local<"system" | "light" | "dark">("theme", "system", oneOf("system", "light", "dark"));
/** Size of all text, in per cent. */
export const textSize = local<90 | 100 | 115>("textSize", 100, oneOf(90, 100, 115));
/** Size of code, in per cent of what the brief says. */
export const codeSize = local<90 | 100 | 115>("codeSize", 100, oneOf(90, 100, 115));
/** Rows are 4 px higher. */
export const roomy = local<boolean>("roomy", false, yesNo);
/** Long lines of code are wrapped. */
export const wrapCode = local<boolean>("wrapCode", false, yesNo);
export const sidebarHidden = local<boolean>("sidebarHidden", false, yesNo);
/** Width of the panel beside the conversation, px. */
export const panelWidth = local<number>("panelWidth", 400, (value) => typeof value === "number" && value >= 320);
/** How prompts are sent while an agent works, for sessions without a choice of their own. */
export const sendMode = local<"steer" | "followUp">("sendMode", "steer", oneOf("steer", "followUp"));

/** Keep the root element in step with the choices; call it once. */
export function applyPrefs(): () => void {
  return effect(() => {
    const { dataset, style } = document.documentElement;
    if (theme.value === "system") delete dataset["theme"];
    else dataset["theme"] = theme.value;
    dataset["rows"] = roomy.value ? "roomy" : "normal";
    dataset["code"] = wrapCode.value ? "wrap" : "scroll";
    style.setProperty("--text-scale", String(textSize.value / 100));
    style.setProperty("--code-scale", String(codeSize.value / 100));
  });
}
