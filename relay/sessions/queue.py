"""Run the steps of one session one at a time, in arrival order (sockets-agents.md 2.5).

Registration, each event and every teardown of a session are steps. A step that needs no waiting runs at once when the
queue is idle, so the hot path costs no task switch; only a step that returns an awaitable occupies the queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

#: Do the work now and answer None, or answer what is still to be awaited.
Step = Callable[[], Awaitable[None] | None]


class SessionQueue:
    """Exclude the steps of one session from each other and bound what waits."""

    def __init__(self, bound: int) -> None:
        """Make an idle queue that holds `bound` bytes of input before `room` starts to wait."""
        self._bound = bound
        self._waiting: deque[tuple[int, Step]] = deque()
        self._bytes = 0
        self._runner: asyncio.Task[None] | None = None
        self._current: asyncio.Future[None] | None = None
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._running = False

    @property
    def idle(self) -> bool:
        """Tell whether nothing runs or waits."""
        return not self._running and self._runner is None

    @property
    def queued_bytes(self) -> int:
        """Answer the bytes of input that wait."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Tell whether more input waits than the bound allows."""
        return self._bytes > self._bound

    def push(self, size: int, step: Step) -> None:
        """Run `step` now, or after everything pushed before it; `size` is the bytes that it holds in memory."""
        if self.idle:
            self._running = True
            rest: Awaitable[None] | None = None
            try:
                rest = step()
            except Exception:
                log.exception("a session step failed")
            finally:
                self._running = False
            if rest is None and not self._waiting:
                return
            if rest is not None:
                # A task at once, so that a close before its first turn leaves no coroutine behind unawaited.
                rest = self._current = asyncio.ensure_future(rest)
            self._runner = asyncio.create_task(self._drain(rest), name="session queue")
            return
        self._waiting.append((size, step))
        self._bytes += size
        if self._bytes > self._bound:
            self._roomy.clear()

    async def room(self) -> None:
        """Wait until what waits is within the bound; this is the back-pressure on an agent that is too quick."""
        await self._roomy.wait()

    async def run(self, step: Callable[[], Awaitable[None]]) -> None:
        """Push a step and wait for its end; its exception is raised here."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wrapped() -> None:
            try:
                await step()
            except asyncio.CancelledError:
                done.cancel()
                raise
            except Exception as error:  # handed to the waiting caller
                if done.cancelled():
                    log.exception("a session step failed after its caller had left")
                else:
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(None)

        self.push(0, wrapped)
        await done

    async def close(self) -> None:
        """Drop what waits and stop the step under way."""
        self._waiting.clear()
        self._bytes = 0
        self._roomy.set()
        under_way = [task for task in (self._current, self._runner) if task is not None]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        self._current = self._runner = None

    async def _drain(self, rest: Awaitable[None] | None) -> None:
        try:
            while True:
                if rest is not None:
                    try:
                        await rest
                    except Exception:
                        log.exception("a session step failed")
                    self._current = None
                if not self._waiting:
                    return
                size, step = self._waiting.popleft()
                self._bytes -= size
                if self._bytes <= self._bound:
                    self._roomy.set()
                try:
                    rest = step()
                except Exception:
                    rest = None
                    log.exception("a session step failed")
        finally:
            self._runner = None
