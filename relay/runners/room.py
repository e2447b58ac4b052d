"""Put the parts of the runners room together, once for the application and for its tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from relay.accounts.handshake import AgentHandshake, BrowserHandshake
from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.realtime import Realtime
from relay.runners.catalogue import Catalogue
from relay.runners.feed import NAMESPACE, RunnersFeed
from relay.runners.folders import RecentFolders
from relay.runners.identities import RunnerIdentities
from relay.runners.registration import Contributors, Registrar
from relay.runners.registry import RunnerRegistry
from relay.runners.routes import RunnerRoutes
from relay.runners.rpc import MAX_PENDING, RunnerRpc
from relay.runners.sockets import RunnerSockets
from relay.runners.store import RunnerStore
from relay.runners.subscriptions import SubscriptionRevisions
from relay.storage import Storage


class RunnerRoom:
    """Own every part of the room; `registry`, `rpc` and the like are what other rooms build on."""

    def __init__(self, storage: Storage, clock: Clock, bus: Bus, *, max_pending: int = MAX_PENDING) -> None:
        """`max_pending` bounds the open requests of one runner and family (sockets-agents.md 3.13)."""
        store = RunnerStore(storage)
        self._bus = bus
        self.registry = RunnerRegistry()
        self.rpc = RunnerRpc(max_pending=max_pending)
        self.identities = RunnerIdentities(store, clock)
        self.folders = RecentFolders(store, clock)
        self.revisions = SubscriptionRevisions(clock)

    def attach(
        self,
        realtime: Realtime,
        agent: AgentHandshake,
        browser: BrowserHandshake,
        contributors: Contributors,
        session_ids: Callable[[str, str], Sequence[str]],
    ) -> RunnersFeed:
        """Add the room's events to `/runner` and `/runners`; `contributors` know what lies above (3.2)."""
        feed = RunnersFeed(self.registry, session_ids)
        feed.attach(realtime.namespace(NAMESPACE), browser)
        registrar = Registrar(self.registry, self.identities, self.rpc, feed, self._bus, contributors)
        catalogue = Catalogue(self.rpc, feed.updated)
        RunnerSockets(self.registry, registrar, catalogue, feed.updated).attach(realtime.namespace("/runner"), agent)
        return feed

    def routes(
        self,
        session_ids: Callable[[str, str], Sequence[str]],
        hidden_models: Callable[[str], Awaitable[Iterable[str]]],
    ) -> list[Route]:
        """Answer the room's rows."""
        return RunnerRoutes(self.registry, self.rpc, self.folders, session_ids, hidden_models).table()
