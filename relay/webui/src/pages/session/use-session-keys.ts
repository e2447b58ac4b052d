/** The keyboard of a session, and the same things in the palette (brief 6). */

import { useEffect, useRef } from "preact/hooks";
import { Square, Undo2 } from "lucide-preact";
import { registerCommand } from "../../lib/commands";
import { shortcut } from "../../lib/keys";
import { VIEWS } from "./views";

/** What the keys do. */
export interface SessionKeys {
  readonly show: (view: string) => void;
  readonly stop: () => void;
  /** Whether there is something to stop. */
  readonly working: () => boolean;
  readonly toComposer: () => void;
  readonly terminal: () => void;
  readonly panel: () => void;
  readonly fork: () => void;
  readonly exportIt: () => void;
  readonly rename: () => void;
  readonly end: () => void;
  readonly compact: () => void;
}

const GROUP = "This session";

/** Register them while the session is on screen. */
export function useSessionKeys(keys: SessionKeys): void {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    const calm = (): boolean => document.querySelector("dialog[open]") === null;
    const everywhere = { scope: "session", inInputs: true } as const;
    const removals = [
      ...VIEWS.map(({ id, words }, index) =>
        shortcut({ ...everywhere, keys: `alt+${index + 1}`, words, inTerminal: true, when: calm, run: () => now.current.show(id) }),
      ),
      shortcut({ ...everywhere, keys: "mod+.", words: "Stop", when: () => now.current.working(), run: () => now.current.stop() }),
      shortcut({ ...everywhere, keys: "esc esc", words: "Stop", when: () => calm() && now.current.working(), run: () => now.current.stop() }),
      shortcut({ ...everywhere, keys: "mod+j", words: "To the composer", when: calm, run: () => now.current.toComposer() }),
      shortcut({ ...everywhere, keys: "ctrl+`", words: "Terminal and back", inTerminal: true, when: calm, run: () => now.current.terminal() }),
      shortcut({ ...everywhere, keys: "mod+\\", words: "Show or hide the panel", when: calm, run: () => now.current.panel() }),
      registerCommand({ words: "Stop the agent", icon: Square, group: GROUP, keys: "mod+.", when: () => now.current.working(), run: () => now.current.stop() }),
      registerCommand({ words: "Go back to an earlier message…", icon: Undo2, group: GROUP, also: "fork rewind", run: () => now.current.fork() }),
      registerCommand({ words: "Rename this session…", group: GROUP, run: () => now.current.rename() }),
      registerCommand({ words: "Compact the context", group: GROUP, also: "summarise", run: () => now.current.compact() }),
      registerCommand({ words: "Export as Markdown", group: GROUP, run: () => now.current.exportIt() }),
      registerCommand({ words: "End this session…", group: GROUP, run: () => now.current.end() }),
      ...VIEWS.map(({ id, words }, index) => registerCommand({ words: `Show ${words.toLowerCase()}`, group: GROUP, keys: `alt+${index + 1}`, run: () => now.current.show(id) })),
    ];
    return () => {
      for (const remove of removals) remove();
    };
  }, []);
}
