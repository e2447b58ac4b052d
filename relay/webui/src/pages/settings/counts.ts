/** The counts at the right edge of the settings' navigation. */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { get } from "../../api/rest";
import { pushState } from "../../state/notifications";

/** How many there are, by part; absent while nobody knows. */
const loaded = signal<Readonly<Record<string, string>>>({});

/** What stands beside each part. */
export const counts: ReadonlySignal<Readonly<Record<string, string>>> = computed(() => ({
  ...loaded.value,
  notifications: pushState.value === "on" ? "On" : "",
}));

/** Put a count beside a part. */
export function setCount(part: string, words: string): void {
  if (loaded.peek()[part] !== words) loaded.value = { ...loaded.peek(), [part]: words };
}

/** Load what the parts that are not open would tell. A count that does not come is left out. */
export function loadCounts(): void {
  const few = (part: string, path: string, words: (answer: unknown) => string): void => {
    get<unknown>(path).then((answer) => setCount(part, words(answer)), () => undefined);
  };
  few("keys", "/api/auth/api-key/list", (list) => (Array.isArray(list) ? String(list.length) : ""));
  few("devices", "/api/auth/list-sessions", (list) => (Array.isArray(list) ? String(list.length) : ""));
  few("models", "/api/settings/hidden-models", (answer) => {
    const hidden = (answer as { hiddenModels?: unknown[] } | null)?.hiddenModels?.length ?? 0;
    return hidden > 0 ? `${hidden} hidden` : "";
  });
}
