/** The address bar is the state: a small router over the History API (brief 2). */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";

const place = signal(read());

/** What is open: the path without query, always starting with "/". */
export const path: ReadonlySignal<string> = computed(() => place.value.pathname);
/** The query of the address; a fresh object whenever the address changes. */
export const query: ReadonlySignal<URLSearchParams> = computed(() => new URLSearchParams(place.value.search));

/** How many entries of this page's own lie below the present one; 0 means that Back would leave the page. */
let depth = 0;
const guards = new Set<() => boolean>();

function read(): { pathname: string; search: string } {
  if (typeof location === "undefined") return { pathname: "/", search: "" };
  return { pathname: location.pathname, search: location.search };
}

function depthOf(state: unknown): number {
  return typeof state === "object" && state !== null && "depth" in state && typeof state.depth === "number" ? state.depth : 0;
}

if (typeof window !== "undefined") {
  depth = depthOf(history.state);
  window.addEventListener("popstate", (event) => {
    const before = depth;
    depth = depthOf(event.state);
    if (depth < before && [...guards].reverse().some((guard) => guard())) {
      history.go(before - depth);
      return;
    }
    place.value = read();
  });
}

/** Open `to` (a path with query, same origin). Opening pushes; a view, tab or filter inside a page replaces. */
export function go(to: string, how: "push" | "replace" = "push"): void {
  if (to === location.pathname + location.search) return;
  if (how === "push") depth += 1;
  history[how === "push" ? "pushState" : "replaceState"]({ depth }, "", to);
  place.value = read();
}

/** Go back inside Relay, or to `fallback` when this page was the first. */
export function back(fallback: string): void {
  if (depth > 0) history.back();
  else go(fallback, "replace");
}

/**
 * Let Back close something first (a dialog, a sheet, the panel): `close` answers true when it did.
 * Returns the removal.
 */
export function onBack(close: () => boolean): () => void {
  guards.add(close);
  return () => guards.delete(close);
}

/** Change some query parameters of what is open; null removes one. Replaces unless told to push. */
export function setQuery(changes: Record<string, string | null>, how: "push" | "replace" = "replace"): void {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString().replace(/=(?=&|$)/g, "");
  go(location.pathname + (text ? `?${text}` : ""), how);
}

/** Compare a path with a pattern like "/session/:id/files/*rest"; the decoded parts, or null. `*rest` may be empty. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith("*")) {
      params[part.slice(1)] = given.slice(index).map(decode).join("/");
      return params;
    }
    const value = given[index];
    if (value === undefined) return null;
    if (part.startsWith(":")) params[part.slice(1)] = decode(value);
    else if (part !== value) return null;
  }
  return given.length === wanted.length ? params : null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Props of Link: those of an anchor, with an address that is one string. */
export interface LinkProps extends Omit<JSX.AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  href: string;
  how?: "push" | "replace";
}

/** A link that opens inside the page; clicks with a modifier and other targets stay the browser's. */
export function Link({ href, how, onClick, ...rest }: LinkProps): JSX.Element {
  const follow = (event: JSX.TargetedMouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !plain || (rest.target && rest.target !== "_self")) return;
    event.preventDefault();
    go(href, how);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
