/** Colour code that is on screen: highlight.js and a language are loaded when they are needed. Colour only, nothing moves. */

import type { HLJSApi, LanguageFn } from "highlight.js";

type Loader = () => Promise<{ default: LanguageFn }>;

const LANGUAGES: Readonly<Record<string, Loader>> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  dart: () => import("highlight.js/lib/languages/dart"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  elixir: () => import("highlight.js/lib/languages/elixir"),
  go: () => import("highlight.js/lib/languages/go"),
  graphql: () => import("highlight.js/lib/languages/graphql"),
  haskell: () => import("highlight.js/lib/languages/haskell"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  nginx: () => import("highlight.js/lib/languages/nginx"),
  perl: () => import("highlight.js/lib/languages/perl"),
  php: () => import("highlight.js/lib/languages/php"),
  powershell: () => import("highlight.js/lib/languages/powershell"),
  protobuf: () => import("highlight.js/lib/languages/protobuf"),
  python: () => import("highlight.js/lib/languages/python"),
  r: () => import("highlight.js/lib/languages/r"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scala: () => import("highlight.js/lib/languages/scala"),
  scss: () => import("highlight.js/lib/languages/scss"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const OTHER_NAMES: Readonly<Record<string, string>> = {
  sh: "bash", shell: "bash", zsh: "bash", console: "bash", "c++": "cpp", h: "c", hpp: "cpp", cs: "csharp", docker: "dockerfile", ex: "elixir",
  golang: "go", hs: "haskell", toml: "ini", cfg: "ini", conf: "ini", js: "javascript", jsx: "javascript", mjs: "javascript", cjs: "javascript",
  jsonc: "json", kt: "kotlin", make: "makefile", mk: "makefile", md: "markdown", pl: "perl", ps1: "powershell", proto: "protobuf", py: "python",
  pyi: "python", rb: "ruby", rs: "rust", ts: "typescript", tsx: "typescript", html: "xml", svg: "xml", vue: "xml", svelte: "xml", yml: "yaml",
  patch: "diff", less: "scss", sass: "scss", gradle: "kotlin",
};

/** Answer the name of a language that can be coloured, for the name behind a fence or the end of a file's name. */
export function languageOf(name: string): string | undefined {
  const low = name.toLowerCase();
  const known = OTHER_NAMES[low] ?? low;
  return known in LANGUAGES ? known : undefined;
}

/** Answer the language of a file by its name. */
export function languageOfPath(path: string): string | undefined {
  const name = path.split("/").pop()?.toLowerCase() ?? "";
  if (name === "dockerfile" || name === "makefile") return name;
  return name.includes(".") ? languageOf(name.slice(name.lastIndexOf(".") + 1)) : undefined;
}

/** Longer code than this stays without colours, characters. */
const MOST_CHARS = 60_000;
/** How many coloured pieces stay in memory. */
const MOST_KEPT = 400;

let core: Promise<HLJSApi> | undefined;
let loaded: HLJSApi | undefined;
const asked = new Map<string, Promise<void>>();
const ready = new Set<string>();
const kept = new Map<string, string>();

async function load(language: string): Promise<void> {
  core ??= import("highlight.js/lib/core").then((module) => module.default);
  const [hljs, grammar] = await Promise.all([core, (LANGUAGES[language] as Loader)()]);
  hljs.registerLanguage(language, grammar.default);
  loaded = hljs;
  ready.add(language);
}

/** Load a language once; when that fails, for example offline, it can be asked for again. */
export function loadLanguage(language: string): Promise<void> {
  let loading = asked.get(language);
  if (!loading) {
    loading = load(language).catch((error: unknown) => {
      asked.delete(language);
      throw error;
    });
    asked.set(language, loading);
  }
  return loading;
}

/** Answer the HTML of coloured code when the language is there, else undefined. The text in it is escaped. */
export function coloured(code: string, language: string): string | undefined {
  const key = `${language}\n${code}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  if (!ready.has(language) || !loaded || code.length > MOST_CHARS) return undefined;
  const html = loaded.highlight(code, { language, ignoreIllegals: true }).value;
  kept.set(key, html);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
  return html;
}

function paint(code: HTMLElement, language: string): void {
  const html = coloured(code.textContent ?? "", language);
  if (html !== undefined) {
    code.innerHTML = html;
    code.dataset["painted"] = "";
  }
}

let watcher: IntersectionObserver | undefined;

function seen(entries: readonly IntersectionObserverEntry[]): void {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting || !(target instanceof HTMLElement)) continue;
    watcher?.unobserve(target);
    const language = languageOf(target.dataset["lang"] ?? "");
    if (!language) continue;
    loadLanguage(language).then(
      () => { if (target.isConnected && !("painted" in target.dataset)) paint(target, language); },
      () => undefined,
    );
  }
}

/** Colour the code blocks in `root` once they come on screen; at once what was coloured before. */
export function colourIn(root: Element): void {
  for (const code of root.querySelectorAll<HTMLElement>("code[data-lang]:not([data-painted])")) {
    const language = languageOf(code.dataset["lang"] ?? "");
    if (!language) continue;
    if (ready.has(language)) paint(code, language);
    else (watcher ??= new IntersectionObserver(seen, { rootMargin: "200px" })).observe(code);
  }
}
