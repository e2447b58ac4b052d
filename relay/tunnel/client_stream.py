"""Hold what a runner's side knows of one exchange or bridged socket (README.md, Binary framing)."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bound what waits for local services: sizes in bytes, times in seconds."""

    #: Of a request body, before the relay's socket is no longer read; more than the relay's credit (limits.py), so that
    #: the binary framing never gets here.
    body: int = 2 * 2**20
    #: The relay evicts runners that are silent for 90 s (tunnel.md 1.3), so a held up one speaks by itself.
    speak_every: float = 10.0
    #: A service that takes nothing for so long loses its exchange: the socket is everybody's.
    stalled: float = 30.0
    #: Of messages for a bridged socket, before it is closed with 1013, as the relay does with slow browsers (8.3).
    messages: int = 4 * 2**20
    #: For the closing handshake with a service.
    close_within: float = 2.0


class Credit:
    """Count the bytes that may be sent; without a window there is no bound."""

    def __init__(self, window: int | None) -> None:
        self._left = window
        self._more = asyncio.Event()

    async def take(self, size: int) -> None:
        """Wait until something may be sent, and count it."""
        if self._left is None:
            return
        while self._left <= 0:
            self._more.clear()
            await self._more.wait()
        self._left -= size

    def grant(self, size: int) -> None:
        """Allow more."""
        if self._left is not None:
            self._left += size
            self._more.set()


class Incoming:
    """Queue the pieces or messages of one stream and count their bytes; None ends it."""

    def __init__(self) -> None:
        self._items: deque[bytes | str | None] = deque()
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self._over = False
        self.size = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: bytes | str | None) -> None:
        """Queue an item, unless the stream is over."""
        if not self._over:
            self._items.append(item)
            self.size += 0 if item is None else len(item)
            self._arrived.set()

    async def get(self) -> bytes | str | None:
        """Answer the next item; waits for it."""
        while not self._items:
            self._arrived.clear()
            await self._arrived.wait()
        item = self._items.popleft()
        self.size -= 0 if item is None else len(item)
        self._taken.set()
        return item

    async def taken(self, within: float) -> bool:
        """Wait until an item is taken or the stream is over; answer whether that was in time (seconds)."""
        self._taken.clear()
        try:
            async with asyncio.timeout(within):
                await self._taken.wait()
        except TimeoutError:
            return False
        return True

    def end(self) -> None:
        """Drop everything and take no more."""
        self._over = True
        self._items.clear()
        self.size = 0
        self._taken.set()


class ClientStream:
    """Hold one exchange or bridged socket: what came for it, and what it may send."""

    def __init__(self, stream_id: str, number: int, window: int | None) -> None:
        self.id = stream_id
        self.number = number
        self.credit = Credit(window)
        self.incoming = Incoming()
        self.task: asyncio.Task[None] | None = None
        self.close: tuple[int, str] | None = None
