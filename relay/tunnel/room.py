"""Put the room together (tunnel.md)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from relay.accounts.accounts import Accounts
from relay.clock import Clock
from relay.events import Bus
from relay.http.client_address import ClientAddress
from relay.http.origins import OriginPolicy
from relay.http.routes import Route
from relay.runners.identities import RunnerIdentities
from relay.runners.registry import RunnerRegistry
from relay.sessions.registry import SessionRegistry
from relay.sessions.store import SessionRow
from relay.storage import Storage
from relay.tunnel.access import AccessNeeds, Doors
from relay.tunnel.exchange import Exchange
from relay.tunnel.labels import Labels
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from relay.tunnel.links import TunnelLinks
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.proxy import Proxy
from relay.tunnel.registration import TunnelEndpoint
from relay.tunnel.revocation import Revocation
from relay.tunnel.routes import TunnelRoutes
from relay.tunnel.spill import SpillBudget
from relay.tunnel.store import LabelStore
from relay.tunnel.token_routes import TokenRoutes
from relay.tunnel.tokens import TunnelTokens
from relay.tunnel.upgrades import Bridges

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TunnelConfig:
    """Hold what an operator decides; `spill_folder` takes what slow browsers have not read yet."""

    secret: bytes
    spill_folder: Path
    previous_secret: bytes = b""
    links: TunnelLimits = field(default_factory=TunnelLimits)
    exchanges: ExchangeLimits = field(default_factory=ExchangeLimits)


@dataclass(frozen=True, slots=True)
class TunnelNeeds:
    """Gather what the room stands on; `session_row` answers the durable row of a session."""

    storage: Storage
    clock: Clock
    bus: Bus
    accounts: Accounts
    address: ClientAddress
    origins: OriginPolicy
    runners: RunnerRegistry
    identities: RunnerIdentities
    sessions: SessionRegistry
    session_row: Callable[[str], Awaitable[SessionRow | None]]
    hosts: TunnelOrigins


class TunnelRoom:
    """Own the tunnel sockets of runners and everything that runs over them."""

    def __init__(self, needs: TunnelNeeds, config: TunnelConfig) -> None:
        self.budget = SpillBudget(config.spill_folder, config.exchanges.spill_all)
        self.links = TunnelLinks(needs.clock, needs.bus, config.links, config.exchanges, self.budget)
        self._drain_for = config.links.drain_for
        self._revocation = Revocation(self.links, needs.bus)
        self.tokens = TunnelTokens(config.secret, config.previous_secret, needs.clock)
        self.labels = Labels(LabelStore(needs.storage), needs.clock, needs.bus)
        self.hosts = needs.hosts
        self._endpoint = TunnelEndpoint(
            self.links, needs.accounts, needs.runners, needs.identities, needs.clock, needs.address.ip, config.links
        )
        self._doors = Doors(
            AccessNeeds(
                needs.accounts, needs.origins, needs.runners, needs.identities, needs.sessions, needs.session_row
            ),
            self.tokens,
            self.labels,
            self.hosts,
        )
        self._proxy = Proxy(self.links, needs.address)

    def routes(self) -> list[Route]:
        """Answer the rows of the room."""
        tunnels = TunnelRoutes(self._endpoint, self._doors, self._proxy, Bridges(self._proxy), self.hosts)
        return [*tunnels.table(), *TokenRoutes(self._doors, self.tokens, self.labels, self.hosts).table()]

    async def start(self) -> None:
        """Read the stored labels and begin to send heartbeats; raises StorageError."""
        await self.labels.load()
        self.links.start()

    async def drain(self) -> None:
        """Let requests that are under way finish, for a while; bridged sockets have no end that could be waited for.

        New requests are the caller's to refuse.
        """
        loop = asyncio.get_running_loop()
        busy = {loop.create_task(channel.finished(Exchange)): channel for channel in self.links.channels}
        if not busy:
            return
        try:
            await asyncio.wait(busy, timeout=self._drain_for)
            left = sum(channel.open(Exchange) for task, channel in busy.items() if not task.done())
            if left:
                log.info("requests through tunnels are broken off", extra={"count": left})
        finally:
            for task in busy:
                task.cancel()

    async def close(self) -> None:
        """Close every runner's socket and finish what is being written."""
        await self.links.close()
        await self.labels.close()
