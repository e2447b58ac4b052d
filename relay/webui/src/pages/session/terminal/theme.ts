/** The terminal's sixteen colours out of the tokens (brief 4). */
import type { ITheme } from "@xterm/xterm";

/** Read the colours that hold now. */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const colours = {
    red: token("del"),
    green: token("add"),
    yellow: token("term-yellow"),
    blue: token("syn-fn"),
    magenta: token("syn-key"),
    cyan: token("accent"),
    white: token("text"),
  };
  return {
    background: token("term-bg"),
    foreground: token("text"),
    cursor: token("accent"),
    cursorAccent: token("term-bg"),
    selectionBackground: token("accent-soft"),
    black: token("text-3"),
    ...colours,
    brightBlack: token("text-3"),
    brightRed: colours.red,
    brightGreen: colours.green,
    brightYellow: colours.yellow,
    brightBlue: colours.blue,
    brightMagenta: colours.magenta,
    brightCyan: colours.cyan,
    brightWhite: colours.white,
  };
}
