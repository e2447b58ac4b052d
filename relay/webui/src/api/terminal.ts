/** Attach to a shell that the relay holds, over /terminal (sockets-browsers.md 5.2). */

import { num, obj, str } from "../transcript/wire";
import { close, open } from "./sockets";

/** What a terminal tells its owner. Data are the raw bytes of the shell; a character may come in two pieces. */
export interface TerminalHandlers {
  /** Attached: what the shell said meanwhile has been delivered; the size is to be sent now. */
  attached(): void;
  /** The shell runs. */
  ready(): void;
  data(bytes: Uint8Array): void;
  /** The shell ended; -1 when its runner went away. */
  exit(code: number): void;
  error(message: string): void;
  online(on: boolean): void;
}

/** A shell that is attached. */
export interface TerminalLink {
  readonly terminalId: string;
  readonly online: boolean;
  input(text: string): void;
  resize(cols: number, rows: number): void;
  /** End the shell. */
  kill(): void;
  /** Leave the shell running. */
  close(): void;
}

/** Attach to a terminal. The first `resize` starts its shell. */
export function openTerminal(terminalId: string, handlers: TerminalHandlers): TerminalLink {
  const socket = open("/terminal", `terminal-${terminalId}`, { terminalId }, false);
  const mine = (event: string, hear: (payload: ReturnType<typeof obj>) => void): void => {
    socket.on(event, (raw: unknown) => hear(obj(raw)));
  };
  socket.on("connect", () => handlers.online(true));
  socket.on("disconnect", () => handlers.online(false));
  mine("terminal_connected", () => handlers.attached());
  mine("terminal_ready", () => handlers.ready());
  mine("terminal_data", (payload) => handlers.data(fromBase64(str(payload.data))));
  mine("terminal_exit", (payload) => handlers.exit(num(payload.exitCode) ?? -1));
  mine("terminal_error", (payload) => handlers.error(str(payload.message)));
  const say = (event: string, payload: object): void => {
    if (socket.connected) socket.emit(event, { terminalId, ...payload });
  };
  return {
    terminalId,
    get online() {
      return socket.connected;
    },
    input: (text) => say("terminal_input", { data: toBase64(text) }),
    resize: (cols, rows) => say("terminal_resize", { cols, rows }),
    kill: () => say("kill_terminal", {}),
    close: () => close(socket),
  };
}

/** Read base64. */
export function fromBase64(text: string): Uint8Array {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index += 1) bytes[index] = raw.charCodeAt(index);
  return bytes;
}

/** Write text as base64 of its UTF-8 bytes. */
export function toBase64(text: string): string {
  let raw = "";
  for (const byte of new TextEncoder().encode(text)) raw += String.fromCharCode(byte);
  return btoa(raw);
}
