"""Put the parts of the sessions room together, once for the application and for its tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from relay.accounts.handshake import AgentHandshake
from relay.attachments.attachments import Attachments
from relay.attachments.uploads import Uploads
from relay.clock import Clock, iso
from relay.events import Bus
from relay.http.routes import Route
from relay.realtime import Realtime
from relay.runners.profile import Item
from relay.runners.runner import Runner
from relay.sessions.control_routes import ControlRoutes
from relay.sessions.effects import Effects
from relay.sessions.ended import EndWatch
from relay.sessions.factory import SessionFactory
from relay.sessions.history.history import History
from relay.sessions.history.retention import Retention
from relay.sessions.history.routes import HistoryRoutes
from relay.sessions.images import ImageExtractor
from relay.sessions.limits import SessionLimits
from relay.sessions.links.handlers import LinkHandlers, Neighbours
from relay.sessions.links.links import Links
from relay.sessions.machine_routes import MachineRoutes
from relay.sessions.mcp_oauth import McpOAuth
from relay.sessions.messages import Messages
from relay.sessions.persistence import Persistence
from relay.sessions.pipeline import Pipeline
from relay.sessions.registration import Registration
from relay.sessions.registry import SessionRegistry
from relay.sessions.runner_events import RunnerSessionEvents
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.session import AgentSession
from relay.sessions.snapshots import Snapshots
from relay.sessions.sockets import SUBAGENT_MODEL, AgentSockets
from relay.sessions.spawn import Spawns
from relay.sessions.spawn_keys import SpawnKeys
from relay.sessions.spawn_routes import Machines, SpawnRoutes
from relay.sessions.spawn_waiters import SpawnWaiters
from relay.sessions.state_loader import StateLoader
from relay.sessions.store import SessionStore, SpawnKeyStore
from relay.sessions.sweeper import Sweeper
from relay.sessions.teardown import Teardown
from relay.sessions.upload_routes import UploadRoutes
from relay.storage import Storage

#: Absent sessions that one sweep gives up; the next takes the rest.
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class SessionNeeds:
    """Gather what the room needs from below and from the composition root."""

    storage: Storage
    clock: Clock
    bus: Bus
    limits: SessionLimits
    machines: Machines
    attachments: Attachments
    hidden_models: Callable[[str], Awaitable[Iterable[str]]]
    subagent_model: Callable[[str], Awaitable[str | None]]
    public_base: Callable[[web.Request], str]


class SessionRoom:
    """Own every part of the room; `registry`, `pipeline` and the like are what other rooms build on."""

    def __init__(self, needs: SessionNeeds) -> None:
        clock, bus, limits = needs.clock, needs.bus, needs.limits
        runners = needs.machines.registry
        self._needs = needs
        self.limits = limits
        self.registry = SessionRegistry(limits)
        self.history = History(needs.storage)
        self.store = SessionStore(needs.storage, self.history.touch)
        self.persistence = Persistence(self.store, clock, limits)
        self.states = StateLoader(self.store, self.persistence.saved)
        self.effects = Effects(clock, bus, self.persistence, limits)
        self.pipeline = Pipeline(
            clock, self.effects, Snapshots(clock, self.effects, self.persistence, ImageExtractor(needs.attachments))
        )
        self.links = Links(needs.storage, clock, limits, self.registry)
        self.runner_links = RunnerLinks(self.registry, runners, bus, clock, limits, self.persistence.mark_row)
        self.ends = EndWatch(self.registry, runners, bus, clock, limits, self.store.set_ended_by)
        self.teardown = Teardown(self.registry, self.store, self.persistence, bus, clock, limits)
        self.teardown.connect(self.to_runner, self._unlink, self.runner_links.drop_pending_link)
        self.factory = SessionFactory(self.registry, clock, limits)
        self.registration = Registration(
            self.registry,
            self.factory,
            self.store,
            self.teardown,
            self.links,
            self.runner_links,
            runners,
            bus,
            clock,
        )
        self.registration.after_registered(lambda session: self.ends.came_back(session.id))
        self.registration.after_registered(self._tell_subagent_model)
        retention = Retention(needs.storage, needs.attachments, self.history, clock)
        self.sweeper = Sweeper(
            self.registry,
            self.store,
            self.factory,
            self.teardown,
            clock,
            limits,
            (retention.sweep, needs.attachments.sweep, self.links.sweep),
        )
        self.waiters = SpawnWaiters(clock, limits)
        self.spawns = Spawns(self.waiters, self.runner_links, limits)
        self.runner_events = RunnerSessionEvents(
            self.registry,
            runners,
            self.waiters,
            self.runner_links,
            self.ends,
            clock,
            limits,
            self.pipeline.runner_event,
        )
        self.spawn_keys = SpawnKeys(SpawnKeyStore(needs.storage), self.registry, self.runner_links, clock)
        self.sweeper.also(self._give_up_absent)
        self.sweeper.also(self.spawn_keys.sweep)
        self.sockets = AgentSockets(
            self.registry,
            self.registration,
            self.pipeline,
            self.teardown,
            needs.public_base,
            self.ends,
            bus,
        )

    def attach(self, realtime: Realtime, handshake: AgentHandshake) -> None:
        """Add the room's events to `/relay` and `/runner`."""
        relay = realtime.namespace("/relay")
        needs, limits = self._needs, self._needs.limits
        self.sockets.attach(relay, handshake)
        LinkHandlers(
            self.registry,
            self.links,
            needs.clock,
            limits,
            needs.bus,
            Neighbours(self.teardown.end, self.to_runner, self._cleaned_up, self.persistence.mark_row),
        ).attach(relay)
        Messages(self.registry, self.links, needs.clock, limits, self.runner_links.is_recent).attach(relay)
        self.runner_events.attach(realtime.namespace("/runner"))

    def routes(self) -> list[Route]:
        """Answer the room's rows."""
        needs = self._needs
        spawn = SpawnRoutes(
            needs.machines, self.registry, self.spawns, needs.hidden_models, needs.public_base, self.spawn_keys
        )
        return [
            *spawn.table(),
            *UploadRoutes(self.registry, Uploads(needs.attachments, needs.clock)).table(),
            *McpOAuth(self.registry, needs.clock, self.limits.agent_wait).table(),
            *HistoryRoutes(self.registry, self.history).table(),
            *ControlRoutes(self.registry, needs.hidden_models).table(),
            *MachineRoutes(needs.machines.door, self.registry, self.store).table(),
        ]

    async def start(self) -> None:
        """Read what is stored and begin to work; call it before the first socket can come."""
        await self.links.load()
        await self.sweeper.restore()
        self.persistence.start()
        self.sweeper.start()

    async def close(self) -> None:
        """Stop, and write the newest state of every live session (sockets-agents.md 4.4)."""
        await self.spawn_keys.close()
        await self.sweeper.close()
        await self.ends.close()
        await self.runner_events.close()
        await self.registry.close()
        for session in self.registry:
            self.persistence.mark_row(session)
        await self.persistence.close()

    def to_runner(self, runner_id: str, event: str, body: dict[str, object]) -> bool:
        """Send an event to a runner; answer False when it is not connected."""
        runner = self._needs.machines.registry.get(runner_id)
        if runner is None or not runner.connected:
            return False
        runner.emit(event, body)
        return True

    def session_ids(self, user_id: str, runner_id: str) -> list[str]:
        """Answer the ids of a user's live sessions on a runner."""
        return [session.id for session in self.registry.of_runner(runner_id) if session.user_id == user_id]

    def existing_sessions(self, runner: Runner) -> list[Item]:
        """Answer the sessions that a registering runner can adopt: their agent is connected now (3.2, step 5)."""
        existing: list[Item] = []
        for session in self.registry.of_runner(runner.runner_id):
            if not session.connected or session.user_id != runner.user_id:
                continue
            item: Item = {"sessionId": session.id, "cwd": session.cwd}
            if session.session_file is not None:
                item["sessionFile"] = session.session_file
            existing.append(item)
        return existing

    def ended_by_person(self, session_id: str) -> None:
        """Hear that a person ended a session from a browser (2.10)."""
        session = self.registry.get(session_id)
        if session is not None:
            self.ends.expect_end(session)

    async def _tell_subagent_model(self, session: AgentSession) -> None:
        """Send the user's choice to an agent that registered, when there is one (2.2)."""
        model = await self._needs.subagent_model(session.user_id)
        if model is not None and session.socket is not None:
            session.socket.emit(SUBAGENT_MODEL, {"model": model})

    async def _give_up_absent(self) -> None:
        """End the sessions that have been away for longer than a silent one lives (2.10). Raises StorageError."""
        before = iso(self._needs.clock.now_ms() - self.limits.silent_timeout * 1000)
        for session_id, user_id in await self.store.away_since(before, _AT_ONCE):
            await self.ends.gone(user_id, session_id)

    def _cleaned_up(self, session: AgentSession) -> None:
        self.ends.expect_end(session)
        self.runner_events.cleaned_up(session)

    async def _unlink(self, session: AgentSession) -> None:
        await self.links.confirm_terminal(session.id)
