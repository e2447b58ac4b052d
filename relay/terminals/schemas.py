"""Describe the bodies of the terminal calls (rest-runners.md 5.4)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class TerminalWish(TypedDict):
    """Ask for a terminal; `cols` and `rows` are 80 and 24 by default and brought into their range."""

    runnerId: str
    cwd: NotRequired[str]
    cols: NotRequired[float]
    rows: NotRequired[float]


class TerminalMade(TypedDict):
    """Name the new terminal."""

    ok: Literal[True]
    terminalId: str
    runnerId: str


class TerminalEntry(TypedDict):
    """Describe an open terminal."""

    terminalId: str
    cwd: str | None
    cols: int
    rows: int
    spawned: bool
    exited: bool
    createdAt: str
    viewers: int


class TerminalList(TypedDict):
    """List the caller's terminals on a runner, the oldest first."""

    terminals: list[TerminalEntry]
