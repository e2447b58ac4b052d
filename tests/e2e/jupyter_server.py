"""Run JupyterLab in a virtual environment of its own, installed at first use into the test cache."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from platformdirs import user_cache_dir

from tests.e2e.relay_process import free_port

_REQUIREMENTS: Final = Path(__file__).parent / "jupyter" / "requirements.txt"
#: About 90 packages, none of them compiled.
_INSTALL_TIMEOUT: Final = 900.0
_START_TIMEOUT: Final = 120.0
TOKEN: Final = "a-token-of-the-tests"
#: What a server behind a tunnel with its own host name needs: it hears names that are not its own, on loopback alone.
OPTIONS: Final = (
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--ServerApp.allow_remote_access=True",
    f"--IdentityProvider.token={TOKEN}",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
)


class JupyterUnavailable(Exception):
    """Say why JupyterLab cannot be had on this machine."""


@asynccontextmanager
async def jupyter(folder: Path) -> AsyncIterator[int]:
    """Serve a folder of notebooks for the length of the block; give the port. Raises JupyterUnavailable."""
    python = await asyncio.to_thread(_installed)
    port = free_port()
    home = folder.with_name(folder.name + "-home")
    home.mkdir()
    log = home / "jupyter.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            python,
            "-m",
            "jupyterlab",
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={folder}",
            *OPTIONS,
            cwd=folder,
            env={"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        await _up(process, port, log)
        yield port
    finally:
        # A server that is told to end ends its kernels, which have sessions of their own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _up(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(_START_TIMEOUT):
        while True:
            assert process.returncode is None, log.read_text()[-3000:]
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{port}/api") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)


def _installed() -> Path:
    """Answer the Python of the environment."""
    cache = Path(os.environ.get("RELAY_TEST_CACHE") or user_cache_dir("relay-tests"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache / f"jupyter-{version}-{hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "jupyter.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            _install(home)
    return home / "bin" / "python"


def _install(home: Path) -> None:
    # In its place from the start: environments do not like to be moved.
    shutil.rmtree(home, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(home)],
        [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "-r", str(_REQUIREMENTS)],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT, check=False)
        except subprocess.TimeoutExpired as error:
            raise JupyterUnavailable(f"{command[2]} took longer than {_INSTALL_TIMEOUT:.0f} s") from error
        if done.returncode != 0:
            raise JupyterUnavailable(f"{command[2]} failed: {done.stderr.strip()[-500:]}")
    (home / "complete").touch()
