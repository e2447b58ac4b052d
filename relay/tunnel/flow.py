"""Decide when a runner's socket is not read, and for how long (tunnel.md 8.3).

One socket carries everything of a runner, so a pause holds up all its exchanges: at most 100 ms, then the slow ones
spill to disk. An exchange that is alone may pause the socket as long as it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from relay.tunnel.limits import ExchangeLimits


class Congestible(Protocol):
    """Be a buffer of one exchange."""

    memory: int

    def spill(self) -> None:
        """Put what comes from now on somewhere else."""

    async def flush(self) -> None:
        """Write what is to be spilled."""


class Flow:
    """Watch the buffers of one runner's exchanges."""

    def __init__(self, limits: ExchangeLimits, alone: Callable[[], bool]) -> None:
        """`alone` tells whether nobody but one exchange, which has sent all, would be held up."""
        self._limits = limits
        self._alone = alone
        self._buffers: set[Congestible] = set()
        self._congested: set[Congestible] = set()
        self._dirty: set[Congestible] = set()
        self._changed = asyncio.Event()
        self._patience = limits.pause
        self._resumed_at = 0.0
        self.total = 0
        self.paused = False

    @property
    def busy(self) -> bool:
        """Tell whether `settle` has something to do."""
        return bool(self._congested or self._dirty)

    def grew(self, buffer: Congestible, size: int) -> None:
        """Count bytes that came into a buffer's memory."""
        self.total += size
        self._buffers.add(buffer)
        if buffer.memory > self._limits.high_water:
            self._congested.add(buffer)
        elif self.total > self._limits.runner_memory:
            self._congested.add(max(self._buffers, key=lambda one: one.memory))

    def shrank(self, buffer: Congestible, size: int) -> None:
        """Count bytes that left a buffer's memory."""
        self.total -= size
        if buffer.memory <= self._limits.low_water and buffer in self._congested:
            self._congested.discard(buffer)
            self._changed.set()

    def spilling(self, buffer: Congestible) -> None:
        """Note a buffer that has enough to write."""
        self._dirty.add(buffer)

    def ended(self, buffer: Congestible) -> None:
        """Stop waiting for a buffer that nothing more comes to, unless memory is short."""
        if self.total <= self._limits.runner_memory and buffer in self._congested:
            self._congested.discard(buffer)
            self._changed.set()

    def forget(self, buffer: Congestible) -> None:
        """Let go of a buffer whose exchange is over."""
        self.total -= buffer.memory
        self._buffers.discard(buffer)
        self._dirty.discard(buffer)
        self._congested.discard(buffer)
        self._changed.set()

    def changed(self) -> None:
        """Look again who is held up: an exchange began or ended."""
        self._changed.set()

    async def settle(self) -> None:
        """Return when the socket may be read again."""
        while self.busy:
            for buffer in list(self._dirty):
                self._dirty.discard(buffer)
                await buffer.flush()
            if self._congested:
                self.paused = True
                try:
                    await self._pause()
                finally:
                    self.paused = False

    async def _pause(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        regained = (began - self._resumed_at) * self._limits.pause_regained
        patience = min(self._limits.pause, self._patience + regained)
        try:
            while self._congested:
                self._changed.clear()
                if self._alone():
                    # Ends with the exchange, with its browser's reading or with the next exchange: all of them call.
                    await self._changed.wait()
                    began = loop.time()
                    continue
                left = patience - (loop.time() - began)
                if left <= 0:
                    self._spill()
                    break
                try:
                    async with asyncio.timeout(left):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            self._resumed_at = loop.time()
            self._patience = max(0.0, patience - (self._resumed_at - began))

    def _spill(self) -> None:
        slow, self._congested = self._congested, set()
        for buffer in slow:
            buffer.spill()
