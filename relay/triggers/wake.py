"""Bring a session back that a trigger wants to reach: its runner resumes it under its own id (rest-runners.md 8.2)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from relay.clock import Clock
from relay.http.errors import SESSION_AGENT_AWAY, SESSION_NOT_LIVE
from relay.runners.room import RunnerRoom
from relay.runners.runner import Runner
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.session import AgentSession
from relay.sessions.single_flight import SingleFlight
from relay.sessions.spawn import Spawns
from relay.sessions.spawn_order import SpawnOrder
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import StorageError
from relay.triggers.limits import TriggerLimits
from relay.triggers.targets import State, Target, Targets

log = logging.getLogger(__name__)

#: A runner refuses to start what it runs already; such a worker only has not connected again yet (8.2, Wake).
_RUNNING: Final = "already running"


class Wakes:
    """Own the wakes under way, one per session."""

    def __init__(
        self,
        targets: Targets,
        runners: RunnerRoom,
        spawns: Spawns,
        runner_links: RunnerLinks,
        hidden_models: HiddenModelsOf,
        clock: Clock,
        limits: TriggerLimits,
    ) -> None:
        self._targets = targets
        self._runners = runners
        self._spawns = spawns
        self._runner_links = runner_links
        self._hidden_models = hidden_models
        self._clock = clock
        self._limits = limits
        self._flights: SingleFlight[str, bool] = SingleFlight("wake")

    async def close(self) -> None:
        """Stop waiting for the sessions that are being woken."""
        await self._flights.close()

    async def reach(self, session_id: str, user_id: str, began: float) -> AgentSession:
        """Answer the connected session; one that is away or ended by itself is woken and waited for up to 10 s.

        `began` is when the request came, in monotonic seconds. Raises ApiError 404 for a session that must not be
        woken, 503 when it cannot be or does not come in time (with `waking` when it still may), and StorageError.
        """
        while True:
            target = await self._targets.look(session_id, user_id)
            if target.state is State.CONNECTED and target.session is not None:
                return target.session
            if target.state not in (State.AWAY, State.ENDED) or target.runner_id is None:
                return await self._targets.reach(session_id, user_id, began, hold=False)
            runner = await self._runner(target.runner_id, user_id)
            attempt, _ = self._flights.begin(session_id, partial(self._wake, runner, session_id, target))
            left = began + self._limits.wake - self._clock.monotonic()
            await asyncio.wait({attempt}, timeout=max(left, 0.0))
            if not attempt.done():
                raise SESSION_AGENT_AWAY(extra={"waking": True})
            if not await asyncio.shield(attempt):
                raise SESSION_AGENT_AWAY()

    async def _runner(self, runner_id: str, user_id: str) -> Runner:
        """Answer the caller's connected runner; a resume must never go to another's (8.2, step 7)."""
        runner = self._runners.registry.get(runner_id)
        if runner is not None and runner.user_id != user_id:
            raise SESSION_NOT_LIVE()
        if runner is not None and runner.connected:
            return runner
        if runner is not None or await self._runners.identities.owner_of(runner_id) == user_id:
            raise SESSION_AGENT_AWAY()
        raise SESSION_NOT_LIVE()

    async def _wake(self, runner: Runner, session_id: str, target: Target) -> bool:
        """Order the resume and wait for the worker; answer whether it is there."""
        order = SpawnOrder(cwd=target.cwd or None, resume_id=session_id, hidden_models=await self._hidden(runner))
        spawned = await self._spawns.spawn(runner, order, session_id=session_id, timeout=self._limits.wake_ack)
        outcome = spawned.outcome
        refused = not outcome.ok and not outcome.timed_out
        if refused and _RUNNING not in outcome.message.lower():
            log.info("wake refused", extra={"session_id": session_id, "runner_id": runner.runner_id})
            return False
        session = await self._targets.arrival(session_id, runner.user_id, self._limits.wake_socket)
        if session is None:
            # It counts as away again, not as just spawned, so that the next trigger wakes it anew.
            self._runner_links.forget_spawn(session_id)
        log.info("session woken" if session else "wake in vain", extra={"session_id": session_id})
        return session is not None

    async def _hidden(self, runner: Runner) -> tuple[str, ...]:
        try:
            return tuple(await self._hidden_models(runner.user_id))
        except StorageError:
            log.exception("hidden models not known", extra={"user_id": runner.user_id})
            return ()
