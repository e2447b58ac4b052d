"""Run a Vite development server on a small project, installed at first use into the test cache."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from platformdirs import user_cache_dir

from tests.e2e.relay_process import free_port

_MANIFEST: Final = Path(__file__).parent / "vite"
_FILES: Final = {
    "index.html": '<!doctype html><html><head><title>v</title></head><body><p id="text"></p>'
    '<script type="module" src="/src/main.js"></script></body></html>',
    "src/main.js": 'import { text } from "/src/text.js"\nimport "./style.css"\n'
    'document.querySelector("#text").textContent = text\n'
    'if (import.meta.hot) import.meta.hot.accept("/src/text.js", (next) => {\n'
    '  document.querySelector("#text").textContent = next.text\n})\n',
    "src/text.js": 'export const text = "before"\n',
    "src/style.css": "#text { color: rgb(1, 2, 3) }\n",
    "vite.config.js": 'export default { cacheDir: ".vite", server: { host: "127.0.0.1", strictPort: true } }\n',
}


def installed() -> Path | None:
    """Answer Vite's start script, None where npm can't install it."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    cache = Path(os.environ.get("RELAY_TEST_CACHE") or user_cache_dir("relay-tests"))
    digest = hashlib.sha256((_MANIFEST / "package-lock.json").read_bytes()).hexdigest()[:12]
    home = cache / f"vite-{digest}"
    script = home / "node_modules" / "vite" / "bin" / "vite.js"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "vite.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not script.exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(_MANIFEST / name, home / name)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=home, capture_output=True, timeout=300, check=False)
    return script if script.exists() else None


@asynccontextmanager
async def vite(script: Path, folder: Path) -> AsyncIterator[int]:
    """Serve the project in an empty folder; give the port."""
    for name, content in _FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "node", str(script), "--port", str(port), cwd=folder, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"http://127.0.0.1:{port}/"):
                        break
                await asyncio.sleep(0.1)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
