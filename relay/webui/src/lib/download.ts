/** Give a text to the person as a file. */

/** Time for the browser to begin reading, in milliseconds. */
const KEPT_MS = 10_000;

/** Hand a text to the person as a file of this media type. */
export function download(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
