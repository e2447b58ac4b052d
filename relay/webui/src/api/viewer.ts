/**
 * Watch one session over /viewer: select it, accept only what belongs to it, keep a cursor, come back without a gap
 * (sockets-browsers.md 1.5, 2, 3.6). What the events mean is decided elsewhere.
 */

import { type AgentEvent, type Json, num, obj, objects, str } from "../transcript/wire";
import { type Gate, admit, merge, mine, newGate } from "./gate";
import { NoAnswer, Requests } from "./requests";
import { type Socket, close, open } from "./sockets";

/** What a viewer tells its owner. */
export interface ViewerHandlers {
  /** The relay let us in; content follows. */
  connected(payload: Json): void;
  event(event: AgentEvent): void;
  /** A page of older messages came. */
  page(messages: readonly Json[], oldestIndex: number, hasMore: boolean): void;
  /** The session is gone (2.4). */
  gone(code: string, reason: string): void;
  error(message: string): void;
  /** Any other event of the namespace: trigger_*, service_announce*. */
  other(name: string, payload: Json): void;
  /** The connection was lost (false) or is back (true). */
  online(on: boolean): void;
  /** No transcript came although it was asked for three times. */
  stalled(): void;
  /** Answer whether events must keep coming: the agent works, or a transcript is on its way in pieces. */
  expectant(): { active: boolean; incomplete: boolean };
}

/** A session on screen. */
export interface Viewer {
  readonly sessionId: string;
  readonly online: boolean;
  /** The sequence number to come back with; null while no transcript came. */
  readonly cursor: number | null;
  close(): void;
  emit(event: string, payload: object): void;
  /** Emit and wait for the acknowledgement; rejects after `timeout` milliseconds or when the connection is lost. */
  ask<T>(event: string, payload: object, timeout: number): Promise<T>;
  /** Run a command of 2.8; rejects with the agent's words. */
  exec(command: string, fields?: object, timeout?: number): Promise<Json>;
  /** Ask a service of the runner (6): git, process, memory, tunnel…; resolves with the payload of the reply. */
  service(serviceId: string, type: string, payload: object, timeout?: number): Promise<Json>;
  /** Hear everything that services say; answer how to stop. */
  onService(hear: (serviceId: string, type: string, payload: Json) => void): () => void;
  /** Ask for the whole transcript again. */
  reload(): void;
  /** Ask for what is missing in a transcript that came in pieces. */
  resync(): void;
  older(before: number, limit: number): void;
}

const EXEC_MS = 20_000;
const SERVICE_MS = 15_000;
/** Limits of 1.5: how long a transcript may take at the first and at later attempts, and how many of these there are. */
const FIRST_MS = 3_500;
const LATER_MS = 8_000;
const ATTEMPTS = 3;
const WATCH_MS = 2_000;
const SILENT_MS = 30_000;
const SILENT_HIDDEN_MS = 180_000;
/** How long a socket that lost its session is kept for the next one. */
const SPARE_MS = 400;
const OTHERS = [
  "trigger_error",
  "trigger_delivered",
  "trigger_subscriptions_changed",
  "trigger_status_update",
  "service_announce",
  "service_announce_delta",
];

let generations = 0;
let spare: { socket: Socket; timer: ReturnType<typeof setTimeout> } | null = null;
let named = 0;

function takeSocket(): Socket {
  if (spare) {
    clearTimeout(spare.timer);
    const { socket } = spare;
    spare = null;
    return socket;
  }
  named += 1;
  return open("/viewer", `viewer-${named}`);
}

function leaveSocket(socket: Socket): void {
  // A socket that still watches a session would keep its notifications from being sent, so it is not kept for long.
  if (spare) close(spare.socket);
  spare = { socket, timer: setTimeout(() => drop(socket), SPARE_MS) };
}

function drop(socket: Socket): void {
  if (spare?.socket === socket) spare = null;
  close(socket);
}

/** Watch a session. `cursor` continues a transcript that is still in memory: the relay then sends only what came since. */
export function openViewer(sessionId: string, handlers: ViewerHandlers, cursor: number | null = null): Viewer {
  return new SocketViewer(sessionId, handlers, cursor);
}

