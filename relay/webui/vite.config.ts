/// <reference types="vitest/config" />
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const worker = here("./src/sw.ts");
const relay = process.env["RELAY_URL"] ?? "http://127.0.0.1:7492";

/** Put a compressed copy beside every text file, so that the relay has nothing to compress while it serves. */
function compressed(): Plugin {
  let folder = "";
  const visit = (path: string): void => {
    for (const name of readdirSync(path)) {
      const file = join(path, name);
      if (statSync(file).isDirectory()) visit(file);
      else if (/\.(js|css|html|svg|json|webmanifest)$/.test(name) && statSync(file).size > 1024) {
        const content = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }));
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
      }
    }
  };
  return {
    name: "compressed",
    apply: "build",
    configResolved: (config) => void (folder = resolve(config.root, config.build.outDir)),
    closeBundle: () => visit(folder),
  };
}

/** One page and, beside it, the service worker under its fixed name; everything else carries a hash. */
export default defineConfig({
  root: here("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [compressed()],
  // What markdown-it brings along and every browser has.
  resolve: { alias: { entities: here("./src/lib/slim/entities.ts"), "punycode.js": here("./src/lib/slim/punycode.ts") } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
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
