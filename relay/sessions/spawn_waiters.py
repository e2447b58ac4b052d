"""Wait for the outcome of a spawn, which the runner reports under the session's id (rest-runners.md 4.1)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from relay.clock import Clock
from relay.sessions.limits import SessionLimits

#: Outcomes kept for a waiter that is still to come; a runner that reports more of them has gone wrong.
MAX_LATCHED: Final = 1000


@dataclass(frozen=True, slots=True)
class SpawnOutcome:
    """Say how a spawn went: `ok`, refused with the runner's `message`, or `timed_out`."""

    ok: bool
    message: str = ""
    timed_out: bool = False


class SpawnWaiters:
    """Hold at most one waiter per session id, and results that came before their waiter for 30 s."""

    def __init__(self, clock: Clock, limits: SessionLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._waiting: dict[str, asyncio.Future[SpawnOutcome]] = {}
        self._latched: OrderedDict[str, tuple[SpawnOutcome, float]] = OrderedDict()

    def open(self, session_id: str) -> asyncio.Future[SpawnOutcome]:
        """Begin to wait, before the runner is asked; an earlier waiter of the same id is told that its time is up."""
        waiter: asyncio.Future[SpawnOutcome] = asyncio.get_running_loop().create_future()
        earlier = self._waiting.pop(session_id, None)
        if earlier is not None and not earlier.done():
            earlier.set_result(SpawnOutcome(False, timed_out=True))
        latched, until = self._latched.pop(session_id, (None, 0.0))
        if latched is not None and until > self._clock.monotonic():
            waiter.set_result(latched)
        else:
            self._waiting[session_id] = waiter
        return waiter

    async def outcome(self, session_id: str, waiter: asyncio.Future[SpawnOutcome], timeout: float) -> SpawnOutcome:
        """Wait up to `timeout` seconds for what `open` answered."""
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            return SpawnOutcome(False, timed_out=True)
        finally:
            if self._waiting.get(session_id) is waiter:
                del self._waiting[session_id]

    def report(self, session_id: str, outcome: SpawnOutcome) -> None:
        """Release the waiter of a session, or keep the outcome for one that comes within 30 s."""
        waiter = self._waiting.pop(session_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(outcome)
            return
        now = self._clock.monotonic()
        self._latched.pop(session_id, None)
        self._latched[session_id] = (outcome, now + self._limits.latch_life)
        while self._latched:
            oldest, (_, until) = next(iter(self._latched.items()))
            if until > now and len(self._latched) <= MAX_LATCHED:
                break
            del self._latched[oldest]
