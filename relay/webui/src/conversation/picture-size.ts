/** Read the size of a picture from the first bytes of its data address, so that its box is right at once. Pure. */

/** Width and height, px. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How much of the data is read, base64 characters: a JPEG may begin with a profile. */
const HEAD = 64 * 1024;

/** Answer the size of a PNG, GIF, WebP or JPEG that stands in a data address; undefined for anything else. */
export function sizeOf(src: string): Size | undefined {
  const comma = src.indexOf(";base64,");
  if (!src.startsWith("data:image/") || comma < 0) return undefined;
  const head = src.slice(comma + 8, comma + 8 + HEAD);
  let bytes: string;
  try {
    bytes = atob(head.slice(0, head.length - (head.length % 4)));
  } catch {
    return undefined;
  }
  return png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes);
}

const big = (bytes: string, at: number): number => (bytes.charCodeAt(at) << 8) | bytes.charCodeAt(at + 1);
const little = (bytes: string, at: number): number => bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8);

function sized(width: number, height: number): Size | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined;
}

function png(bytes: string): Size | undefined {
  if (bytes.slice(1, 4) !== "PNG") return undefined;
  return sized(big(bytes, 16) * 65_536 + big(bytes, 18), big(bytes, 20) * 65_536 + big(bytes, 22));
}

function gif(bytes: string): Size | undefined {
  return bytes.startsWith("GIF8") ? sized(little(bytes, 6), little(bytes, 8)) : undefined;
}

function webp(bytes: string): Size | undefined {
  if (!bytes.startsWith("RIFF") || bytes.slice(8, 12) !== "WEBP") return undefined;
  const kind = bytes.slice(12, 16);
  if (kind === "VP8 ") return sized(little(bytes, 26) & 0x3fff, little(bytes, 28) & 0x3fff);
  if (kind === "VP8X") return sized(1 + little(bytes, 24) + (bytes.charCodeAt(26) << 16), 1 + little(bytes, 27) + (bytes.charCodeAt(29) << 16));
  if (kind !== "VP8L") return undefined;
  const bits = little(bytes, 21) + little(bytes, 23) * 65_536;
  return sized(1 + (bits & 0x3fff), 1 + (Math.floor(bits / 16_384) & 0x3fff));
}

function jpeg(bytes: string): Size | undefined {
  if (big(bytes, 0) !== 0xffd8) return undefined;
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes.charCodeAt(at) !== 0xff) return undefined;
    const marker = bytes.charCodeAt(at + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) return sized(big(bytes, at + 7), big(bytes, at + 5));
    at += 2 + big(bytes, at + 2);
  }
  return undefined;
}
