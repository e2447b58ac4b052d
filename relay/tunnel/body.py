"""Hold a response body between the runner's socket and one browser, within bounds (tunnel.md 8.3)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from relay.tunnel.flow import Flow
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.spill import Spill, SpillBudget, SpillFull


class Body:
    """Be a queue of pieces with one writer, the runner's socket, and one reader, the browser's handler.

    `memory` is what waits in memory and counts as congestion; bytes on their way to the disk are bounded by themselves.
    """

    def __init__(self, limits: ExchangeLimits, flow: Flow, budget: SpillBudget, overflow: Callable[[], None]) -> None:
        """`overflow` ends the exchange when there is no more room for it."""
        self.memory = 0
        self.ended = False
        self._limits = limits
        self._flow = flow
        self._budget = budget
        self._overflow = overflow
        self._pieces: deque[bytes] = deque()
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._spill: Spill | None = None
        self._disk = asyncio.Lock()
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def on_disk(self) -> int:
        """Answer how many bytes wait in temporary files."""
        return 0 if self._spill is None else self._spill.size

    def put(self, piece: bytes) -> None:
        """Append a piece."""
        if not piece or self._closed or self.ended:
            return
        if self._spill is None:
            self._pieces.append(piece)
            self.memory += len(piece)
            self._flow.grew(self, len(piece))
        else:
            self._tail.append(piece)
            self._tail_size += len(piece)
            if self._tail_size >= self._limits.spill_piece:
                self._flow.spilling(self)
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Say that nothing more comes; `get` raises `error` after the last piece."""
        if not self.ended:
            self.ended = True
            self._error = error
            self._flow.ended(self)
            self._wake()

    def take_whole(self, most: int) -> bytes | None:
        """Answer the whole body if it is complete, sound, in memory and at most so long; else None."""
        if not self.ended or self._error is not None or self._spill is not None or self.memory > most:
            return None
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self.memory = 0
        self._flow.shrank(self, len(whole))
        return whole

    async def get(self) -> bytes | None:
        """Answer the next piece as soon as there is one, None at the end; raises the error given to `end`."""
        while True:
            if self._pieces:
                piece = self._pieces.popleft()
                self.memory -= len(piece)
                self._flow.shrank(self, len(piece))
                return piece
            if self._spill is not None:
                piece = await self._spilled(self._spill)
                if piece:
                    return piece
                continue
            if self.ended:
                if self._error is not None:
                    raise self._error
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def spill(self) -> None:
        """Put what waits in memory, and what comes from now on, into a file."""
        if self._closed:
            return
        if not self._limits.spill_each or not self._budget.limit:
            self._overflow()
            return
        if self._spill is None:
            self._spill = Spill(self._budget, self._limits.spill_each, self._limits.spill_segment)
        self._tail.extend(self._pieces)
        self._tail_size += self.memory
        self._pieces.clear()
        size, self.memory = self.memory, 0
        self._flow.shrank(self, size)
        self._flow.spilling(self)

    async def flush(self) -> None:
        """Write what is to be spilled; ends the exchange when there is no room."""
        async with self._disk:
            spill = self._spill
            if spill is None or not self._tail:
                return
            data = self._take_tail()
            try:
                await spill.write(data)
            except (SpillFull, OSError):
                if not self._closed:
                    self._overflow()

    def close(self) -> None:
        """Forget everything."""
        if self._closed:
            return
        self._closed = True
        self._flow.forget(self)
        self._pieces.clear()
        self._tail.clear()
        self.memory = 0
        if self._spill is not None:
            self._spill.close()
            self._spill = None
        self._wake()

    async def _spilled(self, spill: Spill) -> bytes:
        """Take from the disk, then from what did not get there; empty when both are read and memory is enough again."""
        async with self._disk:
            data = await spill.read(self._limits.low_water)
            if data:
                return data
            if self._tail:
                return self._take_tail()
            spill.close()
            self._spill = None
            return b""

    def _take_tail(self) -> bytes:
        data = b"".join(self._tail)
        self._tail.clear()
        self._tail_size = 0
        return data

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
