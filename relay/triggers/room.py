"""Put the parts of the triggers room together, once for the application and for its tests."""

from __future__ import annotations

from relay.clock import Clock
from relay.events import Bus
from relay.realtime import Realtime
from relay.sessions.room import SessionRoom
from relay.storage import Storage
from relay.triggers.deliveries import Deliveries
from relay.triggers.history import TriggerHistory
from relay.triggers.sockets import TriggerSockets
from relay.triggers.viewer import ViewerTriggers, Watched


class TriggerRoom:
    """Own trigger history and deliveries, and hear from the sessions room what concerns them."""

    def __init__(self, storage: Storage, clock: Clock, bus: Bus, sessions: SessionRoom) -> None:
        self._clock = clock
        self._sessions = sessions
        self.history = TriggerHistory(storage, sessions.registry, clock)
        self.deliveries = Deliveries(storage, sessions.registry, sessions.links, bus, clock)
        sessions.registration.when_linked(self.history.linked)
        sessions.registration.after_registered(self.deliveries.registered)
        sessions.sweeper.also(self.deliveries.sweep)

    def attach(self, realtime: Realtime, watched: Watched) -> None:
        """Add the room's events to `/relay` and `/viewer`; `watched` answers the session that a browser watches."""
        sessions = self._sessions
        TriggerSockets(
            sessions.registry, sessions.links, self.history, self.deliveries, self._clock, sessions.limits
        ).attach(realtime.namespace("/relay"))
        ViewerTriggers(sessions.registry, sessions.links, self.history, self.deliveries, watched).attach(
            realtime.namespace("/viewer")
        )

    async def close(self) -> None:
        """Finish what is under way; call it before the storage closes."""
        await self.deliveries.close()
