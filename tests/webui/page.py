"""Serve a copy of the package in a process of its own, and read its page as a browser does."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.e2e.relay_process import free_port


@dataclass(frozen=True, slots=True)
class Page:
    """Hold an answer, and the addresses of scripts and style sheets in it."""

    status: int
    text: str
    assets: tuple[str, ...]


async def fetch_page(url: str, path: str = "/") -> Page:
    """Answer what the relay sends for a path."""
    async with aiohttp.ClientSession() as session, session.get(url + path) as response:
        text = await response.text()
    return Page(response.status, text, tuple(re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', text)))


@asynccontextmanager
async def serving_package(home: Path, folder: Path, python: Path | None = None) -> AsyncIterator[str]:
    """Run `relay serve` of the package in `home` with its data in `folder`; answer its URL."""
    port = free_port()
    env = {**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python or sys.executable), "-m", "relay", "serve", "--port", str(port)]
    command += ["--data-dir", str(folder / "data")]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            while b"relay is ready" not in (line := await process.stdout.readline()):
                assert line, "the relay ended before it was ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 30)
