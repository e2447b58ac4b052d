/** `?`: every shortcut that works here, made from the registry. */
import type { JSX } from "preact";
import { shortcuts } from "../lib/keys";
import { Dialog, Keys } from "../ui";
import { sheetOpen } from "./palette-state";

const HEADS: Record<string, string> = { everywhere: "Everywhere", session: "In a session", terminal: "In a terminal", list: "In lists" };

/** The sheet. */
export function ShortcutSheet(): JSX.Element | null {
  if (!sheetOpen.value) return null;
  const listed = shortcuts.value.filter((each) => !each.hidden);
  const scopes = [...new Set(listed.map((each) => each.scope))];
  return (
    <Dialog title="Keyboard" wide={640} full onClose={() => (sheetOpen.value = false)}>
      <div class="keysheet">
        {scopes.map((scope) => (
          <section key={scope}>
            <h3>{HEADS[scope] ?? scope}</h3>
            <dl>
              {listed.filter((each) => each.scope === scope).map((each, at) => (
                <div key={at}>
                  <dt>{each.words}</dt>
                  <dd><Keys keys={each.keys} /></dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p class="meta">Single letters work outside of fields. In a terminal every key goes to the shell but the ones listed with it.</p>
    </Dialog>
  );
}
