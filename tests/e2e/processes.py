"""Own the processes of a test: each in a group of its own, its output in a file, none left running at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.e2e.waiting import poll

#: Environment name that marks all that a stack started, workers and their tools included.
MARK: Final = "E2E_STACK"
_TAIL: Final = 6000


class Process:
    """Run one command in a new session, with standard output and error appended to `log`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self.argv = list(argv)
        self.env = dict(env)
        self.cwd = cwd
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Answer the id of the process; raises RuntimeError before the start."""
        if self._child is None:
            raise RuntimeError("not started")
        return self._child.pid

    @property
    def started(self) -> bool:
        """Answer whether the process was ever started."""
        return self._child is not None

    @property
    def running(self) -> bool:
        """Answer whether the process was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """Answer the exit code, None while it runs."""
        return self._child.poll() if self._child is not None else None

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as sink:
            self._child = subprocess.Popen(
                self.argv,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def stop(self, how: signal.Signals = signal.SIGKILL, timeout: float = 10.0) -> None:
        """Send a signal to the process and wait for its end."""
        if self.running:
            os.kill(self.pid, how)
        await self.ended(timeout)

    async def ended(self, timeout: float = 10.0) -> None:
        """Wait until the process has ended by itself."""
        await poll(lambda: not self.running, f"the end of {self.argv[0]}", timeout, every=0.02)

    def output(self) -> str:
        """Answer all that was written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self) -> str:
        """Answer the end of what was written."""
        return self.output()[-_TAIL:]


def marked(stack_id: str) -> list[int]:
    """Answer the ids of all processes that carry a stack's mark in their environment (Linux; elsewhere none)."""
    wanted = f"{MARK}={stack_id}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0") and _state(entry) != "Z":
                found.append(int(entry.name))
    return found


def children_of(pid: int) -> list[int]:
    """Answer the ids of the living children of a process (Linux; elsewhere none)."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # State and parent are the first two fields behind the command name.
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(entry.name))
    return found


def _state(entry: Path) -> str:
    """Answer the process state letter of proc(5), the field behind the command name."""
    return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]


async def kill_marked(stack_id: str, timeout: float = 10.0) -> None:
    """Kill every process of a stack with its group and wait until none is left; raises NotReached if one stays."""

    def none_left() -> bool:
        pids = marked(stack_id)
        for pid in pids:
            kill_group(pid)
        return not pids

    await poll(none_left, "the end of all processes of the stack", timeout)


def kill_group(pid: int) -> None:
    """Kill a process and, if it leads one that is not ours, its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        group = os.getpgid(pid)
        if group == pid:
            os.killpg(group, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
