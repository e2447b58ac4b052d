"""End silent and orphaned sessions in time, and bring back what a stop cut short (sockets-agents.md 2.10, 4.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from relay.clock import Clock
from relay.sessions.factory import SessionFactory
from relay.sessions.limits import SessionLimits
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionStore
from relay.sessions.teardown import EXPIRED, ORPHANED, Teardown

log = logging.getLogger(__name__)


class Sweeper:
    """Own the awaited sessions of a start and the regular sweep."""

    def __init__(
        self,
        registry: SessionRegistry,
        store: SessionStore,
        factory: SessionFactory,
        teardown: Teardown,
        clock: Clock,
        limits: SessionLimits,
        also: Sequence[Callable[[], Awaitable[object]]] = (),
    ) -> None:
        """Run `also` with every sweep: what other stores forget in time."""
        self._registry = registry
        self._store = store
        self._factory = factory
        self._teardown = teardown
        self._clock = clock
        self._limits = limits
        self._also = list(also)
        self._started = clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def also(self, sweep: Callable[[], Awaitable[object]]) -> None:
        """Run `sweep` with every later sweep too."""
        self._also.append(sweep)

    async def restore(self) -> int:
        """List every stored session that has not ended as awaited; answer how many there are."""
        self._started = self._clock.monotonic()
        rows = await self._store.open_rows()
        for row in rows:
            self._registry.add(self._factory.restore(row))
        return len(rows)

    def start(self) -> None:
        """Begin to sweep."""
        self._task = asyncio.create_task(self._run(), name="session sweep")

    async def close(self) -> None:
        """Stop sweeping."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> None:
        """End what expired and what its agent did not return to; one that fails does not stop the others."""
        for session in self._registry:
            try:
                await self._look_at(session)
            except Exception:
                log.exception("could not end a session", extra={"session_id": session.id})
        for sweep in self._also:
            try:
                await sweep()
            except Exception:
                log.exception("a sweep failed; the next one tries again")
        self._registry.forget_idle()

    async def _look_at(self, session: AgentSession) -> None:
        if session.socket is None:
            # A restart must not expire what its agent had no chance to keep alive (4.4).
            if self._clock.monotonic() - self._started >= self._limits.awaited_for:
                await self._teardown.end(session, ORPHANED, terminal=True, ended_by="other")
            return
        if session.expires_at_ms is None or session.expires_at_ms > self._clock.now_ms():
            return
        socket, token = session.socket, session.token
        # Detached first, so that its disconnect does not tear down with another reason.
        self._registry.detach(socket)
        socket.emit("session_expired", {"sessionId": session.id})
        socket.disconnect()
        await self._teardown.end(session, EXPIRED, terminal=True, ended_by="other", token=token)

    async def _run(self) -> None:
        awaited = max(self._limits.awaited_for, 0.0)
        while True:
            # One look is due exactly when the awaited sessions run out of time, the others come regularly.
            since = self._clock.monotonic() - self._started
            pause = min(self._limits.sweep_every, awaited - since) if since < awaited else self._limits.sweep_every
            await asyncio.sleep(max(pause, 0.01))
            await self.sweep()
