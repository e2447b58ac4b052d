"""Run the account routes on a loopback port, against a real database file."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, cast

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from relay.accounts.accounts import Accounts, AccountsConfig
from relay.accounts.limits import AccountLimits, SignInLimits
from relay.accounts.routes import routes
from relay.clock import Clock
from relay.events import Bus, CredentialsRevoked, UserRemoved
from relay.http.client_address import ClientAddress, ProxyPolicy, TrustProxy
from relay.http.errors import STORAGE_UNAVAILABLE
from relay.http.origins import OriginPolicy
from relay.http.routes import Route
from relay.http.security import SecurityHeaders
from relay.http.server import HttpPolicy, HttpServer
from relay.storage import Storage, StorageError
from tests.contract.contract import Contract

SECRET: Final = b"0123456789abcdef0123456789abcdef"
EMAIL: Final = "jo@example.com"
PASSWORD: Final = "Passw0rd-of-jo"
#: Limits without waits, so that only the tests that are about waiting wait.
QUICK: Final = AccountLimits(
    sign_in=SignInLimits(free_failures=1000, address_failures=1000), register_attempts=1000, touch_delay=0.01
)
CONFIG: Final = AccountsConfig(secret=SECRET, auth_rate_limit=False, limits=QUICK)

MoreRoutes = Callable[[Accounts], Sequence[Route]]


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold a whole answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> dict[str, object]:
        """Answer the body as a JSON object."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    def items(self) -> list[dict[str, object]]:
        """Answer the body as a JSON list of objects."""
        value = json.loads(self.body)
        assert isinstance(value, list)
        return value

    @property
    def cookies(self) -> list[str]:
        """Answer the `Set-Cookie` lines."""
        return self.headers.getall("Set-Cookie", [])

    @property
    def code(self) -> object:
        """Answer the error code."""
        return self.json().get("code")

    def cookie(self) -> dict[str, str]:
        """Answer the request headers of a browser that got this answer; it also sends its own origin."""
        pairs = [line.partition(";")[0] for line in self.cookies]
        return {"Cookie": "; ".join(pair for pair in pairs if not pair.endswith("="))}


@dataclass(slots=True)
class House:
    """Hold a running server with accounts and the means to ask it."""

    accounts: Accounts
    clock: Clock
    url: str
    http: aiohttp.ClientSession
    announced: list[str]
    revoked: list[CredentialsRevoked] = field(default_factory=list)
    removed: list[UserRemoved] = field(default_factory=list)

    @property
    def origin(self) -> dict[str, str]:
        """Answer the headers with which the server's own page asks."""
        return {"Origin": self.url}

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | io.BytesIO | None = None,
    ) -> Reply:
        """Send one request; a body only when there is one."""
        async with self.http.request(
            method, self.url + path, headers=headers, json=json, data=data, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a GET."""
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a POST of JSON."""
        return await self.ask("POST", path, headers=headers, json=body)

    async def auth(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a POST to an auth endpoint as the server's own page does."""
        return await self.post("/api/auth" + path, body, {**self.origin, **(headers or {})})

    async def sign_up(self, email: str = EMAIL, password: str = PASSWORD, name: str = "Jo") -> Reply:
        """Make an account and sign in."""
        return await self.auth("/sign-up/email", {"name": name, "email": email, "password": password})

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> Reply:
        """Sign in."""
        return await self.auth("/sign-in/email", {"email": email, "password": password})

    async def new_key(self, cookie: Mapping[str, str], body: Mapping[str, object] | None = None) -> dict[str, object]:
        """Make an API key and answer what the endpoint said."""
        reply = await self.auth("/api-key/create", {"name": "test"} if body is None else dict(body), cookie)
        assert reply.status == 200, reply.body
        return reply.json()


@asynccontextmanager
async def open_house(
    storage: Storage,
    clock: Clock,
    config: AccountsConfig = CONFIG,
    *,
    trust: TrustProxy = TrustProxy.LOOPBACK,
    trusted_origins: Sequence[str] = (),
    more_routes: MoreRoutes | None = None,
    bus: Bus | None = None,
) -> AsyncIterator[House]:
    """Start a server with accounts, end it afterwards."""
    bus = bus or Bus()
    address = ClientAddress(ProxyPolicy(trust))
    origins = OriginPolicy(trusted_origins, address)
    announced: list[str] = []
    accounts = Accounts(storage, clock, bus, config, address=address, origins=origins, announce=announced.append)
    await accounts.start()
    table = [*routes(accounts), *(more_routes(accounts) if more_routes else ())]
    server = HttpServer(
        table,
        HttpPolicy(accounts.resolve, address, origins, SecurityHeaders(), errors={StorageError: STORAGE_UNAVAILABLE}),
    )
    contract = Contract(server)
    runner = web.AppRunner(server.app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = cast("tuple[str, int]", runner.addresses[0])[1]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=["User-Agent"]) as http:
        house = House(accounts, clock, f"http://127.0.0.1:{port}", http, announced)
        bus.subscribe(CredentialsRevoked, house.revoked.append)
        bus.subscribe(UserRemoved, house.removed.append)
        try:
            yield house
        finally:
            await runner.cleanup()
            await server.close()
            await accounts.close()
        contract.check()


def with_limits(config: AccountsConfig = CONFIG, **changes: object) -> AccountsConfig:
    """Answer the configuration with other limits."""
    return replace(config, limits=replace(config.limits, **changes))  # type: ignore[arg-type]  # tests name the fields


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until the condition holds, asking once per turn of a short timer."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
