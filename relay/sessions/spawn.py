"""Start sessions on runners (sockets-agents.md 3.5, 5.2)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import uuid4

from relay.runners.runner import Runner
from relay.sessions.limits import SessionLimits
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.spawn_order import SpawnOrder
from relay.sessions.spawn_waiters import SpawnOutcome, SpawnWaiters

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spawned:
    """Answer a spawn: the id of the new session and what the runner said to it."""

    session_id: str
    outcome: SpawnOutcome


class Spawns:
    """Order sessions from runners and link them."""

    def __init__(self, waiters: SpawnWaiters, links: RunnerLinks, limits: SessionLimits) -> None:
        self._waiters = waiters
        self._links = links
        self._limits = limits

    async def spawn(
        self, runner: Runner, order: SpawnOrder, *, session_id: str | None = None, timeout: float | None = None
    ) -> Spawned:
        """Send `new_session` and wait for the runner's word, `timeout` seconds (by default 5).

        `session_id` resumes a session under its id, otherwise a new one is made. After a good answer and after none the
        session is linked: a late `session_ready` finds nothing left to do. The caller has made sure that the runner is
        connected and its user's.
        """
        session_id = session_id or str(uuid4())
        waiter = self._waiters.open(runner.user_id, session_id)
        self._links.note_spawn(runner, session_id)
        runner.emit("new_session", order.payload(session_id))
        wait = self._limits.spawn_ack if timeout is None else timeout
        outcome = await self._waiters.outcome(runner.user_id, session_id, waiter, wait)
        if outcome.ok or outcome.timed_out:
            self._links.link(runner, session_id)
        else:
            self._links.forget_spawn(session_id)
        log.info(
            "session spawned" if outcome.ok else "spawn not confirmed",
            extra={"session_id": session_id, "runner_id": runner.runner_id, "timed_out": outcome.timed_out},
        )
        return Spawned(session_id, outcome)
