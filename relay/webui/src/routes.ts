/** Which page an address opens. A page whose module does not exist is not in the navigation and its address not known. */
import type { ComponentType } from "preact";
import { lazyPage, type PageProps } from "./lib/lazy";
import { match } from "./lib/router";

const modules = import.meta.glob<{ default: ComponentType<PageProps> }>([
  "./pages/auth/{set-up,sign-in,connect,link}.tsx",
  "./pages/{home,new,session,runners,runner,usage,settings}/index.tsx",
]);

/** A page and the patterns of its addresses (brief 2). */
export interface RouteEntry {
  name: string;
  patterns: readonly string[];
  module: string;
  /** "door": shown without the shell, to those who are not signed in. */
  frame: "door" | "shell";
}

const TABLE: readonly RouteEntry[] = [
  { name: "home", patterns: ["/"], module: "./pages/home/index.tsx", frame: "shell" },
  { name: "session", patterns: ["/session/:id", "/session/:id/:view/*rest"], module: "./pages/session/index.tsx", frame: "shell" },
  { name: "runners", patterns: ["/runners"], module: "./pages/runners/index.tsx", frame: "shell" },
  { name: "runner", patterns: ["/runner/:id", "/runner/:id/:part/*rest"], module: "./pages/runner/index.tsx", frame: "shell" },
  { name: "usage", patterns: ["/usage"], module: "./pages/usage/index.tsx", frame: "shell" },
  { name: "settings", patterns: ["/settings", "/settings/:part"], module: "./pages/settings/index.tsx", frame: "shell" },
  { name: "new", patterns: ["/new"], module: "./pages/new/index.tsx", frame: "shell" },
  { name: "connect", patterns: ["/connect"], module: "./pages/auth/connect.tsx", frame: "shell" },
  { name: "link", patterns: ["/link/:token"], module: "./pages/auth/link.tsx", frame: "shell" },
  { name: "sign-in", patterns: ["/sign-in"], module: "./pages/auth/sign-in.tsx", frame: "door" },
  { name: "set-up", patterns: ["/set-up"], module: "./pages/auth/set-up.tsx", frame: "door" },
];

/** A page that an address opens. */
export interface Opened {
  name: string;
  frame: "door" | "shell";
  params: Record<string, string>;
  page: ComponentType<PageProps>;
}

const pages = new Map(
  TABLE.flatMap((entry) => {
    const load = modules[entry.module];
    return load ? [[entry.name, lazyPage(load)] as const] : [];
  }),
);

/** Answer whether the UI has this page. */
export function hasPage(name: string): boolean {
  return pages.has(name);
}

/** Load a page before it is opened. */
export function preload(...names: string[]): void {
  for (const name of names) pages.get(name)?.preload();
}

/** Answer the page of an address, null when there is none. */
export function open(path: string): Opened | null {
  for (const { name, patterns, frame } of TABLE) {
    const page = pages.get(name);
    if (!page) continue;
    for (const pattern of patterns) {
      const params = match(pattern, path);
      if (params) return { name, frame, params, page };
    }
  }
  return null;
}
