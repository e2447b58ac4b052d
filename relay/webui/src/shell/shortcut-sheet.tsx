/** `?`: every shortcut, made from the registry; those of places that are not open are listed too (brief 6). */
import type { JSX } from "preact";
import { shortcuts } from "../lib/keys";
import { Dialog, Keys } from "../ui";
import { sheetOpen } from "./palette-state";

interface Line {
  keys: string;
  words: string;
  scope: string;
}

const HEADS: Record<string, string> = { everywhere: "Everywhere", session: "In a session", terminal: "In a terminal", list: "In lists" };

/** Keys that fields and pages handle themselves, or that are registered only while their page is open. */
const KNOWN: readonly Line[] = [
  { keys: "enter", words: "Open the row", scope: "everywhere" },
  { keys: "esc", words: "Close the topmost thing", scope: "everywhere" },
  { keys: "enter", words: "Send", scope: "session" },
  { keys: "shift+enter", words: "New line", scope: "session" },
  { keys: "alt+enter", words: "Send the other way", scope: "session" },
  { keys: "mod+.", words: "Stop", scope: "session" },
  { keys: "mod+j", words: "To the composer", scope: "session" },
  { keys: "alt+1", words: "Conversation, and so on to Alt 6, Preview", scope: "session" },
  { keys: "ctrl+`", words: "Terminal and back", scope: "session" },
  { keys: "1", words: "Choose an answer, to 9", scope: "session" },
  { keys: "end", words: "Jump to latest", scope: "session" },
  { keys: "[", words: "Previous message of yours", scope: "session" },
  { keys: "]", words: "Next message of yours", scope: "session" },
  { keys: "mod+\\", words: "Show or hide the panel", scope: "session" },
];

/** Answer what to list: what is registered, then what is known besides; Alt with a digit and single digits once. */
function lines(): Line[] {
  const found = new Map<string, Line>();
  const add = (line: Line): void => {
    const keys = /^alt\+[1-9]$/.test(line.keys) ? "alt+1" : /^[1-9]$/.test(line.keys) ? "1" : line.keys;
    const id = `${line.scope} ${keys}`;
    if (!found.has(id)) found.set(id, KNOWN.find((known) => known.scope === line.scope && known.keys === keys) ?? line);
  };
  for (const each of shortcuts.value) if (!each.hidden) add(each);
  KNOWN.forEach(add);
  return [...found.values()];
}

/** The sheet. */
export function ShortcutSheet(): JSX.Element | null {
  if (!sheetOpen.value) return null;
  const listed = lines();
  const scopes = [...new Set(listed.map((each) => each.scope))];
  return (
    <Dialog title="Keyboard" wide={720} full onClose={() => (sheetOpen.value = false)}>
      <div class="keysheet">
        {scopes.map((scope) => (
          <section key={scope}>
            <h3>{HEADS[scope] ?? scope}</h3>
            <dl>
              {listed.filter((each) => each.scope === scope).map((each) => (
                <div key={each.keys}>
                  <dt>{each.words}</dt>
                  <dd><Keys keys={each.keys} /></dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p class="meta">Single letters work outside of fields. In a terminal every key goes to the shell but Search, Terminal and back, and Alt with a digit.</p>
    </Dialog>
  );
}
