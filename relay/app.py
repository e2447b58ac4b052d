"""Put the parts together: the only place that knows every one of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from relay import __version__
from relay.clock import Clock
from relay.config import ConfigError, Settings
from relay.http.client_address import ClientAddress, ProxyPolicy, TrustProxy, parse_networks
from relay.http.errors import MISSING_KEY, STORAGE_UNAVAILABLE
from relay.http.health import Health, Readiness
from relay.http.identity import Identity
from relay.http.latest_version import LatestVersion
from relay.http.origins import OriginPolicy
from relay.http.security import SecurityHeaders
from relay.http.server import HttpPolicy, HttpServer
from relay.http.static import StaticUi
from relay.storage import Storage, StorageError


class Application:
    """Own every part of a running relay."""

    def __init__(self, storage: Storage, http: HttpServer, versions: LatestVersion) -> None:
        self.http = http
        self._storage = storage
        self._versions = versions

    @classmethod
    async def create(cls, settings: Settings, clock: Clock, *, port: int, scheme: str) -> Application:
        """Open the records and build the parts; raises ConfigError, StorageError and OSError with a readable line.

        `port` and `scheme` are those that the listener is bound to.
        """
        security = SecurityHeaders()
        ui = await asyncio.to_thread(open_ui, settings.server.ui_dir, security)
        storage = await Storage.open(settings.database_path)
        address = ClientAddress(proxy_policy(settings))
        origins = OriginPolicy(settings.trusted_origins, address)
        health = Health(
            clock, Readiness(storage=lambda: storage.healthy), __version__, ui.build_timestamp if ui else None
        )
        versions = LatestVersion(settings.server.update_check_url, clock)
        http = HttpServer(
            [*health.routes(), *versions.routes(), *(ui.routes() if ui else ())],
            HttpPolicy(_nobody, address, origins, security, errors={StorageError: STORAGE_UNAVAILABLE}),
            fallback=ui.serve if ui else None,
        )
        return cls(storage, http, versions)

    def startup_lines(self) -> list[str]:
        """Answer what the terminal shows besides the addresses."""
        return []

    async def close(self) -> None:
        """Finish what is under way and let go of everything, in the reverse order of creation."""
        await self.http.close()
        await self._versions.close()
        await self._storage.close()


def proxy_policy(settings: Settings) -> ProxyPolicy:
    """Read the proxy settings as a policy."""
    server = settings.server
    trust = {"nobody": TrustProxy.NOBODY, "loopback": TrustProxy.LOOPBACK, "private": TrustProxy.PRIVATE}
    return ProxyPolicy(trust[server.trust_proxy], parse_networks(server.trusted_proxy_cidrs), server.proxy_depth)


def open_ui(directory: str, security: SecurityHeaders) -> StaticUi | None:
    """Open the UI directory; None when there is none, ConfigError when what is named can't be served."""
    if not directory:
        return None
    try:
        return StaticUi(Path(directory).expanduser(), security)
    except OSError as error:
        raise ConfigError(f"server.ui_dir: cannot read {error.filename}: {error.strerror}") from error


async def _nobody(request: web.Request) -> Identity:
    raise MISSING_KEY()
