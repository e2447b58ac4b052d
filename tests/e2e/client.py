"""Install and find the published client (npm `@pizzapi/pizza`), pinned by client/package-lock.json."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from platformdirs import user_cache_dir

_MANIFEST: Final = Path(__file__).parent / "client"
#: npm fetches one binary of about 120 MB; a slow line gets ten minutes.
_INSTALL_TIMEOUT: Final = 600.0

_SYSTEMS: Final = {"linux": "linux", "darwin": "darwin"}
_MACHINES: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class ClientUnavailable(Exception):
    """Say why the published client cannot be had on this machine."""


def required() -> bool:
    """Answer whether a missing client is a failure (`RELAY_E2E=require`) instead of a reason to skip."""
    return os.environ.get("RELAY_E2E") == "require"


def published_client() -> Path:
    """Answer the path of the client's binary, installed at first use into the test cache.

    The cache is `RELAY_TEST_CACHE` or the user's cache directory. Raises ClientUnavailable with the reason.
    """
    package = _platform_package()
    cache = Path(os.environ.get("RELAY_TEST_CACHE") or user_cache_dir("relay-tests"))
    lock_text = (_MANIFEST / "package-lock.json").read_bytes()
    home = cache / f"client-{hashlib.sha256(lock_text).hexdigest()[:12]}"
    binary = home / "node_modules" / "@pizzapi" / package / "bin" / "pizza"
    if binary.exists():
        return binary
    npm = shutil.which("npm")
    if npm is None:
        raise ClientUnavailable("npm is not installed, so the published client cannot be fetched")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "client.lock").open("w") as guard:
        # Two test processes start at once; the second finds what the first installed.
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not binary.exists():
            _install(npm, home)
    if not binary.exists():
        raise ClientUnavailable(f"npm installed the client without {package}, the binary of this platform")
    return binary


def _platform_package() -> str:
    """Answer the name of the npm package with this platform's binary."""
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise ClientUnavailable(f"the published client has no binary for {sys.platform} on {platform.machine()}")
    return f"cli-{system}-{machine}"


def _install(npm: str, home: Path) -> None:
    """Install from the lock file into a folder beside `home`, then move it there in one step."""
    fresh = home.with_name(f"{home.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_MANIFEST / name, fresh / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT, check=False)
        if done.returncode != 0:
            raise ClientUnavailable(f"npm ci failed: {done.stderr.strip()[-500:]}")
        fresh.rename(home)
    except subprocess.TimeoutExpired as exc:
        raise ClientUnavailable(f"npm ci took longer than {_INSTALL_TIMEOUT:.0f} s") from exc
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
