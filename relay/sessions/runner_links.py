"""Tie sessions to the runners that run them (sockets-agents.md 3.5, rest-runners.md 4.2)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay.clock import Clock
from relay.events import Bus, SessionStatus
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.limits import SessionLimits
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

log = logging.getLogger(__name__)

#: Sessions spawned and not yet registered, of all users; the oldest give way.
MAX_PENDING: Final = 10_000
#: Sessions that one runner says it runs; above it those that are not live are forgotten.
MAX_OWNED: Final = 10_000

#: Note that small columns of a session's row changed.
MarkRow = Callable[[AgentSession], None]


@dataclass(frozen=True, slots=True)
class _Expected:
    """Hold the runner that a session not yet registered belongs to; `until` is monotonic seconds."""

    runner_id: str
    user_id: str
    until: float


class RunnerLinks:
    """Link live sessions at once and those that have not registered yet when they do."""

    def __init__(
        self,
        registry: SessionRegistry,
        runners: RunnerRegistry,
        bus: Bus,
        clock: Clock,
        limits: SessionLimits,
        mark_row: MarkRow,
    ) -> None:
        self._registry = registry
        self._runners = runners
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._mark_row = mark_row
        self._pending: OrderedDict[str, _Expected] = OrderedDict()
        self._spawned: OrderedDict[str, _Expected] = OrderedDict()

    def owns(self, runner: Runner, session_id: str) -> bool:
        """Tell whether a runner runs a session: the live record names it, or it proved so earlier (3.5)."""
        session = self._registry.get(session_id)
        if session is None:
            return session_id in runner.owned_sessions
        if session.user_id != runner.user_id:
            return False
        return session.runner_id == runner.runner_id or session_id in runner.owned_sessions

    def may_claim(self, runner: Runner, session_id: str) -> bool:
        """Tell whether a runner may say that it runs a session: nobody takes over from a live runner in mid-turn."""
        session = self._registry.get(session_id)
        if session is None:
            # Where it was ordered says more than what a runner claimed of an id that nobody held.
            expected = self._expected(self._spawned, session_id) or self._expected(self._pending, session_id)
            return expected is None or expected.user_id == runner.user_id
        if session.user_id != runner.user_id:
            return False
        if session.runner_id is None or session.runner_id == runner.runner_id or not session.is_active:
            return True
        holder = self._runners.get(session.runner_id)
        return holder is None or not holder.connected

    def link(self, runner: Runner, session_id: str) -> None:
        """Link a session to its runner; one that has not registered yet is linked when it does, within 10 minutes."""
        if len(runner.owned_sessions) >= MAX_OWNED:
            runner.owned_sessions.intersection_update([live.id for live in self._registry.of_runner(runner.runner_id)])
        runner.owned_sessions.add(session_id)
        session = self._registry.get(session_id)
        if session is None:
            self._remember(self._pending, session_id, runner)
            return
        if session.user_id != runner.user_id or (session.runner_id == runner.runner_id and session.links.runner_name):
            return
        self._registry.link_runner(session, runner.runner_id, runner.name)
        self._changed(session)

    def unlink(self, runner: Runner, session_id: str) -> AgentSession | None:
        """Untie a session that its runner killed; answer the live one that named the runner."""
        runner.owned_sessions.discard(session_id)
        self.drop_pending_link(session_id)
        session = self._registry.get(session_id)
        if session is None or session.runner_id != runner.runner_id:
            return None
        self._registry.link_runner(session, None, None)
        self._changed(session)
        return session

    def take_pending_link(self, session_id: str, user_id: str | None = None) -> str | None:
        """Answer and forget the runner that waits for this session (2.3, step 4); each registration calls it.

        None without one, when the runner is not registered, or when it is not `user_id`'s.
        """
        self._spawned.pop(session_id, None)
        expected = self._pending.pop(session_id, None)
        if expected is None or expected.until <= self._clock.monotonic():
            return None
        runner = self._runners.get(expected.runner_id)
        if runner is None or runner.user_id != expected.user_id or user_id not in (None, expected.user_id):
            return None
        return expected.runner_id

    def drop_pending_link(self, session_id: str) -> None:
        """Forget that a runner waits for a session (2.10, row 2)."""
        self._pending.pop(session_id, None)

    def note_spawn(self, runner: Runner, session_id: str) -> None:
        """Remember that a session was ordered here for the runner's user."""
        self._remember(self._spawned, session_id, runner)

    def forget_spawn(self, session_id: str) -> None:
        """Forget a session that the runner did not start."""
        self._spawned.pop(session_id, None)
        self._pending.pop(session_id, None)

    def is_recent(self, session_id: str, user_id: str) -> bool:
        """Tell whether a session was spawned here for a user and may not have registered yet."""
        expected = self._expected(self._spawned, session_id)
        return expected is not None and expected.user_id == user_id

    def recent_runner(self, session_id: str, user_id: str) -> str | None:
        """Answer the runner that a session just spawned for a user was ordered from."""
        return self._spawned[session_id].runner_id if self.is_recent(session_id, user_id) else None

    def _changed(self, session: AgentSession) -> None:
        self._mark_row(session)
        fields: dict[str, object] = {
            **session.status(),
            "runnerId": session.links.runner_id,
            "runnerName": session.links.runner_name,
        }
        self._bus.publish(SessionStatus(session.user_id, session.id, fields))

    def _expected(self, book: OrderedDict[str, _Expected], session_id: str) -> _Expected | None:
        expected = book.get(session_id)
        return expected if expected is not None and expected.until > self._clock.monotonic() else None

    def _remember(self, book: OrderedDict[str, _Expected], session_id: str, runner: Runner) -> None:
        now = self._clock.monotonic()
        book.pop(session_id, None)
        book[session_id] = _Expected(runner.runner_id, runner.user_id, now + self._limits.pending_link_life)
        while book:
            oldest, expected = next(iter(book.items()))
            if expected.until > now and len(book) <= MAX_PENDING:
                break
            del book[oldest]
