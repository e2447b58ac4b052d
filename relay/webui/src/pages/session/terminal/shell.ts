/** One shell on screen: xterm and its link to the relay. It outlives the view, so that going back shows it at once. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { openTerminal, type TerminalLink } from "../../../api/terminal";
import { apple } from "../../../lib/media";
import { terminalTheme } from "./theme";

/** How a shell stands. */
export type ShellPhase = "starting" | "running" | "ended" | "lost";

/** What the tab and the bar show of a shell. */
export interface ShellState {
  phase: ShellPhase;
  online: boolean;
  /** -1 when its runner went away. */
  exitCode: number | null;
  error: string;
  cols: number;
  rows: number;
  /** What the shell calls itself; "" until it does. */
  title: string;
}

const FRESH: ShellState = { phase: "starting", online: false, exitCode: null, error: "", cols: 0, rows: 0, title: "" };
/** Milliseconds of peace until a new size is told; a drag sends hundreds. */
const SIZE_REST = 80;
/** Letters, px: the brief's 12, and what two fingers may make of it. */
const FONT = 12;
const FONT_LEAST = 10;
const FONT_MOST = 18;

/** A shell and its screen. */
export class Shell {
  readonly element: HTMLDivElement;
  readonly state: ReadonlySignal<ShellState>;
  /** Ctrl is held by the key row of a phone. */
  readonly ctrl = signal(false);
  private readonly kept = signal<ShellState>(FRESH);
  private readonly term: Terminal;
  private readonly fit = new FitAddon();
  private readonly link: TerminalLink;
  private opened = false;
  private attached = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly looks: MutationObserver;

  constructor(readonly id: string) {
    this.state = this.kept;
    this.element = document.createElement("div");
    this.element.className = "term-screen";
    this.term = new Terminal({
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono").trim() || "monospace",
      fontSize: FONT,
      lineHeight: 1.3,
      cursorBlink: false,
      scrollback: 5000,
      allowProposedApi: false,
      macOptionIsMeta: true,
      screenReaderMode: false,
      theme: terminalTheme(),
    });
    this.term.loadAddon(this.fit);
    this.term.attachCustomKeyEventHandler((event) => !leaves(event));
    this.term.onData((text) => this.type(text));
    this.term.onTitleChange((title) => this.set({ title }));
    this.term.onResize(({ cols, rows }) => {
      this.set({ cols, rows });
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tellSize(), SIZE_REST);
    });
    this.looks = new MutationObserver(() => (this.term.options.theme = terminalTheme()));
    this.looks.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.link = openTerminal(id, {
      online: (online) => {
        // The relay plays back what it kept to whoever attaches, so an old screen would show it twice.
        if (online) this.term.reset();
        else this.attached = false;
        this.set({ online });
      },
      attached: () => {
        this.attached = true;
        this.tellSize();
      },
      ready: () => this.set({ phase: "running", error: "" }),
      data: (bytes) => {
        if (this.kept.peek().phase === "starting") this.set({ phase: "running" });
        this.term.write(bytes);
      },
      exit: (exitCode) => this.set({ phase: exitCode === -1 ? "lost" : "ended", exitCode }),
      error: (error) => this.set({ phase: "lost", error }),
    });
  }

  /** Put the screen into a box and fit it; answers how to take it out again. */
  show(box: HTMLElement): () => void {
    box.append(this.element);
    if (!this.opened) {
      this.term.open(this.element);
      this.opened = true;
      this.term.textarea?.setAttribute("aria-label", "Terminal. Control and backquote leave it.");
    }
    const watch = new ResizeObserver(() => this.refit());
    watch.observe(box);
    this.refit();
    return () => {
      watch.disconnect();
      this.element.remove();
    };
  }

  /** Give it the keyboard. */
  focus(): void {
    this.term.focus();
  }

  /** Send what was typed, with Ctrl held when the key row says so. */
  type(text: string): void {
    let sent = text;
    if (this.ctrl.peek() && text.length === 1) {
      const code = text.toUpperCase().charCodeAt(0);
      if (code >= 64 && code < 96) sent = String.fromCharCode(code - 64);
      this.ctrl.value = false;
    }
    this.link.input(sent);
  }

  /** Write letters larger or smaller; px, kept between 10 and 18. */
  zoom(size: number): void {
    this.term.options.fontSize = Math.round(Math.min(FONT_MOST, Math.max(FONT_LEAST, size)));
    this.refit();
  }

  /** Answer the size of the letters, px. */
  get fontSize(): number {
    return this.term.options.fontSize ?? FONT;
  }

  /** End the shell on the runner. */
  kill(): void {
    this.link.kill();
  }

  /** Leave the shell running and forget the screen. */
  dispose(): void {
    clearTimeout(this.timer);
    this.looks.disconnect();
    this.link.close();
    this.term.dispose();
    this.element.remove();
  }

  private refit(): void {
    if (!this.opened || this.element.clientWidth === 0 || this.element.clientHeight === 0) return;
    this.fit.fit();
    const { cols, rows } = this.term;
    if (this.kept.peek().cols !== cols || this.kept.peek().rows !== rows) this.set({ cols, rows });
  }

  private tellSize(): void {
    const { cols, rows } = this.term;
    if (this.attached && this.opened) this.link.resize(cols, rows);
  }

  private set(change: Partial<ShellState>): void {
    this.kept.value = { ...this.kept.peek(), ...change };
  }
}

/** The keys that do not go to the shell: search, the terminal's own shortcut, and the views (brief 6). */
function leaves(event: KeyboardEvent): boolean {
  const mod = apple ? event.metaKey : event.ctrlKey;
  if (mod && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") return true;
  if (event.ctrlKey && (event.key === "`" || event.code === "Backquote")) return true;
  return event.altKey && !event.ctrlKey && !event.metaKey && /^Digit[1-6]$/.test(event.code);
}

const shells = new Map<string, Shell>();

/** Answer the shell of a terminal, attaching to it the first time. */
export function shellOf(id: string): Shell {
  let shell = shells.get(id);
  if (!shell) {
    shell = new Shell(id);
    shells.set(id, shell);
  }
  return shell;
}

/** Answer the shell of a terminal if this page is attached to it. */
export function attachedShell(id: string): Shell | undefined {
  return shells.get(id);
}

/** Detach from a terminal; its shell goes on. */
export function leaveShell(id: string): void {
  shells.get(id)?.dispose();
  shells.delete(id);
}
