"""Count what a socket sends in a fixed window (sockets-agents.md 2.15)."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from relay.clock import Clock
from relay.realtime import Socket


@dataclass(slots=True)
class _Window:
    opened: float
    count: int


class SocketRate:
    """Allow `most` messages per socket in a window of `seconds`, which opens with its first message."""

    def __init__(self, clock: Clock, *, most: int, seconds: float) -> None:
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._windows: WeakKeyDictionary[Socket, _Window] = WeakKeyDictionary()

    @property
    def remembered(self) -> int:
        """Answer how many sockets have a window; one that is gone has none."""
        return len(self._windows)

    def allows(self, socket: Socket) -> bool:
        """Count one message and tell whether it is within the rate."""
        now = self._clock.monotonic()
        window = self._windows.get(socket)
        if window is None or now - window.opened >= self._seconds:
            self._windows[socket] = _Window(now, 1)
            return self._most >= 1
        window.count += 1
        return window.count <= self._most
