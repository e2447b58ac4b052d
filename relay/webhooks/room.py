"""Put the parts of the webhooks room together, once for the application and for its tests."""

from __future__ import annotations

from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.runners.room import RunnerRoom
from relay.sessions.room import SessionRoom
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import Storage
from relay.triggers.room import TriggerRoom
from relay.webhooks.crud_routes import CrudRoutes
from relay.webhooks.delivery_log import DeliveryLog
from relay.webhooks.delivery_routes import DeliveryRoutes
from relay.webhooks.fire_routes import FireRoutes
from relay.webhooks.firing import Firing, Ways
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.nonces import Nonces
from relay.webhooks.store import WebhookStore
from relay.webhooks.webhooks import Webhooks


class WebhookRoom:
    """Own the webhooks, their nonces, their deliveries under way and the log of these."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        bus: Bus,
        sessions: SessionRoom,
        runners: RunnerRoom,
        triggers: TriggerRoom,
        hidden_models: HiddenModelsOf,
        limits: WebhookLimits,
    ) -> None:
        store = WebhookStore(storage)
        self.nonces = Nonces(clock, limits)
        self.deliveries = DeliveryLog(store, self.nonces, clock, limits)
        self.webhooks = Webhooks(store, self.deliveries, self.nonces, bus, clock, limits)
        publishing = triggers.publishing
        ways = Ways(
            runners.registry,
            runners.identities,
            sessions.spawns,
            publishing.targets,
            publishing.history,
            hidden_models,
        )
        self.firing = Firing(ways, self.deliveries, clock, sessions.limits, limits)
        self._tables = (
            CrudRoutes(self.webhooks, runners.identities, hidden_models, limits),
            FireRoutes(self.webhooks, self.nonces, self.firing, clock, limits),
            DeliveryRoutes(self.webhooks, self.deliveries, self.firing, clock),
        )
        sessions.sweeper.also(self.deliveries.sweep)

    def routes(self) -> list[Route]:
        """Answer the room's rows."""
        return [row for part in self._tables for row in part.table()]

    async def start(self) -> None:
        """Read what is stored, before the first request can come. Raises StorageError."""
        await self.webhooks.load()
        self.deliveries.start()

    async def close(self) -> None:
        """Give up what is under way and write the log; call it before the rooms below close."""
        await self.firing.close()
        await self.webhooks.close()
        await self.deliveries.close()
