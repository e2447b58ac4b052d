/**
 * Notifications of this browser: the service worker shows what the relay pushes. Opt in per event, never asked for on load.
 * A session on a hidden page gets no push, because its viewer is connected: the page then shows the same notification itself.
 */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { get, post, put } from "../api/rest";
import { go } from "../lib/router";
import { local } from "../lib/storage";
import { headline } from "../transcript/prompts";
import { obj, objects, str } from "../transcript/wire";
import { account } from "./account";
import { current } from "./marks";
import { sessions, waitingCount } from "./sessions";
import type { SessionRow } from "./types";

/** What one may be told of, by the relay's names (rest-account.md 8.3). */
export type PushEvent = "agent_needs_input" | "agent_finished" | "agent_error";

/**
 * `insecure`: the page came without encryption. `impossible`: the browser has no push, or it belongs to a page that was not
 * added to the home screen. `refused`: the person said no to the browser. `off`, `on`: as chosen.
 */
export type PushState = "unknown" | "insecure" | "impossible" | "refused" | "off" | "on";

const ALL: readonly PushEvent[] = ["agent_needs_input", "agent_finished", "agent_error"];
const READY_MS = 5_000;

const state = signal<PushState>("unknown");
const chosen = signal<readonly PushEvent[]>(ALL);
const children = signal(false);
/** `asked`: the offer was answered, so it is not made again. */
const offer = local<{ due: boolean; asked: boolean }>("notifyOffer", { due: false, asked: false });

/** How notifications stand in this browser. */
export const pushState: ReadonlySignal<PushState> = state;
/** What this browser is told of, while `on`. */
export const pushEvents: ReadonlySignal<readonly PushEvent[]> = chosen;
/** Child sessions are told of as well. */
export const pushChildren: ReadonlySignal<boolean> = children;
/** True when home offers notifications: a question came while the page was hidden, and nobody answered the offer yet. */
export const offerNotifications: ReadonlySignal<boolean> = computed(
  () => offer.value.due && !offer.value.asked && state.value === "off",
);

/** Never make the offer again. */
export function declineOffer(): void {
  offer.value = { due: false, asked: true };
}

/** Rises with every choice and every look, so that a look that was overtaken changes nothing. */
let turn = 0;

/** Find out how notifications stand. */
export async function loadPush(): Promise<void> {
  const mine = (turn += 1);
  const found = await standing();
  if (mine !== turn) return;
  state.value = found.state;
  if (found.events) chosen.value = found.events;
}

interface Standing {
  readonly state: PushState;
  readonly events?: readonly PushEvent[];
}

async function standing(): Promise<Standing> {
  if (!window.isSecureContext) return { state: "insecure" };
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || typeof Notification === "undefined") {
    return { state: "impossible" };
  }
  if (Notification.permission === "denied") return { state: "refused" };
  const worker = await registration();
  const subscription = await worker?.pushManager.getSubscription();
  if (!worker) return { state: "impossible" };
  if (!subscription || Notification.permission !== "granted") return { state: "off" };
  const known = objects(obj(await get<unknown>("/api/push/subscriptions")).subscriptions);
  const mine = known.find((entry) => entry.endpoint === subscription.endpoint);
  return mine ? { state: "on", events: readEvents(str(mine.enabledEvents)) } : { state: "off" };
}

/** Turn notifications on for some events; asks the browser for permission. Rejects with words. */
export async function enablePush(events: readonly PushEvent[] = ALL): Promise<void> {
  offer.value = { due: false, asked: true };
  const answer = await Notification.requestPermission();
  if (answer !== "granted") {
    state.value = answer === "denied" ? "refused" : "off";
    throw new Error("The browser did not allow notifications.");
  }
  const worker = await registration();
  if (!worker) throw new Error("This browser did not start the part of Relay that shows notifications.");
  const { publicKey } = await get<{ publicKey: string }>("/api/push/vapid-public-key");
  const subscription =
    (await worker.pushManager.getSubscription()) ??
    (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64Url(publicKey) }));
  const { endpoint, keys } = subscription.toJSON();
  await post("/api/push/subscribe", { endpoint, keys, enabledEvents: events.join(",") });
  turn += 1;
  chosen.value = events;
  state.value = "on";
}

/** Turn notifications off in this browser. */
export async function disablePush(): Promise<void> {
  const worker = await registration();
  const subscription = await worker?.pushManager.getSubscription();
  if (subscription) {
    await post("/api/push/unsubscribe", { endpoint: subscription.endpoint });
    await subscription.unsubscribe();
  }
  turn += 1;
  state.value = "off";
}

