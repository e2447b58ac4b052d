/// <reference types="vitest/config" />
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const worker = here("./src/sw.ts");
const relay = process.env["RELAY_URL"] ?? "http://127.0.0.1:7492";

/**
 * Build the service worker as one file under its fixed name, with nothing of the page in it, then put a compressed copy
 * beside every text file, so that the relay has nothing to compress while it serves.
 */
function finished(): Plugin {
  let folder = "";
  const buildWorker = async (): Promise<void> => {
    if (!existsSync(worker)) return;
    await build({
      configFile: false,
      root: here("."),
      publicDir: false,
      logLevel: "warn",
      build: {
        target: "es2022",
        outDir: folder,
        emptyOutDir: false,
        rolldownOptions: { input: worker, output: { format: "iife", entryFileNames: "sw.js", codeSplitting: false } },
      },
    });
  };
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
    name: "finished",
    apply: "build",
    configResolved: (config) => void (folder = resolve(config.root, config.build.outDir)),
    closeBundle: async () => {
      await buildWorker();
      visit(folder);
    },
  };
}

/** The page; everything but itself and the service worker carries a hash in its name. */
export default defineConfig({
  root: here("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [finished()],
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
      input: { index: here("./index.html") },
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
        // Two files instead of twenty small ones: the frame of every page, and what sessions are made of.
        codeSplitting: {
          groups: [
            { name: "frame", test: /src\/(ui|shell|lib|sidebar|state|api|transcript|styles)\/|node_modules\/(@?preact|engine\.io|socket\.io|@socket)/ },
            { name: "session", test: /src\/(conversation|composer|cards|diff|pages\/home|pages\/session\/[^/]+$)/ },
          ],
        },
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
