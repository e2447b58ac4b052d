"""Put together the ways of events, once for the room: targets, wakes, listeners, broadcasts, their calls."""

from __future__ import annotations

from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.runners.room import RunnerRoom
from relay.sessions.room import SessionRoom
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import Storage
from relay.triggers.autospawn import AutoSpawn
from relay.triggers.broadcast import Broadcasts
from relay.triggers.deliveries import Deliveries
from relay.triggers.event_routes import EventRoutes
from relay.triggers.events import Events, Ways
from relay.triggers.history import TriggerHistory
from relay.triggers.killed import KilledChildren
from relay.triggers.limits import TriggerLimits
from relay.triggers.listeners import Listeners
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.targets import Targets
from relay.triggers.trigger_routes import TriggerRoutes
from relay.triggers.wake import Wakes


class Publishing:
    """Own what brings events to sessions; `events` is what other rooms publish through."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        bus: Bus,
        limits: TriggerLimits,
        sessions: SessionRoom,
        runners: RunnerRoom,
        hidden_models: HiddenModelsOf,
    ) -> None:
        self._storage = storage
        self.bus = bus
        self._clock = clock
        self.limits = limits
        self._sessions = sessions
        self._runners = runners
        registry = sessions.registry
        self.targets = Targets(registry, sessions.store, sessions.runner_links, bus, clock, sessions.limits, limits)
        self.wakes = Wakes(self.targets, runners, sessions.spawns, sessions.runner_links, hidden_models, clock, limits)
        self.history = TriggerHistory(storage, registry, clock)
        self.deliveries = Deliveries(storage, registry, sessions.links, self.history, bus, clock, limits)
        self.auto_spawn = AutoSpawn(
            self.targets, runners.registry, sessions.spawns, hidden_models, self.history, sessions.limits, clock
        )
        self.killed = KilledChildren(
            registry, sessions.store, sessions.links, self.deliveries, self.history, clock, sessions.limits
        )
        sessions.registration.when_linked(self.history.linked)
        # What waited for a session comes before what only waited for its arrival.
        sessions.registration.after_registered(self.deliveries.registered)
        sessions.registration.after_registered(self.targets.registered)
        sessions.sweeper.also(self.deliveries.sweep)
        sessions.runner_events.when_killed(self.killed.killed)
        sessions.ends.when_vanished(self.killed.vanished)

    def connect(self, subscriptions: Subscriptions, listeners: Listeners) -> None:
        """Take what knows who wants which event."""
        sessions, runners = self._sessions, self._runners
        self.broadcasts = Broadcasts(
            subscriptions,
            listeners,
            sessions.registry,
            self.auto_spawn,
            self.history,
            self._clock,
            sessions.limits,
            self.limits,
        )
        ways = Ways(
            self.targets,
            self.wakes,
            self.broadcasts,
            self.auto_spawn,
            subscriptions,
            listeners,
            runners.registry,
            sessions.registry,
            sessions.links,
        )
        self.events = Events(
            self._storage, ways, self.deliveries, self.history, self._clock, sessions.limits, self.limits
        )

    def routes(self) -> list[Route]:
        """Answer the rows of this part."""
        sessions, runners = self._sessions, self._runners
        return [
            *EventRoutes(self.events, self.deliveries, sessions.registry).table(),
            *TriggerRoutes(self.broadcasts, self.deliveries, self.history, sessions.registry, runners.registry).table(),
        ]

    async def close(self) -> None:
        """Give up what waits for others, and finish what is being written; call it before the storage closes."""
        await self.events.close()
        await self.wakes.close()
        await self.auto_spawn.close()
        await self.killed.close()
        await self.deliveries.close()
