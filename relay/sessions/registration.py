"""Register an agent's session: who owns the id, what it continues, and what everybody hears (sockets-agents.md 2.3)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import uuid4

from relay.clock import Clock
from relay.events import Bus, SessionAdded
from relay.realtime import Socket
from relay.runners.registry import RunnerRegistry
from relay.sessions.agent import Agent
from relay.sessions.factory import SessionFactory
from relay.sessions.links.links import LinkOutcome, Links, ParentState
from relay.sessions.registry import SessionRegistry
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionRow, SessionStore
from relay.sessions.teardown import RECONNECTED, Teardown

log = logging.getLogger(__name__)


class _Taken(Exception):
    """Say that the id belongs to somebody else."""


class Registration:
    """Turn `register` events into live sessions, one at a time per id."""

    def __init__(
        self,
        registry: SessionRegistry,
        factory: SessionFactory,
        store: SessionStore,
        teardown: Teardown,
        links: Links,
        runner_links: RunnerLinks,
        runners: RunnerRegistry,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._factory = factory
        self._store = store
        self._teardown = teardown
        self._links = links
        self._runner_links = runner_links
        self._runners = runners
        self._bus = bus
        self._clock = clock
        self._after: list[Callable[[AgentSession], Awaitable[None] | None]] = []
        self._linked: list[Callable[[AgentSession], Awaitable[None]]] = []

    def after_registered(self, hook: Callable[[AgentSession], Awaitable[None] | None]) -> None:
        """Run `hook` after every later `registered`, in the order of these calls (2.3, step 11)."""
        self._after.append(hook)

    def when_linked(self, hook: Callable[[AgentSession], Awaitable[None]]) -> None:
        """Run `hook` with every child that got a parent it did not have (2.3, step 7)."""
        self._linked.append(hook)

    async def register(self, socket: Socket, agent: Agent) -> None:
        """Register `socket` as the agent of a session and answer `registered`.

        An id that somebody else owns is replaced by a fresh one. Raises StorageError when the database cannot say who
        owns it; the caller then closes the transport, after which the client comes back.
        """
        wanted = agent.session_id or str(uuid4())
        earlier = self._registry.by_socket(socket)
        if earlier is not None and earlier.id != wanted:
            await self._teardown.end(earlier, "Session ended", terminal=True, ended_by="other")
        while True:
            live = self._registry.get(wanted)
            if live is not None and live.user_id != agent.user_id:
                # Neither waits for the other's queue.
                wanted = str(uuid4())
                continue
            if live is not None and live.socket is not socket:
                # Events of the old socket that are still ahead in the queue fail the stale guard quickly (2.5).
                live.token = ""
            try:
                await self._registry.queue(wanted).run(partial(self._run, socket, agent, wanted))
            except _Taken:
                wanted = str(uuid4())
                continue
            return

    async def _run(self, socket: Socket, agent: Agent, session_id: str) -> None:
        """Carry out one registration inside the session's queue."""
        live = self._registry.get(session_id)
        if live is not None and live.user_id != agent.user_id:
            raise _Taken
        row = await self._store.row(session_id)
        if row is not None and row.user_id != agent.user_id:
            raise _Taken
        if _gone(socket):
            return
        if live is not None:
            await self._teardown.run(live, RECONNECTED, "session_reconnected")
        session = self._factory.register(agent, session_id, live, row)
        self._link_runner(session, live, row)
        outcome = await self._link_parent(session, agent, live, row)
        await self._store.start(self._factory.row(session))
        self._registry.add(session)
        self._registry.attach(session, socket)
        if outcome.newly_linked:
            for linked in self._linked:
                await linked(session)
        self._bus.publish(SessionAdded(session.user_id, session.id, session.info()))
        self._answer(socket, session, outcome)
        await self._run_hooks(session)
        log.info("session registered", extra={"session_id": session.id, "runner_id": session.runner_id})
        if _gone(socket):
            # It closed before this ran, so its disconnect found no session to end (2.3, trap).
            await self._teardown.run(session, "Session ended", "session_ended")

    def _link_runner(self, session: AgentSession, live: AgentSession | None, row: SessionRow | None) -> None:
        """Find the runner: a pending link, else the live record's, else the stored one's (2.3, step 4)."""
        pending = self._runner_links.take_pending_link(session.id, session.user_id)
        runner = self._runners.get(pending) if pending is not None else None
        if runner is not None:
            session.links.runner_id, session.links.runner_name = runner.runner_id, runner.name
            return
        if live is not None and live.links.runner_id is not None:
            session.links.runner_id, session.links.runner_name = live.links.runner_id, live.links.runner_name
        elif row is not None:
            session.links.runner_id, session.links.runner_name = row.runner_id, row.runner_name

    async def _link_parent(
        self, session: AgentSession, agent: Agent, live: AgentSession | None, row: SessionRow | None
    ) -> LinkOutcome:
        if live is not None:
            former = {live.links.parent_id, live.links.linked_parent_id}
            known = live.links.parent_id
        else:
            former = {row.parent_session_id, row.linked_parent_id} if row is not None else set()
            known = None
        outcome = await self._links.resolve(
            session,
            agent.parent_id or known,
            {parent for parent in former if parent is not None},
            partial(self._parent_state, session.user_id),
        )
        session.links.parent_id = outcome.parent_id
        session.links.linked_parent_id = outcome.linked_parent_id
        return outcome

    def _parent_state(self, user_id: str, parent_id: str) -> ParentState:
        parent = self._registry.get(parent_id)
        if parent is None:
            return ParentState.ABSENT
        return ParentState.PRESENT if parent.user_id == user_id else ParentState.FOREIGN

    def _answer(self, socket: Socket, session: AgentSession, outcome: LinkOutcome) -> None:
        answer: dict[str, object] = {
            "sessionId": session.id,
            "token": session.token,
            "shareUrl": session.share_url,
            "isEphemeral": session.is_ephemeral,
            "collabMode": session.collab_mode,
            "parentSessionId": session.links.parent_id,
            "serverTime": self._clock.now_ms(),
            "supportsSessionTriggerAck": True,
        }
        if outcome.was_delinked:
            answer["wasDelinked"] = True
        socket.emit("registered", answer)

    async def _run_hooks(self, session: AgentSession) -> None:
        for hook in self._after:
            try:
                waiting = hook(session)
                if waiting is not None:
                    await waiting
            except Exception:
                log.exception("what follows a registration failed", extra={"session_id": session.id})


def _gone(socket: Socket) -> bool:
    return not socket.connected
