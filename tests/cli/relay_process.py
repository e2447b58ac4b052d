"""Run `relay serve` as a child process, and wait for what it says."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
#: A uid without rights: root ignores file modes.
NOBODY: Final = 65534
#: Run the command line as another user; what it imports later has to be there already.
_AS_NOBODY: Final = """
import os, sys
import relay.cli.serving, relay.cli.serve, platformdirs, uvloop, sqlite3, encodings.idna
if os.getuid() == 0:
    os.setgroups([]); os.setgid({uid}); os.setuid({uid})
from relay.cli import main
main(sys.argv[1:], prog_name="relay")
"""
_URL: Final = re.compile(r"https?://[^\s]+:(\d+)")


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Answer an environment without this machine's configuration."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL", "SYSTEMROOT"}}
    places = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "share")}
    return {**kept, **places, "PYTHONPATH": str(ROOT), **extra}


@dataclass(slots=True)
class Finished:
    """Hold what a finished command left."""

    code: int
    out: str
    err: str


async def relay(
    home: Path,
    *arguments: str,
    as_nobody: bool = False,
    extra: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> Finished:
    """Run `relay` with arguments, and with `stdin` to read, until it ends by itself."""
    child = await _spawn(home, arguments, as_nobody=as_nobody, extra=extra or {}, reads=stdin is not None)
    try:
        given = None if stdin is None else stdin.encode()
        out, err = await asyncio.wait_for(child.communicate(given), 60)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return Finished(child.returncode or 0, out.decode(), err.decode())


@dataclass(slots=True)
class Running:
    """Reach a running relay."""

    child: asyncio.subprocess.Process
    home: Path
    out: list[str] = field(default_factory=list)
    port: int = 0

    async def stop(self, number: int = signal.SIGTERM, within: float = 3.0) -> Finished:
        """Send a signal and wait for the end; raises TimeoutError when it takes longer than `within` seconds."""
        self.child.send_signal(number)
        await asyncio.wait_for(self.child.wait(), within)
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        rest, err = await self.child.stdout.read(), await self.child.stderr.read()
        return Finished(self.child.returncode or 0, "".join(self.out) + rest.decode(), err.decode())


@asynccontextmanager
async def running(home: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> AsyncIterator[Running]:
    """Run `relay serve` with arguments; the block begins when it has said where it listens."""
    child = await _spawn(home, ("serve", *arguments), as_nobody=False, extra=extra or {})
    try:
        started = Running(child, home)
        assert child.stdout is not None
        async with asyncio.timeout(20):
            while not started.port:
                line = (await child.stdout.readline()).decode()
                if not line:
                    assert child.stderr is not None
                    raise AssertionError((await child.stderr.read()).decode())
                started.out.append(line)
                if match := _URL.search(line):
                    started.port = int(match[1])
        yield started
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _spawn(
    home: Path, arguments: tuple[str, ...], *, as_nobody: bool, extra: Mapping[str, str], reads: bool = False
) -> asyncio.subprocess.Process:
    start = ("-c", _AS_NOBODY.format(uid=NOBODY)) if as_nobody else ("-m", "relay")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *start,
        *arguments,
        cwd=home,
        env=environment(home, **extra),
        stdin=asyncio.subprocess.PIPE if reads else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
