"""Answer the events of `/runner` that concern sessions (sockets-agents.md 3.1, 3.5, 3.9)."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from relay.clock import Clock
from relay.realtime import Ack, Namespace, Socket
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.ended import MAX_EXPECTED, EndWatch
from relay.sessions.heads import NULL, read
from relay.sessions.limits import SessionLimits
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.session import AgentSession
from relay.sessions.spawn_waiters import SpawnOutcome, SpawnWaiters

log = logging.getLogger(__name__)

#: What a runner says when it gives no reason (rest-runners.md 4.1).
_SPAWN_FAILED = "Runner spawn failed"

#: Publish an event that a runner sent in a session's name: `(session, event JSON)`.
PublishEvent = Callable[[AgentSession, bytes], None]
Report = Callable[[Runner, str, dict[str, object]], None]
#: Hear that a runner killed a session: `(user_id, session_id)`.
Killed = Callable[[str, str], None]


class RunnerEventPacket(msgspec.Struct):
    """Hold the body of a `runner_session_event`."""

    sessionId: object = None  # noqa: N815 - the contract's name
    event: msgspec.Raw = NULL


class RunnerSessionEvents:
    """Own what a runner reports about its sessions; a socket that is no runner's registered one is ignored."""

    def __init__(
        self,
        registry: SessionRegistry,
        runners: RunnerRegistry,
        waiters: SpawnWaiters,
        links: RunnerLinks,
        ends: EndWatch,
        clock: Clock,
        limits: SessionLimits,
        publish: PublishEvent,
    ) -> None:
        self._registry = registry
        self._runners = runners
        self._waiters = waiters
        self._links = links
        self._ends = ends
        self._clock = clock
        self._limits = limits
        self._publish = publish
        self._forced: set[asyncio.Task[None]] = set()
        self._killed: list[Killed] = []
        self._cleaned: OrderedDict[str, None] = OrderedDict()

    def attach(self, namespace: Namespace) -> None:
        """Add the events to `/runner`."""
        namespace.on("session_ready", self._about_session(self.ready))
        namespace.on("session_error", self._about_session(self.error))
        namespace.on("session_killed", self._about_session(self.killed))
        namespace.on("disconnect_session", self._about_session(self.disconnect))
        namespace.on("sessions_list", self._listed)
        namespace.on("runner_session_event", self._event, raw=True)

    def when_killed(self, hook: Killed) -> None:
        """Run `hook` with each session that a runner killed, but for those that their parent cleaned up."""
        self._killed.append(hook)

    def cleaned_up(self, session: AgentSession) -> None:
        """Note that its parent ends a session; the kill that follows is no news to it (rest-runners.md 14.1)."""
        self._cleaned[session.id] = None
        if len(self._cleaned) > MAX_EXPECTED:
            self._cleaned.popitem(last=False)

    async def close(self) -> None:
        """Drop the forced ends that are still to come."""
        tasks = list(self._forced)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ready(self, runner: Runner, session_id: str, payload: dict[str, object]) -> None:
        """Link a session that a runner started and release whoever waits for it; a repeat releases as well.

        A claim to a session that is another user's or in a turn on another live runner releases nobody.
        """
        if not self._links.may_claim(runner, session_id):
            log.warning("claim refused", extra={"runner_id": runner.runner_id, "session_id": session_id})
            return
        self._links.link(runner, session_id)
        self._waiters.report(runner.user_id, session_id, SpawnOutcome(True))

    def error(self, runner: Runner, session_id: str, payload: dict[str, object]) -> None:
        """Fail the spawn that waits for a session of this runner."""
        if not self._links.may_claim(runner, session_id):
            return
        message = payload.get("message")
        reason = message if isinstance(message, str) and message else _SPAWN_FAILED
        self._waiters.report(runner.user_id, session_id, SpawnOutcome(False, reason))
        self._links.forget_spawn(session_id)

    def killed(self, runner: Runner, session_id: str, payload: dict[str, object]) -> None:
        """Untie a session that its runner killed; the end of its agent's connection ends it for good."""
        if self._links.owns(runner, session_id):
            session = self._registry.get(session_id)
            self._links.unlink(runner, session_id)
            self._ends.killed(runner, session_id, session)
            if session_id not in self._cleaned:
                for hook in self._killed:
                    hook(runner.user_id, session_id)
            self._cleaned.pop(session_id, None)

    def disconnect(self, runner: Runner, session_id: str, payload: dict[str, object]) -> None:
        """End a session that the runner adopted, first politely, after 3 s by closing its socket (3.9)."""
        session = self._registry.get(session_id)
        if session is None or session.socket is None or not self._links.owns(runner, session_id):
            return
        self._ends.expect_end(session)
        command = {"id": f"disconnect-{session_id}-{self._clock.now_ms()}", "command": "end_session"}
        session.socket.emit("exec", command)
        task = asyncio.create_task(self._force(session, session.socket), name="forced end")
        self._forced.add(task)
        task.add_done_callback(self._forced.discard)

    async def _force(self, session: AgentSession, socket: Socket) -> None:
        await asyncio.sleep(self._limits.disconnect_grace)
        if socket.connected and self._registry.by_socket(socket) is session:
            socket.disconnect()

    async def _listed(self, socket: Socket, payload: object, ack: Ack) -> None:
        runner = self._runners.socket_runner(socket)
        sessions = payload.get("sessions") if isinstance(payload, dict) else None
        if runner is not None and isinstance(sessions, list):
            self._ends.listed(runner, frozenset(entry for entry in sessions if isinstance(entry, str)))

    async def _event(self, socket: Socket, payload: bytes, ack: Ack) -> None:
        runner = self._runners.socket_runner(socket)
        packet = read(RunnerEventPacket, payload)
        if runner is None or packet is None or not isinstance(packet.sessionId, str):
            return
        session = self._registry.get(packet.sessionId)
        event = bytes(packet.event)
        if session is not None and event.startswith(b"{") and self._links.owns(runner, session.id):
            self._publish(session, event)
            if session.queue.full:
                # As with an agent that is too quick, its socket is not read meanwhile (2.5).
                await session.queue.room()

    def _about_session(self, report: Report) -> Callable[[Socket, object, Ack], Awaitable[None]]:
        async def on_event(socket: Socket, payload: object, ack: Ack) -> None:
            runner = self._runners.socket_runner(socket)
            if runner is None or not isinstance(payload, dict):
                return
            session_id = payload.get("sessionId")
            if isinstance(session_id, str) and usable_id(session_id):
                report(runner, session_id, payload)

        return on_event
