"""Know in which state the target of a trigger is, and wait for it where that helps (rest-runners.md 8.2, 14.1).

The statuses are a protocol: after 404 callers give up or start replacement work, after 503 they try again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.clock import Clock
from relay.events import Bus, SessionEndedForGood
from relay.http.errors import SESSION_AGENT_AWAY, SESSION_NOT_LIVE
from relay.sessions.ended import DELIBERATE
from relay.sessions.limits import SessionLimits
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionStore
from relay.triggers.limits import TriggerLimits

#: A target that is waited for is looked at again at least this often, in seconds.
_LOOK_AGAIN: Final = 2.0


class State(Enum):
    """Name the rows of the table of 8.2."""

    CONNECTED = "connected"
    SPAWNED = "just spawned here"
    AWAY = "away or awaited"
    ENDED_ON_PURPOSE = "ended by a person or by its parent's cleanup"
    ENDED = "ended for good otherwise"
    UNKNOWN = "unknown or foreign"


@dataclass(frozen=True, slots=True)
class Target:
    """Say what is known of a target; `runner_id` and `cwd` are those of a session that may be woken."""

    state: State
    session: AgentSession | None = None
    runner_id: str | None = None
    cwd: str | None = None
    awaited: bool = False


class Targets:
    """Judge targets by the live sessions, by what was spawned here and by the stored rows; hear of changes."""

    def __init__(
        self,
        registry: SessionRegistry,
        store: SessionStore,
        runner_links: RunnerLinks,
        bus: Bus,
        clock: Clock,
        session_limits: SessionLimits,
        limits: TriggerLimits,
    ) -> None:
        self._registry = registry
        self._store = store
        self._runner_links = runner_links
        self._clock = clock
        self._session_limits = session_limits
        self._limits = limits
        self._started = clock.monotonic()
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        bus.subscribe(SessionEndedForGood, lambda event: self._changed(event.session_id))

    def registered(self, session: AgentSession) -> None:
        """Release who waits for a session; a hook of `after_registered`, so its worker knows its own id by then."""
        self._changed(session.id)

    async def look(self, session_id: str, user_id: str) -> Target:
        """Answer the state of a user's session now. Raises StorageError."""
        live = self._registry.get(session_id)
        if live is not None:
            if live.user_id != user_id:
                return Target(State.UNKNOWN)
            state = State.CONNECTED if live.connected else State.AWAY
            return Target(state, live, live.runner_id, live.cwd, awaited=live.socket is None)
        if not usable_id(session_id):
            return Target(State.UNKNOWN)
        row = await self._store.row(session_id)
        if self._registry.get(session_id) is not None:
            # It registered while the row was read.
            return await self.look(session_id, user_id)
        if row is None:
            recent = self._runner_links.is_recent(session_id, user_id)
            return Target(State.SPAWNED if recent else State.UNKNOWN)
        if row.user_id != user_id:
            return Target(State.UNKNOWN)
        if row.ended_by == DELIBERATE:
            return Target(State.ENDED_ON_PURPOSE)
        # One that was ordered again, by a wake, is on its way.
        coming = row.ended_by is None or self._runner_links.is_recent(session_id, user_id)
        return Target(State.AWAY if coming else State.ENDED, None, row.runner_id, row.cwd)

    async def owns(self, session_id: str, user_id: str) -> bool:
        """Tell whether a session is or was the user's. Raises StorageError."""
        return (await self.look(session_id, user_id)).state is not State.UNKNOWN

    def patience(self, target: Target, *, hold: bool) -> float | None:
        """Answer how long after the request came a target in this state is waited for, in seconds; None for not.

        Raises ApiError 404 for a target that will not come.
        """
        if target.state in (State.UNKNOWN, State.ENDED, State.ENDED_ON_PURPOSE):
            raise SESSION_NOT_LIVE()
        if target.state is State.SPAWNED:
            return self._session_limits.just_spawned
        if not hold:
            return None
        # What is awaited after a start may take as long as it is awaited.
        since_start = self._clock.monotonic() - self._started
        awaited = self._session_limits.awaited_for - since_start if target.awaited else 0.0
        return max(self._limits.hold, awaited)

    async def reach(self, session_id: str, user_id: str, began: float, *, hold: bool) -> AgentSession:
        """Answer the connected session, waiting for it as long as its state is worth it.

        `began` is when the request came, in monotonic seconds. Raises ApiError 404 and 503, and StorageError.
        """
        while True:
            target = await self.look(session_id, user_id)
            if target.state is State.CONNECTED and target.session is not None:
                return target.session
            patience = self.patience(target, hold=hold)
            left = 0.0 if patience is None else began + patience - self._clock.monotonic()
            if left <= 0:
                raise SESSION_AGENT_AWAY()
            # What changed between the look and the wait is seen at the next look.
            await self.change(session_id, min(left, _LOOK_AGAIN))

    async def change(self, session_id: str, timeout: float) -> bool:
        """Wait until a session registers or ends for good; answer False when neither happens in time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[session_id].add(future)
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            return False
        finally:
            waiting = self._waiting.get(session_id)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[session_id]
        return True

    async def arrival(self, session_id: str, user_id: str, timeout: float) -> AgentSession | None:
        """Wait for a session's worker, up to `timeout` seconds; None when it does not come."""
        until = self._clock.monotonic() + timeout
        while True:
            session = self._registry.owned(session_id, user_id)
            if session is not None and session.connected:
                return session
            left = until - self._clock.monotonic()
            if left <= 0:
                return None
            await self.change(session_id, left)

    def _changed(self, session_id: str) -> None:
        for future in self._waiting.pop(session_id, set()):
            if not future.done():
                future.set_result(None)
