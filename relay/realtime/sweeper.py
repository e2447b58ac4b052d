"""Run every ping and timeout of all connections from one timer (realtime.md, Speed and memory)."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable
from itertools import count
from typing import Final

log = logging.getLogger(__name__)

_SLACK_SHARE: Final = 0.005
"""Share of a delay by which it may fire early, so that the deadlines of many connections share one wake-up."""


class Deadline:
    """One callback at one time of the loop's clock; ``cancel`` lets go of the callback at once."""

    __slots__ = ("callback", "slack")

    def __init__(self, callback: Callable[[], None], slack: float) -> None:
        self.callback: Callable[[], None] | None = callback
        self.slack = slack

    def cancel(self) -> None:
        """Never call back."""
        self.callback = None


class Sweeper:
    """Hold deadlines in a heap behind a single timer handle of the loop."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def now(self) -> float:
        """Answer the running loop's clock in seconds."""
        return asyncio.get_running_loop().time()

    def at(self, when: float, callback: Callable[[], None]) -> Deadline:
        """Call ``callback`` at ``when`` (loop time); what it raises is logged. After ``close`` nothing is called any
        more.
        """
        deadline = Deadline(callback, max(0.0, when - self.now()) * _SLACK_SHARE)
        if not self._closed:
            heapq.heappush(self._heap, (when, next(self._numbers), deadline))
            if self._heap[0][2] is deadline:
                self._arm()
        return deadline

    def close(self) -> None:
        """Forget every deadline."""
        self._closed = True
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._sweep)

    def _sweep(self) -> None:
        """Call what is due, and what will be due within its own slack."""
        self._timer = None
        now = self.now()
        while self._heap:
            when, _, deadline = self._heap[0]
            callback = deadline.callback
            if callback is not None and when > now + deadline.slack:
                break
            heapq.heappop(self._heap)
            if callback is not None:
                deadline.callback = None
                try:
                    callback()
                except Exception:
                    log.exception("a deadline of a connection failed")
        if self._heap and not self._closed:
            self._arm()
