"""The Python runner beside services that read slowly or not at all: what waits for them is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web

from relay.tunnel.client import PIECE, TunnelClient
from relay.tunnel.client_stream import ClientLimits
from relay.tunnel.limits import ExchangeLimits
from tests.runners.rig import Options, Person, Rig
from tests.tunnel.desk import eventually

WAIT = 60.0
BODY = bytes(range(256)) * 2**16
FRAMINGS = pytest.mark.parametrize("binary", [True, False], ids=["binary", "published"])
LIMITS = ClientLimits(body=2 * 2**20, speak_every=0.05, stalled=3600.0, messages=2**20, close_within=0.5)


@pytest.fixture
def options() -> Options:
    return Options(exchanges=ExchangeLimits(window=2**20, bridge_close=0.5))


@pytest.fixture
async def ann(rig: Rig) -> Person:
    person = await rig.person("ann")
    await rig.runner(person)
    return person


class Lazy:
    """Be a service that takes a body, or a socket's messages, only once it may."""

    def __init__(self) -> None:
        self.port = 0
        self.begun = asyncio.Event()
        self.may = asyncio.Event()

    async def hash(self, request: web.Request) -> web.Response:
        """Answer the hash of a body."""
        self.begun.set()
        await self.may.wait()
        digest = hashlib.sha256()
        async for piece in request.content.iter_any():
            digest.update(piece)
        return web.Response(text=digest.hexdigest())

    async def quick(self, request: web.Request) -> web.Response:
        """Answer at once."""
        return web.Response(text="quick")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Take no message."""
        ws = web.WebSocketResponse(max_msg_size=0)
        await ws.prepare(request)
        await ws.send_str("hello")
        self.begun.set()
        await self.may.wait()
        return ws


@asynccontextmanager
async def lazy() -> AsyncIterator[Lazy]:
    """Serve on a loopback port for the length of the block."""
    made = Lazy()
    app = web.Application(client_max_size=2**40)
    app.router.add_post("/hash", made.hash)
    app.router.add_get("/quick", made.quick)
    app.router.add_get("/socket", made.socket)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = site.port
    try:
        yield made
    finally:
        made.may.set()
        await runner.cleanup()


@asynccontextmanager
async def running(
    rig: Rig, ann: Person, service: Lazy, limits: ClientLimits, *, binary: bool
) -> AsyncIterator[TunnelClient]:
    """Give a registered client."""
    client = TunnelClient(rig.url, "r1", ann.key, {service.port}, binary_framing=binary, limits=limits)
    task = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(WAIT):
            await client.registered.wait()
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def waiting(client: TunnelClient) -> int:
    """Answer the bytes that wait for services."""
    return sum(stream.incoming.size for stream in client._streams.values())


@FRAMINGS
async def test_an_upload_waits_for_a_service_that_does_not_read_and_then_arrives_whole(
    rig: Rig, ann: Person, binary: bool
) -> None:
    async with lazy() as service, running(rig, ann, service, LIMITS, binary=binary) as client:
        base, most = f"{rig.url}/api/tunnel/runner/r1/{service.port}", 0
        bound = (2**20 if binary else LIMITS.body) + PIECE

        async def upload() -> str:
            async with rig.client.post(f"{base}/hash", data=io.BytesIO(BODY), headers=ann.by_key) as answer:
                return await answer.text()

        task = asyncio.create_task(upload())
        async with asyncio.timeout(WAIT):
            await service.begun.wait()
        held = 2**19 if binary else LIMITS.body
        await eventually(lambda: waiting(client) > held, WAIT)
        if binary:
            # The relay's credit stops this upload alone.
            async with rig.client.get(f"{base}/quick", headers=ann.by_key) as answer:
                assert await answer.text() == "quick"
        service.may.set()
        while not task.done():
            most = max(most, waiting(client))
            await asyncio.sleep(0.001)
        assert await task == hashlib.sha256(BODY).hexdigest()
        assert held < most <= bound


async def test_a_service_that_takes_nothing_for_too_long_loses_its_exchange_and_the_others_go_on(
    rig: Rig, ann: Person
) -> None:
    limits = ClientLimits(body=2**20, speak_every=0.05, stalled=0.2)
    async with lazy() as service, running(rig, ann, service, limits, binary=False) as client:
        base = f"{rig.url}/api/tunnel/runner/r1/{service.port}"
        async with rig.client.post(f"{base}/hash", data=io.BytesIO(BODY), headers=ann.by_key) as answer:
            assert (answer.status, (await answer.json())["error"]) == (502, "Tunnel error: the service takes nothing")
        assert waiting(client) == 0
        async with rig.client.get(f"{base}/quick", headers=ann.by_key) as answer:
            assert await answer.text() == "quick"
        await eventually(lambda: client.streams == 0, WAIT)


@FRAMINGS
async def test_a_socket_whose_service_does_not_read_is_closed_and_the_others_go_on(
    rig: Rig, ann: Person, binary: bool
) -> None:
    async with lazy() as service, running(rig, ann, service, LIMITS, binary=binary) as client:
        base, most = f"{rig.url}/api/tunnel/runner/r1/{service.port}", 0

        async def pour(ws: ClientWebSocketResponse) -> None:
            nonlocal most
            with contextlib.suppress(ConnectionError):
                while True:
                    await ws.send_bytes(b"x" * PIECE)
                    most = max(most, waiting(client))

        async with asyncio.timeout(WAIT), rig.client.ws_connect(f"{base}/socket", headers=ann.by_key) as ws:
            assert await ws.receive_str() == "hello"
            pouring = asyncio.create_task(pour(ws))
            message = await ws.receive()
            pouring.cancel()
            await asyncio.wait({pouring})
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1013, "too slow")
        assert 0 < most <= LIMITS.messages + PIECE
        async with rig.client.get(f"{base}/quick", headers=ann.by_key) as answer:
            assert await answer.text() == "quick"
        await eventually(lambda: client.streams == 0, WAIT)
