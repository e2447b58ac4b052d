/**
 * The service worker: shows what the relay pushes, answers from a notification, and opens the page while the relay is away.
 * It keeps the page's own files only, never what the relay answers.
 */
/// <reference lib="webworker" />

import { type Notice, answerOf, compose, obj, str, strings } from "./state/push-message";

const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = "relay-page-1";
const SHELL = "/";
/** Long enough for a slow phone, short enough that nobody waits in front of a page that is in the cache. */
const PATIENCE_MS = 4_000;
/** Files that are not of the page. */
const FOREIGN = /^\/(api|socket\.io|health|status|ready|metrics)(\/|$)/;

worker.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith("relay-page-") && name !== CACHE) await caches.delete(name);
      await worker.clients.claim();
    })(),
  );
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin || FOREIGN.test(url.pathname)) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request));
});

worker.addEventListener("push", (event) => {
  let value: unknown = null;
  try {
    value = event.data?.json();
  } catch {
    value = null;
  }
  const notice = compose(value);
  // A push without a notification would cost the subscription.
  event.waitUntil(notice ? show(notice) : worker.registration.showNotification("Relay", { tag: "relay" }));
});

worker.addEventListener("message", (event) => {
  const said = obj(event.data);
  if (said.kind !== "show") return;
  const notice = compose(said.message);
  if (notice) event.waitUntil(show(notice));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const data = obj(event.notification.data);
  const sessionId = str(data.sessionId);
  const reply = (event as NotificationEvent & { reply?: string }).reply;
  const answer = answerOf({ options: strings(data.options) }, event.action, reply);
  event.waitUntil(answer === null ? openSession(sessionId) : send(sessionId, str(data.toolCallId), answer));
});

async function show(notice: Notice): Promise<void> {
  const { title, body, tag, stays, actions, sessionId, toolCallId, options } = notice;
  // `actions` and `renotify` are missing in the library's types.
  const shown: NotificationOptions & { actions?: unknown; renotify?: boolean } = {
    body,
    tag,
    icon: "/icon-192.png",
    badge: "/badge-96.png",
    requireInteraction: stays,
    renotify: true,
    data: { sessionId, toolCallId, options },
    ...(actions.length > 0 ? { actions } : {}),
  };
  await worker.registration.showNotification(title, shown);
}

/** Answer a question from its notification; when that fails the session opens, where it can be answered. */
async function send(sessionId: string, toolCallId: string, text: string): Promise<void> {
  try {
    const answer = await fetch("/api/push/answer", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sessionId, toolCallId, text }),
    });
    if (!answer.ok) await openSession(sessionId);
  } catch {
    await openSession(sessionId);
  }
}

async function openSession(sessionId: string): Promise<void> {
  const target = sessionId === "" ? "/" : `/session/${encodeURIComponent(sessionId)}`;
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((client) => client.focused) ?? pages[0];
  if (!page) {
    await worker.clients.openWindow(target);
    return;
  }
  page.postMessage({ kind: "open", target });
  await page.focus().catch(() => undefined);
}

async function keepShell(): Promise<void> {
  const cache = await caches.open(CACHE);
  const answer = await fetch(SHELL, { cache: "reload", credentials: "same-origin" });
  if (!answer.ok) return;
  const text = await answer.clone().text();
  await cache.put(SHELL, answer);
  const files = [...text.matchAll(/(?:src|href)="(\/(?:assets\/[^"]+|theme\.js|icon\.svg|manifest\.webmanifest))"/g)].map((match) => match[1] as string);
  await Promise.allSettled([...new Set(files)].map((file) => cache.add(file)));
}

/** Answer a page from the relay; from the cache when the relay does not answer. */
async function page(request: Request): Promise<Response> {
  const late = new Promise<null>((settle) => setTimeout(() => settle(null), PATIENCE_MS));
  const kept = async (): Promise<Response | undefined> => caches.match(SHELL);
  try {
    const fresh = fetch(request);
    const first = await Promise.race([fresh, late]);
    if (first) {
      // A page of another version brings other files; a proxy's own page is none of ours.
      if (first.ok && first.headers.get("content-type")?.includes("text/html")) void keepShell().catch(() => undefined);
      return first;
    }
    return (await kept()) ?? (await fresh);
  } catch {
    return (await kept()) ?? Response.error();
  }
}

/** Answer a file that carries its hash: it never changes. */
async function asset(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer.clone());
  }
  return answer;
}
