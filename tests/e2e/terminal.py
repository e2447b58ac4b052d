"""Run the interactive client in a pseudo-terminal: keys go in, what it draws is collected."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tests.e2e.processes import kill_group
from tests.e2e.waiting import NotReached, Signal, poll

_ROWS, _COLUMNS = 40, 120
#: Escape sequences of ECMA-48 and the operating system commands that terminals take.
_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>()][0-9A-B]?")
_KEPT: Final = 2_000_000


class Terminal:
    """Hold one process on a terminal of 120 by 40 characters."""

    def __init__(self, argv: list[str], env: Mapping[str, str], cwd: Path) -> None:
        self.argv = argv
        self.env = dict(env)
        self.cwd = cwd
        self.changed = Signal()
        self._drawn = bytearray()
        self._total = 0
        self._master = -1
        self._child: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        try:
            # A new session without a controlling terminal takes the first terminal it opens; the client needs none,
            # it only asks whether its standard streams are terminals.
            self._child = subprocess.Popen(
                self.argv, env=self.env, cwd=self.cwd, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
            )
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        child = self._child
        if child is not None:
            if child.poll() is None:
                kill_group(child.pid)
            await poll(lambda: child.poll() is not None, "the end of the terminal's process", 10)
        os.close(self._master)

    @property
    def running(self) -> bool:
        """Answer whether the process has not ended."""
        return self._child is not None and self._child.poll() is None

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self._master, keys.encode())

    def text(self) -> str:
        """Answer what was drawn, without escape sequences; redrawn lines occur again."""
        return _ESCAPES.sub("", self._drawn.decode(errors="replace"))

    async def until_drawn(self, text: str, timeout: float = 20.0) -> None:
        """Wait until a text was drawn in one piece."""
        await self.changed.until(
            lambda: text in self.text(), f"{text!r} on the terminal", timeout, lambda: self.text()[-1500:]
        )

    async def until_quiet(self, seconds: float = 1.0, timeout: float = 30.0) -> None:
        """Wait until nothing has been drawn for a while: the client has finished what it was at."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while loop.time() < deadline:
            drawn = self._total
            await asyncio.sleep(seconds)
            if drawn == self._total:
                return
        raise NotReached(f"a quiet terminal: not within {timeout:g} s")

    def _read(self) -> None:
        try:
            while data := os.read(self._master, 65536):
                self._drawn += data
                self._total += len(data)
        except (BlockingIOError, OSError):
            # EIO is how Linux says that the other side is closed.
            if not self.running:
                with contextlib.suppress(OSError):
                    asyncio.get_running_loop().remove_reader(self._master)
        del self._drawn[:-_KEPT]
        self.changed.notify()
