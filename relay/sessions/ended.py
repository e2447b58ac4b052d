"""Find out whether a session whose agent left may come back (sockets-agents.md 2.10, *away or ended for good*)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from relay.clock import Clock
from relay.events import Bus, SessionEndedForGood
from relay.realtime import Socket
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.limits import SessionLimits
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.storage import StorageError

log = logging.getLogger(__name__)

DELIBERATE: Final = "deliberate"
OTHER: Final = "other"
#: A session that was told to end keeps this note for so long, in seconds; its agent leaves within a few.
_EXPECTED_FOR: Final = 120.0
MAX_EXPECTED: Final = 10_000
#: A teardown writes one state at most, which takes a second for the largest.
_TEARDOWN: Final = 30.0

#: Note in the row of a session that is no longer live how it ended: `(user_id, session_id, ended_by)`; answers False
#: for another user's session, raises StorageError.
SetEndedBy = Callable[[str, str, str], Awaitable[bool]]


@dataclass(eq=False, slots=True)
class _Question:
    """Hold one `list_sessions` that waits for its answer."""

    socket: Socket
    answer: asyncio.Future[frozenset[str]]


class EndWatch:
    """Tell ended sessions from those that are only away, and publish SessionEndedForGood for the former.

    It judges disconnects. What ends a session in any other way (`session_end`, expiry, the orphan sweep) is published
    by the one that does it.
    """

    def __init__(
        self,
        registry: SessionRegistry,
        runners: RunnerRegistry,
        bus: Bus,
        clock: Clock,
        limits: SessionLimits,
        set_ended_by: SetEndedBy,
    ) -> None:
        self._registry = registry
        self._runners = runners
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._set_ended_by = set_ended_by
        self._expected: OrderedDict[str, float] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._questions: dict[str, list[_Question]] = {}
        self._vanished: list[Callable[[str, str], None]] = []

    def when_vanished(self, hook: Callable[[str, str], None]) -> None:
        """Run `hook(user_id, session_id)` for each session whose worker is gone though nobody ended it: it crashed."""
        self._vanished.append(hook)

    def expect_end(self, session: AgentSession) -> None:
        """Note that somebody ended a session on purpose (a person, its parent): its next disconnect is final."""
        now = self._clock.monotonic()
        self._expected.pop(session.id, None)
        self._expected[session.id] = now + _EXPECTED_FOR
        while self._expected:
            oldest, until = next(iter(self._expected.items()))
            if until > now and len(self._expected) <= MAX_EXPECTED:
                break
            del self._expected[oldest]

    def how(self, session: AgentSession) -> str:
        """Answer how a session that ends itself now has ended: on purpose when somebody made it do so."""
        on_purpose = self._expected.get(session.id, 0.0) > self._clock.monotonic()
        return DELIBERATE if on_purpose else OTHER

    def agent_left(self, session: AgentSession) -> None:
        """Judge a session whose agent's transport closed; call it after the teardown began, not in a shutdown.

        Ended on purpose: it is over. Its runner is connected: that is asked a moment later. Otherwise it is away.
        """
        earlier = self._asking.pop(session.id, None)
        if earlier is not None:
            earlier.cancel()
        on_purpose = self._expected.pop(session.id, 0.0) > self._clock.monotonic()
        runner = self._runners.get(session.runner_id) if session.runner_id is not None else None
        if on_purpose:
            work = self._declare(session, DELIBERATE)
        elif runner is not None and runner.connected:
            work = self._ask(session, runner.runner_id)
        else:
            return
        task = asyncio.create_task(work, name="session end watch")
        self._asking[session.id] = task
        task.add_done_callback(lambda done: self._forget(session.id, done))

    def came_back(self, session_id: str) -> None:
        """Note a registration: whatever was concluded or asked about its absence is void."""
        self._expected.pop(session_id, None)
        task = self._asking.pop(session_id, None)
        if task is not None:
            task.cancel()

    def killed(self, runner: Runner, session_id: str, session: AgentSession | None) -> None:
        """Note that a runner killed a session: a live one is over with its disconnect, any other at once."""
        if session is not None:
            self.expect_end(session)
        elif self._registry.get(session_id) is None and session_id not in self._asking:
            task = asyncio.create_task(self._declare_id(runner.user_id, session_id, DELIBERATE), name="session killed")
            self._asking[session_id] = task
            task.add_done_callback(lambda done: self._forget(session_id, done))

    async def gone(self, user_id: str, session_id: str) -> None:
        """End a session for good that was away for longer than any stays away (2.10)."""
        if session_id not in self._asking:
            await self._declare_id(user_id, session_id, OTHER)

    def listed(self, runner: Runner, sessions: frozenset[str]) -> None:
        """Take a runner's `sessions_list`."""
        for question in self._questions.pop(runner.runner_id, []):
            if question.socket is not runner.socket:
                question.answer.cancel()
            elif not question.answer.done():
                question.answer.set_result(sessions)

    @property
    def busy(self) -> bool:
        """Tell whether some absence is still to be judged."""
        return bool(self._asking)

    async def close(self) -> None:
        """Stop asking; what is not known yet counts as away."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, session: AgentSession, runner_id: str) -> None:
        await asyncio.sleep(self._limits.ask_runner_after)
        runner = self._runners.get(runner_id)
        if runner is None or not runner.connected or self._back(session):
            return
        listed = await self._sessions_of(runner)
        if listed is None or session.id in listed or self._back(session):
            return
        # A kill or a cleanup that was reported in the meantime says more than the list.
        on_purpose = self._expected.pop(session.id, 0.0) > self._clock.monotonic()
        if not on_purpose:
            for hook in self._vanished:
                hook(session.user_id, session.id)
        await self._declare(session, DELIBERATE if on_purpose else OTHER)

    async def _sessions_of(self, runner: Runner) -> frozenset[str] | None:
        """Answer what a runner runs, None when it does not say; questions under way share an answer."""
        question = _Question(runner.socket, asyncio.get_running_loop().create_future())
        waiting = self._questions.setdefault(runner.runner_id, [])
        waiting.append(question)
        runner.emit("list_sessions", {})
        try:
            async with asyncio.timeout(self._limits.ask_runner_wait):
                return await question.answer
        except TimeoutError:
            return None
        finally:
            if question in waiting:
                waiting.remove(question)
            if not waiting and self._questions.get(runner.runner_id) is waiting:
                del self._questions[runner.runner_id]

    async def _declare(self, session: AgentSession, ended_by: str) -> None:
        await self._declare_id(session.user_id, session.id, ended_by)

    async def _declare_id(self, user_id: str, session_id: str, ended_by: str) -> None:
        # The teardown may still wait in the session's queue; what it writes must not follow this.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TEARDOWN):
                await self._registry.queue(session_id).run(_nothing)
        if self._registry.get(session_id) is not None:
            return
        try:
            if not await self._set_ended_by(user_id, session_id, ended_by):
                # A runner may claim any id that nobody holds right now; it ends none of another user's by that.
                log.warning("foreign session not ended", extra={"session_id": session_id, "user_id": user_id})
                return
        except StorageError:
            log.exception("end not noted", extra={"session_id": session_id})
        log.info("session ended for good", extra={"session_id": session_id, "ended_by": ended_by})
        self._bus.publish(SessionEndedForGood(user_id, session_id, ended_by))

    def _back(self, session: AgentSession) -> bool:
        return self._registry.get(session.id) not in (None, session)

    def _forget(self, session_id: str, task: asyncio.Task[None]) -> None:
        if self._asking.get(session_id) is task:
            del self._asking[session_id]
        if not task.cancelled() and task.exception() is not None:
            log.error("end of a session not judged", exc_info=task.exception(), extra={"session_id": session_id})


async def _nothing() -> None:
    return
