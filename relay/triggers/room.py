"""Put the parts of the triggers room together, once for the application and for its tests."""

from __future__ import annotations

from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.realtime import Realtime
from relay.runners.room import RunnerRoom
from relay.sessions.room import SessionRoom
from relay.storage import Storage
from relay.triggers.limits import TriggerLimits
from relay.triggers.listener_routes import HiddenModelsOf, ListenerRoutes
from relay.triggers.listeners import Listeners
from relay.triggers.owners import SessionOwners
from relay.triggers.pseudo import PseudoSessions
from relay.triggers.publishing import Publishing
from relay.triggers.reconcile import Deltas, Snapshots
from relay.triggers.route_routes import RouteRoutes
from relay.triggers.sockets import TriggerSockets
from relay.triggers.subscribing import Subscribing
from relay.triggers.subscription_routes import SubscriptionRoutes
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.viewer import ViewerTriggers, Watched


class TriggerRoom:
    """Own subscriptions, listeners, trigger history and deliveries; hear from the rooms below what concerns them."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        bus: Bus,
        sessions: SessionRoom,
        runners: RunnerRoom,
        hidden_models: HiddenModelsOf,
        limits: TriggerLimits,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._runners = runners
        self._hidden_models = hidden_models
        deltas = Deltas(runners.registry, runners.revisions)
        self.subscriptions = Subscriptions(storage, sessions.registry, runners.registry, deltas, bus, clock)
        self.listeners = Listeners(storage, deltas, bus, clock)
        #: A hook of a runner's registration.
        self.snapshots = Snapshots(runners.revisions, (self.subscriptions, self.listeners))
        self.owners = SessionOwners(sessions.registry, sessions.store, sessions.runner_links, self.subscriptions)
        sessions.sweeper.also(self.subscriptions.sweep)
        self.publishing = Publishing(storage, clock, bus, limits, sessions, runners, hidden_models)
        self.publishing.connect(self.subscriptions, self.listeners)
        self.history, self.deliveries = self.publishing.history, self.publishing.deliveries

    def attach(self, realtime: Realtime, watched: Watched) -> None:
        """Add the room's events to `/relay` and `/viewer`; `watched` answers the session that a browser watches."""
        sessions = self._sessions
        TriggerSockets(
            sessions.registry, sessions.links, self.history, self.deliveries, self._clock, sessions.limits
        ).attach(realtime.namespace("/relay"))
        ViewerTriggers(sessions.registry, sessions.links, self.history, self.deliveries, watched).attach(
            realtime.namespace("/viewer")
        )

    def routes(self) -> list[Route]:
        """Answer the room's rows."""
        sessions, runners = self._sessions.registry, self._runners
        subscribing = Subscribing(self.subscriptions, self.owners, runners.registry, self._clock)
        pseudo = PseudoSessions(self.listeners, runners.registry, runners.identities)
        return [
            *SubscriptionRoutes(
                sessions, runners.registry, self.owners, self.subscriptions, subscribing, pseudo
            ).table(),
            *RouteRoutes(self.owners, self.subscriptions, subscribing, self.listeners).table(),
            *ListenerRoutes(
                runners.door, sessions, self.subscriptions, self.listeners, self._hidden_models, self._clock
            ).table(),
            *self.publishing.routes(),
        ]

    async def start(self) -> None:
        """Read what is stored, before the first socket can come: no runner may get less than that (8.9)."""
        await self.subscriptions.load()
        await self.listeners.load()

    async def close(self) -> None:
        """Finish what is under way; call it before the storage closes."""
        await self.subscriptions.close()
        await self.publishing.close()
