import { describe, expect, it } from "vitest";
import { chord, keyWords, press, shortcut } from "./keys";

class Field {}
Object.assign(globalThis, { HTMLElement: Field, HTMLInputElement: Field, HTMLTextAreaElement: class {}, HTMLSelectElement: class {}, Element: class {} });

function key(name: string, more: Partial<KeyboardEvent> = {}): KeyboardEvent {
  const event = {
    key: name, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, defaultPrevented: false, isComposing: false, timeStamp: 0, target: null,
    preventDefault() {
      event.defaultPrevented = true;
    },
    ...more,
  };
  return event as unknown as KeyboardEvent;
}

describe("shortcuts", () => {
  it("names what was pressed", () => {
    expect(chord(key("k", { ctrlKey: true }))).toBe("mod+k");
    expect(chord(key("¡", { altKey: true, code: "Digit1" }))).toBe("alt+1");
    expect(chord(key("?", { shiftKey: true }))).toBe("?");
    expect(chord(key("Enter", { shiftKey: true }))).toBe("shift+enter");
    expect(chord(key("ArrowDown", { ctrlKey: true }))).toBe("mod+down");
  });

  it("runs the latest of the same keys, until it is removed", () => {
    const ran: string[] = [];
    const offs = ["first", "second"].map((words) => shortcut({ keys: "x", words, scope: "everywhere", run: () => ran.push(words) }));
    press(key("x"));
    offs[1]?.();
    press(key("x", { timeStamp: 5_000 }));
    offs[0]?.();
    expect(press(key("x", { timeStamp: 10_000 }))).toBe(false);
    expect(ran).toEqual(["second", "first"]);
  });

  it("takes two keys after another only within a second", () => {
    let ran = 0;
    const off = shortcut({ keys: "g s", words: "Go", scope: "everywhere", run: () => (ran += 1) });
    press(key("g", { timeStamp: 100 }));
    press(key("s", { timeStamp: 400 }));
    expect(ran).toBe(1);
    press(key("g", { timeStamp: 5_000 }));
    press(key("s", { timeStamp: 6_500 }));
    expect(ran).toBe(1);
    off();
  });

  it("passes a key on that is off or that composes a character", () => {
    const off = shortcut({ keys: "y", words: "Never", scope: "everywhere", when: () => false, run: () => { throw new Error("ran"); } });
    expect(press(key("y", { timeStamp: 20_000 }))).toBe(false);
    expect(press(key("y", { isComposing: true, timeStamp: 30_000 }))).toBe(false);
    off();
  });

  it("writes keys as they are printed", () => {
    expect(keyWords("mod+k")).toEqual(["Ctrl K"]);
    expect(keyWords("g ,")).toEqual(["G", ","]);
    expect(keyWords("esc esc")).toEqual(["Esc", "Esc"]);
  });
});
