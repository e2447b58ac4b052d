"""Count amber pixels of a page: amber means that a session waits for a person, and nothing else is amber."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from playwright.async_api import Page

#: Amber in hue, saturation and value: the mark, the text, the button and the border of what waits, in both themes. The
#: soft ground is too pale to be told from paper, and the yellow of terminals (hue 47) lies outside.
_COUNT: Final = """async (picture) => {
  const blob = await (await fetch('data:image/png;base64,' + picture)).blob();
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const {data} = context.getImageData(0, 0, bitmap.width, bitmap.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
    const high = Math.max(r, g, b), low = Math.min(r, g, b);
    if (r !== high || high < 100 || (high - low) / high < 0.5) continue;
    const hue = 60 * (g - b) / (high - low);
    if (hue >= 28 && hue <= 43) found += 1;
  }
  return found;
}"""


async def amber(page: Page, *, mask: str | None = None) -> int:
    """Answer how many pixels of what is on screen are amber.

    `mask` selects what may be of any colour: terminals, pictures, previews.
    """
    hidden = [page.locator(mask)] if mask else []
    shot = await page.screenshot(mask=hidden, mask_color="#808080")
    # In an empty page: the policy of ours forbids reading data addresses.
    counter = await page.context.new_page()
    try:
        found = await counter.evaluate(_COUNT, base64.b64encode(shot).decode())
    finally:
        await counter.close()
    return cast("int", found)