/** Choose what to be told of; nothing at all turns them off. */
export async function choosePushEvents(events: readonly PushEvent[]): Promise<void> {
  if (events.length === 0) return disablePush();
  const before = chosen.peek();
  turn += 1;
  chosen.value = events;
  try {
    await put("/api/push/events", { endpoint: await endpoint(), enabledEvents: events.join(",") });
  } catch (error) {
    chosen.value = before;
    throw error;
  }
  return undefined;
}

/** Choose whether child sessions are told of. */
export async function choosePushChildren(on: boolean): Promise<void> {
  await put("/api/push/child-notifications", { endpoint: await endpoint(), suppress: !on });
  children.value = on;
}

async function endpoint(): Promise<string> {
  const worker = await registration();
  const subscription = await worker?.pushManager.getSubscription();
  if (!subscription) throw new Error("Notifications are off in this browser.");
  return subscription.endpoint;
}

/** Start the service worker, and everything about notifications once somebody has signed in; call it once. */
export function startNotifications(): void {
  let stop: (() => void) | null = null;
  effect(() => {
    const inside = account.value.state === "in";
    if (inside && !stop) {
      stop = watchNotifications();
      void loadPush().catch(() => undefined);
    } else if (!inside && stop) {
      stop();
      stop = null;
      setBadge(0);
    }
  });
  if (!("serviceWorker" in navigator) || !window.isSecureContext || import.meta.env.DEV) return;
  navigator.serviceWorker.register("/sw.js", { scope: "/" }).catch(() => undefined);
  navigator.serviceWorker.addEventListener("message", (event) => {
    const said = obj(event.data);
    const target = str(said.target);
    if (said.kind === "open" && /^\/(?!\/)/.test(target)) go(target);
  });
}

async function registration(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) return null;
  const late = new Promise<null>((settle) => setTimeout(() => settle(null), READY_MS));
  return Promise.race([navigator.serviceWorker.ready, late]);
}

function readEvents(text: string): readonly PushEvent[] {
  if (text === "*") return ALL;
  const listed = text.split(",").map((entry) => entry.trim());
  return ALL.filter((event) => listed.includes(event));
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

/** Tell the badge, take back what was answered, and speak for the session on a hidden page. Answers how to stop. */
export function watchNotifications(): () => void {
  const before = new Map<string, SessionRow>();
  const badge = effect(() => setBadge(waitingCount.value));
  const rows = effect(() => {
    for (const row of sessions.value) {
      if (!row.live) continue;
      const was = before.get(row.id);
      before.set(row.id, row);
      if (!was || was === row) continue;
      if (was.pending && was.pending.id !== row.pending?.id) void takeBack(row.id);
      if (document.visibilityState === "hidden") hiddenChange(was, row);
    }
  });
  return () => {
    badge();
    rows();
  };
}

function hiddenChange(was: SessionRow, row: SessionRow): void {
  const asks = row.pending !== null && row.pending.id !== was.pending?.id;
  if (asks && !offer.peek().asked) offer.value = { due: true, asked: false };
  // The relay pushes for every session that nobody watches; this page watches the one on screen.
  if (state.peek() !== "on" || row.id !== current.peek()) return;
  if (asks && row.pending && chosen.peek().includes("agent_needs_input")) {
    const { pending } = row;
    const options = pending.kind === "question" && pending.asks.length === 1 ? pending.asks[0]?.options : undefined;
    const data = { toolCallId: pending.id, ...(options ? { options } : {}) };
    void show({ type: "agent_needs_input", sessionId: row.id, sessionName: row.name, question: headline(pending), plan: pending.kind === "plan", data });
  } else if (was.status === "working" && row.status === "idle" && chosen.peek().includes("agent_finished")) {
    void show({ type: "agent_finished", sessionId: row.id, sessionName: row.name, body: "" });
  } else if (row.status === "failed" && was.status !== "failed" && chosen.peek().includes("agent_error")) {
    void show({ type: "agent_error", sessionId: row.id, sessionName: row.name, body: "" });
  }
}

async function show(message: object): Promise<void> {
  const worker = await registration();
  worker?.active?.postMessage({ kind: "show", message });
}

async function takeBack(sessionId: string): Promise<void> {
  const worker = await registration();
  for (const shown of (await worker?.getNotifications({ tag: `relay-agent_needs_input-${sessionId}` })) ?? []) shown.close();
}

function setBadge(count: number): void {
  if (!("setAppBadge" in navigator)) return;
  const done = count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge();
  done.catch(() => undefined);
}
