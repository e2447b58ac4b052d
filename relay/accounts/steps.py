"""Run what must not stop half-way: a write, the drop from the caches and the news of it are one step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


class Steps:
    """Own the steps under way; a caller that is cancelled leaves its step running to the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, work: Coroutine[object, object, T]) -> T:
        """Await `work` in a task of its own, shielded from the caller's cancellation."""
        task: asyncio.Task[T] = asyncio.create_task(work, name="accounts step")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Retrieved here so that a caller which was cancelled leaves no "exception was never retrieved" behind.
            task.exception()

    async def close(self) -> None:
        """Wait for the steps under way."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))
