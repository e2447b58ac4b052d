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

#: The user and the session that a spawn is about.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SpawnOutcome:
    """Say how a spawn went: `ok`, refused with the runner's `message`, or `timed_out`."""

    ok: bool
    message: str = ""
    timed_out: bool = False


class SpawnWaiters:
    """Hold at most one waiter per user and session id, and results that came before their waiter for 30 s.

    What one user's runner reports never reaches a waiter of another user, whatever id it names.
    """

    def __init__(self, clock: Clock, limits: SessionLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._waiting: dict[_Key, asyncio.Future[SpawnOutcome]] = {}
        self._latched: OrderedDict[_Key, tuple[SpawnOutcome, float]] = OrderedDict()

    def open(self, user_id: str, session_id: str) -> asyncio.Future[SpawnOutcome]:
        """Begin to wait, before the runner is asked; an earlier waiter of the same id is told that its time is up."""
        key = (user_id, session_id)
        waiter: asyncio.Future[SpawnOutcome] = asyncio.get_running_loop().create_future()
        earlier = self._waiting.pop(key, None)
        if earlier is not None and not earlier.done():
            earlier.set_result(SpawnOutcome(False, timed_out=True))
        latched, until = self._latched.pop(key, (None, 0.0))
        if latched is not None and until > self._clock.monotonic():
            waiter.set_result(latched)
        else:
            self._waiting[key] = waiter
        return waiter

    async def outcome(
        self, user_id: str, session_id: str, waiter: asyncio.Future[SpawnOutcome], timeout: float
    ) -> SpawnOutcome:
        """Wait up to `timeout` seconds for what `open` answered."""
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            return SpawnOutcome(False, timed_out=True)
        finally:
            if self._waiting.get((user_id, session_id)) is waiter:
                del self._waiting[user_id, session_id]

    def report(self, user_id: str, session_id: str, outcome: SpawnOutcome) -> None:
        """Release the waiter of a user's session, or keep the outcome for one that comes within 30 s."""
        key = (user_id, session_id)
        waiter = self._waiting.pop(key, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(outcome)
            return
        now = self._clock.monotonic()
        self._latched.pop(key, None)
        self._latched[key] = (outcome, now + self._limits.latch_life)
        while self._latched:
            oldest, (_, until) = next(iter(self._latched.items()))
            if until > now and len(self._latched) <= MAX_LATCHED:
                break
            del self._latched[oldest]
