/** Make ids that nobody else makes. */

/** Answer 32 hexadecimal digits. `crypto.randomUUID` exists in secure contexts only, which a local network has none of. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
