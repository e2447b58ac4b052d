/** A QR code drawn as SVG. */
import qrcode from "qrcode-generator";
import type { JSX } from "preact";

/** The code of a text, always dark on light so that every camera reads it. */
export function Qr({ text, size = 116, label }: { text: string; size?: number; label: string }): JSX.Element {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let y = 0; y < count; y++) {
    for (let x = 0; x < count; x++) if (code.isDark(y, x)) path += `M${x} ${y}h1v1h-1z`;
  }
  return (
    <svg class="qr-code" viewBox={`-2 -2 ${count + 4} ${count + 4}`} width={size} height={size} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
