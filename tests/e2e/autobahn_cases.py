"""Run Autobahn's fuzzing client, installed at first use into the test cache.

It is PyPI `autobahntestsuite`, which runs on Python 2.7 alone, looked for on the path and among the versions of pyenv.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_cache_dir

_REQUIREMENTS: Final = Path(__file__).parent / "autobahn" / "requirements.txt"
#: Two of its packages are compiled.
_INSTALL_TIMEOUT: Final = 600.0
_START: Final = (
    "import site, sys; site.addsitedir(sys.argv.pop(1)); "
    "from autobahntestsuite import wstest; sys.argv[0] = 'wstest'; wstest.run()"
)


class AutobahnUnavailable(Exception):
    """Say why the test suite cannot be had on this machine."""


@dataclass(frozen=True, slots=True)
class Result:
    """Hold how one case ended: `behavior` of the messages, `closing` of the closing handshake."""

    behavior: str
    closing: str
    remote_code: int | None


async def fuzz(
    url: str, cases: Sequence[str], folder: Path, within: float, excluded: Sequence[str] = ()
) -> dict[str, Result]:
    """Let the fuzzing client run the cases (patterns such as `1.*`) against a WebSocket echo; answer their results.

    `within` seconds; raises TimeoutError, AutobahnUnavailable.
    """
    python, home = await asyncio.to_thread(_installed)
    server = {"agent": "relay", "url": url, "options": {"version": 13}}
    spec = {
        "outdir": str(folder / "reports"),
        "servers": [server],
        "cases": list(cases),
        "exclude-cases": list(excluded),
    }
    file = folder / "spec.json"
    file.write_text(json.dumps({**spec, "exclude-agent-cases": {}}))
    process = await asyncio.create_subprocess_exec(
        python,
        "-c",
        _START,
        str(home),
        "--mode=fuzzingclient",
        f"--spec={file}",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(within):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    index = folder / "reports" / "index.json"
    assert index.exists(), output.decode(errors="replace")[-3000:]
    found = json.loads(index.read_text())["relay"]
    return {
        name: Result(str(one["behavior"]), str(one["behaviorClose"]), one["remoteCloseCode"])
        for name, one in found.items()
    }


def _python() -> str | None:
    """Answer a Python 2.7: on the path, else of pyenv."""
    found = shutil.which("python2.7")
    if found is not None and _works(found):
        return found
    pyenv = shutil.which("pyenv")
    roots = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")]
    if pyenv is not None:
        roots.append(Path(subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()))
    for root in roots:
        for version in sorted((root / "versions").glob("2.7*"), reverse=True):
            if _works(str(version / "bin" / "python2.7")):
                return str(version / "bin" / "python2.7")
    return None


def _works(python: str) -> bool:
    """Tell whether it starts (a shim of pyenv may not) and has pip."""
    try:
        return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@functools.cache
def _installed() -> tuple[str, Path]:
    """Answer a Python and the folder with the test suite in it."""
    python = _python()
    if python is None:
        raise AutobahnUnavailable("no Python 2.7 with pip, on which alone Autobahn's test suite runs")
    cache = Path(os.environ.get("RELAY_TEST_CACHE") or user_cache_dir("relay-tests"))
    home = cache / f"autobahn-{hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "autobahn.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not home.exists():
            _install(python, home)
    return python, home


def _install(python: str, home: Path) -> None:
    fresh = home.with_name(f"{home.name}.{os.getpid()}")
    command = [python, "-m", "pip", "install", "-q", "--target", str(fresh), "-r", str(_REQUIREMENTS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT, check=False)
        if done.returncode != 0:
            raise AutobahnUnavailable(f"pip failed: {done.stderr.strip()[-500:]}")
        fresh.rename(home)
    except subprocess.TimeoutExpired as error:
        raise AutobahnUnavailable(f"pip took longer than {_INSTALL_TIMEOUT:.0f} s") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
