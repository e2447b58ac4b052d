"""Let callers that want the same thing at the same time share one attempt at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Run at most one attempt per key; it is a task of its own, so a caller that leaves takes nobody along."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: dict[K, asyncio.Task[T]] = {}

    async def run(self, key: K, work: Callable[[], Coroutine[object, object, T]]) -> tuple[T, bool]:
        """Join the attempt under way or begin one; answer its result and whether it was begun here.

        Raises what the attempt raises, to everybody who joined it.
        """
        task, begun = self.begin(key, work)
        return await asyncio.shield(task), begun

    def begin(self, key: K, work: Callable[[], Coroutine[object, object, T]]) -> tuple[asyncio.Task[T], bool]:
        """Answer the attempt under way, or a new one and True; whoever awaits the task shields it."""
        task = self._running.get(key)
        if task is not None:
            return task, False
        task = asyncio.create_task(work(), name=self._name)
        self._running[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))
        return task, True

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: K, task: asyncio.Task[T]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled():
            # Whoever joined gets it; nobody may be left, and that is no error of its own.
            task.exception()
