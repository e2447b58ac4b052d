import { describe, expect, it } from "vitest";
import { Growing, toHtml } from "./markdown";

const TEXT = `# Title

First paragraph with \`code\`, **bold** and https://example.com.

- one
- two

  still two
- three

1. first
2. second

\`\`\`python
def f():

    return 1
\`\`\`

> quoted

| a | b |
| - | - |
| 1 | 2 |

Last words`;

describe("Growing", () => {
  it("ends with the HTML of the whole, whatever the steps", () => {
    for (const step of [1, 7, 40, 10_000]) {
      const growing = new Growing();
      for (let end = step; end < TEXT.length + step; end += step) growing.update(TEXT.slice(0, end));
      expect([...growing.frozen, growing.tail].join("")).toBe(toHtml(TEXT));
    }
  });

  it("never changes what is frozen", () => {
    const growing = new Growing();
    let before: readonly string[] = [];
    for (let end = 1; end <= TEXT.length; end += 1) {
      growing.update(TEXT.slice(0, end));
      expect(growing.frozen.slice(0, before.length)).toEqual(before);
      before = growing.frozen;
    }
    expect(before.length).toBeGreaterThan(5);
  });

  it("shows an unfinished fence as code at once", () => {
    const growing = new Growing();
    growing.update("Look:\n\n```py\nx = 1");
    expect(growing.tail).toContain('<pre tabindex="0"><code data-lang="py">x = 1</code></pre>');
  });

  it("begins again when the text is another one", () => {
    const growing = new Growing();
    growing.update("One\n\nTwo");
    growing.update("Three");
    expect([growing.frozen, growing.tail]).toEqual([[], "<p>Three</p>\n"]);
  });

  it("writes no HTML of the text and no picture from elsewhere", () => {
    const html = toHtml('<img src=x onerror=alert(1)> ![a](https://example.com/a.png) [b](javascript:alert(1))');
    expect(html).not.toContain("<img");
    expect(html).not.toContain('href="javascript');
  });
});
