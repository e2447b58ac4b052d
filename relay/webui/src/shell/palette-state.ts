/** Whether palette and shortcut sheet are open. */
import { signal } from "@preact/signals";

/** The text the palette opens with; null while it is closed. */
export const paletteText = signal<string | null>(null);
/** Whether the list of shortcuts is open. */
export const sheetOpen = signal(false);

/** Open the palette; ">" before the text shows commands only. */
export function openPalette(text = ""): void {
  paletteText.value = text;
}
