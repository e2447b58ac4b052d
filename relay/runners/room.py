"""Put the parts of the runners room together, once for the application and for its tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from relay.accounts.handshake import AgentHandshake, BrowserHandshake
from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.realtime import Realtime
from relay.runners.catalogue import Catalogue
from relay.runners.definition_routes import AGENTS, SKILLS, DefinitionRoutes
from relay.runners.door import RunnerDoor
from relay.runners.feed import NAMESPACE, RunnersFeed
from relay.runners.file_routes import FileRoutes
from relay.runners.folders import RecentFolders
from relay.runners.identities import RunnerIdentities
from relay.runners.known_routes import KnownRunners
from relay.runners.limits import CommandLimits
from relay.runners.package_routes import PackageRoutes
from relay.runners.plugin_routes import PluginRoutes
from relay.runners.provider_routes import ProviderRoutes
from relay.runners.registration import Contributors, Registrar
from relay.runners.registry import RunnerRegistry
from relay.runners.routes import RunnerRoutes
from relay.runners.rpc import MAX_PENDING, RunnerRpc
from relay.runners.sandbox_routes import SandboxRoutes
from relay.runners.service_routes import ServiceRoutes
from relay.runners.settings_routes import SettingsRoutes
from relay.runners.sockets import RunnerSockets
from relay.runners.store import RunnerStore
from relay.runners.subscriptions import SubscriptionRevisions
from relay.runners.usage_routes import UsageRoutes
from relay.storage import Storage


class RunnerRoom:
    """Own every part of the room; `registry`, `rpc` and the like are what other rooms build on."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        bus: Bus,
        *,
        max_pending: int = MAX_PENDING,
        limits: CommandLimits | None = None,
    ) -> None:
        """`max_pending` bounds the open requests of one runner and family (sockets-agents.md 3.13)."""
        store = RunnerStore(storage)
        self._bus = bus
        self.registry = RunnerRegistry()
        self.rpc = RunnerRpc(max_pending=max_pending)
        self.door = RunnerDoor(self.registry, self.rpc, limits or CommandLimits())
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
        known = KnownRunners(self.registry, self.identities, session_ids)
        concerns = (
            RunnerRoutes(self.registry, self.rpc, self.folders, known, session_ids, hidden_models),
            known,
            DefinitionRoutes(SKILLS, self.door),
            DefinitionRoutes(AGENTS, self.door),
            PluginRoutes(self.door),
            FileRoutes(self.door),
            SandboxRoutes(self.door),
            UsageRoutes(self.door),
            ServiceRoutes(self.door),
            SettingsRoutes(self.door),
            ProviderRoutes(self.door),
            PackageRoutes(self.door),
        )
        return [row for concern in concerns for row in concern.table()]
