"""Install the official JavaScript client (npm ``socket.io-client``, pinned by js/package-lock.json) and run it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from platformdirs import user_cache_dir

_SOURCE: Final = Path(__file__).parent / "js"
_INSTALL_TIMEOUT: Final = 180.0
"""Seconds for npm; the client and what it needs are 2 MB."""
_RUN_TIMEOUT: Final = 20.0


def installed() -> Path:
    """Answer the folder with the installed client, filled on first use; skip the test when there is no npm.

    The folder is under RELAY_TEST_CACHE or the user's cache directory. RELAY_E2E=require makes a missing npm a failure.
    """
    lock = (_SOURCE / "package-lock.json").read_bytes()
    script = (_SOURCE / "client.mjs").read_bytes()
    cache = Path(os.environ.get("RELAY_TEST_CACHE") or user_cache_dir("relay-tests"))
    home = cache / f"socket.io-client-{hashlib.sha256(lock + script).hexdigest()[:12]}"
    if (home / "ready").exists():
        return home
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        reason = "npm or node is not installed, so the official client cannot be run"
        if os.environ.get("RELAY_E2E") == "require":
            pytest.fail(reason)
        pytest.skip(reason)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "socket.io-client.lock").open("w") as guard:
        # Several test processes start at once; the others find what the first one installed.
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (home / "ready").exists():
            home.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json", "client.mjs"):
                shutil.copy(_SOURCE / name, home / name)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=home, check=True, capture_output=True, timeout=_INSTALL_TIMEOUT)
            (home / "ready").touch()
    return home


async def run(home: Path, url: str, scenario: str, transports: str) -> list[list[object]]:
    """Run a scenario of client.mjs against ``url``; answer what it said, one list per line."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(home / "client.mjs"),
        url,
        scenario,
        transports,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_RUN_TIMEOUT):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{out.decode()}\n{err.decode()}"
    return [json.loads(line) for line in out.decode().splitlines()]
