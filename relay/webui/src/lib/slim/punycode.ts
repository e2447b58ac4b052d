/** In the place of the package `punycode.js`: the browser's own parser of addresses knows the names of hosts. */

/** Answer a host name as it stands in an address; what is none stays as it is. */
export function toASCII(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return host;
  }
}

/** Answer the name unchanged: letters that look like others stay visible as what they are. */
export function toUnicode(host: string): string {
  return host;
}

export default { toASCII, toUnicode };
