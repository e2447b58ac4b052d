/** In the place of the package `entities`, whose table weighs 14 kB: the browser knows every character reference itself. */

let area: HTMLTextAreaElement | undefined;

/** Decode one character reference that ends in a semicolon, like "&amp;" or "&#x2014;"; unknown ones stay as they are. */
export function decodeHTMLStrict(reference: string): string {
  area ??= document.createElement("textarea");
  area.innerHTML = reference;
  return area.value;
}
