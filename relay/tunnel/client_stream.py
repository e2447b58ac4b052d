"""Hold what a runner's side knows of one exchange or bridged socket (README.md, Binary framing)."""

from __future__ import annotations

import asyncio


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


class ClientStream:
    """Hold one exchange or bridged socket: what came for it, and what it may send.

    In the binary framing the relay's credit bounds `incoming`; the published framing has no such thing.
    """

    def __init__(self, stream_id: str, number: int, window: int | None) -> None:
        self.id = stream_id
        self.number = number
        self.credit = Credit(window)
        self.incoming: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self.close: tuple[int, str] | None = None
