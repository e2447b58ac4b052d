"""Wait for conditions, never for time: a signal wakes whoever waits for a state to be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class NotReached(AssertionError):
    """Say which state was not reached in time."""


class Signal:
    """Wake all waiters whenever something has changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Let every waiter look again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def until(
        self, reached: Callable[[], bool], what: str, timeout: float, state: Callable[[], object] | None = None
    ) -> None:
        """Return as soon as `reached()` holds; raise NotReached after `timeout` seconds, with `state()` if given."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not reached():
            left = deadline - loop.time()
            if left <= 0:
                seen = f"; state: {state()}" if state is not None else ""
                raise NotReached(f"{what}: not within {timeout:g} s{seen}")
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiting.add(waiter)
            try:
                await asyncio.wait_for(waiter, left)
            except TimeoutError:
                continue
            finally:
                self._waiting.discard(waiter)


async def poll(reached: Callable[[], bool], what: str, timeout: float, every: float = 0.05) -> None:
    """Look at something that cannot signal (a process, a file) until it holds; raise NotReached after `timeout` s."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not reached():
        if loop.time() > deadline:
            raise NotReached(f"{what}: not within {timeout:g} s")
        await asyncio.sleep(every)
