"""Run the relay under test as its users do: a process on a data directory, killed and started again at will."""

from __future__ import annotations

import asyncio
import os
import random
import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import Final

import aiohttp

from tests.e2e.processes import MARK, Process

ROOT: Final = Path(__file__).resolve().parents[2]
#: A relay is up within half a second; a loaded machine gets much more.
_START_TIMEOUT: Final = 20.0


class RelayDied(AssertionError):
    """Carry the last output of a relay that did not come up."""


def free_port() -> int:
    """Answer a free loopback port below the range of outgoing connections.

    A client that redials a port of that range while the relay is down can be handed the same port as its own and
    connect to itself.
    """
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class RelayProcess:
    """Hold port and data directory over any number of lives of the relay.

    `RELAY_E2E_COMMAND` may name another server of the same contract, with `{port}` and `{data_dir}` in it.
    """

    def __init__(self, folder: Path, stack_id: str, settings: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = folder / "data"
        home = folder / "relay-home"
        home.mkdir()
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", MARK: stack_id, **(settings or {})}
        self.process = Process(self._command(), env, ROOT, folder / "relay.log")

    def _command(self) -> list[str]:
        other = os.environ.get("RELAY_E2E_COMMAND")
        if other:
            return [part.format(port=self.port, data_dir=self.data_dir) for part in shlex.split(other)]
        serve = ["serve", "--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        return [sys.executable, "-m", "relay", *serve]

    async def start(self) -> None:
        """Start the relay and wait until `/health` answers 200; raises RelayDied."""
        self.process.start()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_TIMEOUT
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            while self.process.running and loop.time() < deadline:
                try:
                    async with http.get(f"{self.url}/health") as answer:
                        if answer.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(0.05)
        raise RelayDied(f"the relay is not up (exit code {self.process.returncode}):\n{self.process.tail()}")

    async def kill(self) -> None:
        """End the relay with SIGKILL."""
        await self.process.stop(signal.SIGKILL)

    async def terminate(self, timeout: float = 5.0) -> None:
        """End the relay with SIGTERM; it must be out within `timeout` seconds."""
        await self.process.stop(signal.SIGTERM, timeout)

    def tracebacks(self) -> str:
        """Answer what the relay logged from its first traceback on, or nothing."""
        log = self.process.output()
        start = log.find("Traceback (most recent call last)")
        return "" if start < 0 else log[max(0, start - 400) : start + 4000]
