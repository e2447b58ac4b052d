"""Serve a route table on loopback, and talk to it as a browser or as bare bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from relay.http.client_address import ClientAddress, ProxyPolicy
from relay.http.errors import INVALID_KEY, MISSING_KEY, ErrorSpec
from relay.http.identity import Credential, Identity
from relay.http.listener import Listener, ListenOptions
from relay.http.origins import OriginPolicy
from relay.http.routes import Route
from relay.http.security import SecurityHeaders
from relay.http.server import Fallback, HttpLimits, HttpPolicy, HttpServer


async def resolve(request: web.Request) -> Identity:
    """Know one user by the key "good" or the cookie "session=good", in the order of rest-account.md 1.2."""
    key = request.headers.get("x-api-key")
    if key:
        if key != "good":
            raise INVALID_KEY()
        return Identity("u1", "Ann", Credential.KEY, "k1")
    if request.headers.get("Authorization") == "Bearer good":
        return Identity("u1", "Ann", Credential.BEARER, "k1")
    if request.cookies.get("session") == "good":
        return Identity("u1", "Ann", Credential.COOKIE, "s1")
    raise MISSING_KEY()


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold one raw response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """Reach a running server."""

    port: int
    http: HttpServer
    listener: Listener
    session: aiohttp.ClientSession

    @property
    def origin(self) -> str:
        """Answer the server's own web origin."""
        return f"http://127.0.0.1:{self.port}"

    async def raw(self, request: bytes) -> Answer:
        """Send bytes and read one response with a Content-Length, or up to the end of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await read_answer(reader, head_only=request.startswith(b"HEAD "))
        finally:
            writer.close()

    async def get_raw(self, target: str, *headers: str, method: str = "GET") -> Answer:
        """Request a target exactly as it is written."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        return await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape"))


async def read_answer(reader: asyncio.StreamReader, *, head_only: bool = False, timeout: float = 10.0) -> Answer:
    """Read one response; `head_only` when it answers a HEAD."""
    async with asyncio.timeout(timeout):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length")
        expected = 0 if head_only else -1 if length is None else int(length)
        body = await reader.read() if expected < 0 else await reader.readexactly(expected)
    return Answer(int(first.split(" ")[1]), headers, body)


@dataclass(slots=True)
class Setup:
    """Gather what a test wants to be different."""

    origins: Sequence[str] = ()
    proxies: ProxyPolicy = field(default_factory=ProxyPolicy)
    security: SecurityHeaders = field(default_factory=SecurityHeaders)
    errors: Mapping[type[Exception], ErrorSpec] = field(default_factory=dict)
    limits: HttpLimits = field(default_factory=HttpLimits)
    fallback: Fallback | None = None


@asynccontextmanager
async def serving(routes: Sequence[Route], setup: Setup | None = None) -> AsyncIterator[Served]:
    """Serve `routes` on a free loopback port for the duration of the block."""
    setup = setup or Setup()
    address = ClientAddress(setup.proxies)
    policy = HttpPolicy(
        resolve, address, OriginPolicy(setup.origins, address), setup.security, setup.errors, setup.limits
    )
    http = HttpServer(routes, policy, setup.fallback)
    listener = Listener(ListenOptions())
    await listener.start(http.app)
    # A fresh cookie jar that keeps nothing: tests send the Cookie header themselves.
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{listener.port}",
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=20),
    ) as session:
        try:
            yield Served(listener.port, http, listener, session)
        finally:
            await listener.stop(http.close)
