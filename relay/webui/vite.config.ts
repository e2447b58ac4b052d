/// <reference types="vitest/config" />
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const worker = here("./src/sw.ts");
const relay = process.env["RELAY_URL"] ?? "http://127.0.0.1:7492";

/** One page and, beside it, the service worker under its fixed name; everything else carries a hash. */
export default defineConfig({
  root: here("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: here("./index.html"), ...(existsSync(worker) ? { sw: worker } : {}) },
      output: {
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: {
    // The relay refuses what another origin sends, so it must see the host that the page was opened at.
    proxy: Object.fromEntries(
      ["/api", "/health", "/socket.io"].map((path) => [path, { target: relay, changeOrigin: false, ws: path === "/socket.io" }]),
    ),
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