class SocketViewer implements Viewer {
  private readonly socket: Socket;
  private readonly gate: Gate;
  private readonly requests = new Requests();
  private readonly services = new Set<(serviceId: string, type: string, payload: Json) => void>();
  private readonly watch: ReturnType<typeof setInterval>;
  private attempts = 1;
  private askedAt = 0;
  private heardAt = Date.now();
  private closed = false;

  constructor(
    readonly sessionId: string,
    private readonly handlers: ViewerHandlers,
    cursor: number | null,
  ) {
    generations += 1;
    this.gate = newGate(sessionId, generations, cursor);
    this.socket = takeSocket();
    this.listen();
    this.watch = setInterval(() => this.look(), WATCH_MS);
    document.addEventListener("visibilitychange", this.tellVisible);
    if (this.socket.connected) this.select(cursor !== null);
  }

  get online(): boolean {
    return this.socket.connected;
  }

  get cursor(): number | null {
    return this.gate.awaiting ? null : this.gate.cursor;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.watch);
    document.removeEventListener("visibilitychange", this.tellVisible);
    this.requests.abandon("This session was closed.");
    this.unlisten();
    leaveSocket(this.socket);
  }

  emit(event: string, payload: object): void {
    if (!this.socket.connected) throw new NoAnswer("The connection is lost.");
    this.socket.emit(event, payload);
  }

  async ask<T>(event: string, payload: object, timeout: number): Promise<T> {
    if (!this.socket.connected) throw new NoAnswer("The connection is lost.");
    const { socket } = this;
    let lost: () => void = () => undefined;
    const gone = new Promise<never>((_settle, fail) => {
      lost = () => fail(new NoAnswer("The connection was lost."));
    });
    socket.on("disconnect", lost);
    try {
      return (await Promise.race([socket.timeout(timeout).emitWithAck(event, payload), gone])) as T;
    } finally {
      socket.off("disconnect", lost);
    }
  }

  async exec(command: string, fields: object = {}, timeout = EXEC_MS): Promise<Json> {
    const id = this.requests.id("exec");
    const answer = this.requests.wait(id, timeout);
    this.begin(id, () => this.emit("exec", { id, command, ...fields }));
    const said = await answer;
    if (said.ok !== true) throw new Error(str(said.error) || "The agent could not do this.");
    return obj(said.result);
  }

  service(serviceId: string, type: string, payload: object, timeout = SERVICE_MS): Promise<Json> {
    const requestId = this.requests.id(serviceId);
    const answer = this.requests.wait(requestId, timeout);
    this.begin(requestId, () => this.emit("service_message", { serviceId, type, requestId, payload }));
    return answer;
  }

  onService(hear: (serviceId: string, type: string, payload: Json) => void): () => void {
    this.services.add(hear);
    return () => this.services.delete(hear);
  }

  reload(): void {
    this.attempts = 1;
    this.gate.awaiting = true;
    if (this.socket.connected) this.select(false);
  }

  resync(): void {
    if (this.socket.connected) this.socket.emit("resync", {});
  }

  older(before: number, limit: number): void {
    this.emit("load_messages", { sessionId: this.sessionId, before, limit });
  }

  /** Send a request; when that fails, nobody waits for its answer in vain. */
  private begin(id: string, send: () => void): void {
    try {
      send();
    } catch (error) {
      this.requests.refuse(id, error instanceof Error ? error : new Error(String(error)));
    }
  }

  private listen(): void {
    const { socket } = this;
    socket.on("connect", this.onConnect);
    socket.on("disconnect", this.onDisconnect);
    socket.on("connected", this.onConnected);
    socket.on("event", this.onEvent);
    socket.on("disconnected", this.onGone);
    socket.on("error", this.onError);
    socket.on("exec_result", this.onResult);
    socket.on("service_message", this.onServiceMessage);
    socket.on("session_messages_page", this.onPage);
    for (const name of OTHERS) socket.on(name, (payload: unknown) => this.onOther(name, payload));
  }

  private unlisten(): void {
    const { socket } = this;
    socket.off("connect", this.onConnect);
    socket.off("disconnect", this.onDisconnect);
    socket.off("connected", this.onConnected);
    socket.off("event", this.onEvent);
    socket.off("disconnected", this.onGone);
    socket.off("error", this.onError);
    socket.off("exec_result", this.onResult);
    socket.off("service_message", this.onServiceMessage);
    socket.off("session_messages_page", this.onPage);
    for (const name of OTHERS) socket.off(name);
  }

  private select(resume: boolean): void {
    const lastSeq = resume && this.gate.cursor !== null ? { lastSeq: this.gate.cursor } : {};
    this.askedAt = this.heardAt = Date.now();
    this.socket.emit("switch_session", { sessionId: this.sessionId, generation: this.gate.generation, ...lastSeq });
    this.tellVisible();
  }

  private readonly tellVisible = (): void => {
    if (this.socket.connected) this.socket.emit("viewer_visibility", { visible: document.visibilityState === "visible" });
  };

  private readonly onConnect = (): void => {
    this.select(!this.gate.awaiting);
    this.handlers.online(true);
  };

  private readonly onDisconnect = (): void => {
    this.requests.abandon("The connection was lost.");
    this.handlers.online(false);
  };

  private readonly onConnected = (raw: unknown): void => {
    const payload = obj(raw);
    if (!mine(this.gate, payload)) return;
    this.heardAt = Date.now();
    merge(this.gate, payload.lastSeq);
    this.socket.emit("connected", {});
    this.handlers.connected(payload);
  };

  private readonly onEvent = (raw: unknown): void => {
    const { event, gapAfter } = admit(this.gate, obj(raw));
    if (!event) return;
    this.heardAt = Date.now();
    if (event.type === "session_active" || event.type === "session_messages_chunk") this.askedAt = this.heardAt;
    if (gapAfter !== null) this.socket.emit("resync", { lastSeq: gapAfter });
    this.handlers.event(event);
  };

  private readonly onGone = (raw: unknown): void => {
    const payload = obj(raw);
    if (mine(this.gate, payload)) this.handlers.gone(str(payload.code), str(payload.reason));
  };

  private readonly onError = (raw: unknown): void => {
    const payload = obj(raw);
    if (mine(this.gate, payload)) this.handlers.error(str(payload.message));
  };

  private readonly onResult = (raw: unknown): void => {
    const payload = obj(raw);
    if (mine(this.gate, payload)) this.requests.answer(str(payload.id), payload);
  };

  private readonly onServiceMessage = (raw: unknown): void => {
    const message = obj(raw);
    if (!mine(this.gate, message)) return;
    const payload = obj(message.payload);
    this.requests.answer(str(message.requestId), { ...payload, type: message.type });
    for (const hear of [...this.services]) hear(str(message.serviceId), str(message.type), payload);
  };

  private readonly onPage = (raw: unknown): void => {
    const payload = obj(raw);
    if (!mine(this.gate, payload)) return;
    this.handlers.page(objects(payload.messages), num(payload.oldestIndex) ?? 0, payload.hasMore === true);
  };

  private onOther(name: string, raw: unknown): void {
    const payload = obj(raw);
    if (mine(this.gate, payload)) this.handlers.other(name, payload);
  }

  /** Ask again for a transcript that does not come; begin anew on a connection that has gone silent. */
  private look(): void {
    if (!this.socket.connected) return;
    const now = Date.now();
    const { active, incomplete } = this.handlers.expectant();
    if (this.gate.awaiting || incomplete) {
      if (now - this.askedAt < (this.attempts === 1 ? FIRST_MS : LATER_MS)) return;
      if (this.attempts >= ATTEMPTS) {
        if (this.attempts === ATTEMPTS) this.handlers.stalled();
        this.attempts = ATTEMPTS + 1;
        return;
      }
      this.attempts += 1;
      this.select(false);
      return;
    }
    this.attempts = 1;
    const silent = document.visibilityState === "visible" ? SILENT_MS : SILENT_HIDDEN_MS;
    if (active && now - this.heardAt > silent) {
      this.heardAt = now;
      this.socket.disconnect();
      this.handlers.online(false);
      this.socket.connect();
    }
  }
}
