/** What a person chose for this browser. Applied to the root element, kept in local storage. */

import { effect } from "@preact/signals";
import { systemDark } from "../lib/media";
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
    const system = systemDark.value ? "dark" : "light";
    dataset["theme"] = theme.value === "system" ? system : theme.value;
    tintWindow(dataset["theme"]);
    dataset["rows"] = roomy.value ? "roomy" : "normal";
    dataset["code"] = wrapCode.value ? "wrap" : "scroll";
    style.setProperty("--text-scale", String(textSize.value / 100));
    style.setProperty("--code-scale", String(codeSize.value / 100));
  });
}

/** The ground of the page in either theme; the token "surface". */
const SURFACE: Record<string, string> = { light: "#FCFDFB", dark: "#151918" };

/** Let the window's own bar have the colour of the page, also when the theme is not the system's. */
function tintWindow(theme: string): void {
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) meta.content = SURFACE[theme] ?? "";
}
