"""Reach services on the runner's machine through the published client, at every kind of address (tunnel.md 2, 7)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import WSMsgType
from yarl import URL

from tests.e2e.services import CONTENT, Services, services
from tests.e2e.stack import Stack
from tests.e2e.transcript import as_object

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(180)]


@dataclass(frozen=True, slots=True)
class Address:
    """Say how one kind of tunnel address is asked: base URL and the headers that go with it."""

    mode: str
    base: str
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return self.mode


@dataclass
class Tunnel:
    """Hold a stack whose runner exposes the services' port, and every address of it."""

    stack: Stack
    services: Services
    http: aiohttp.ClientSession
    addresses: list[Address]


@pytest.fixture
async def tunnel(stack: Stack) -> AsyncIterator[Tunnel]:
    """The services behind the published runner."""
    async with services() as served, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        session_id = await stack.spawn()
        viewer = await stack.viewer(session_id)
        request_id = uuid.uuid4().hex
        expose = {"serviceId": "tunnel", "type": "tunnel_expose", "requestId": request_id}
        await viewer.emit("service_message", {**expose, "payload": {"port": served.port}})
        await viewer.changed.until(
            lambda: any(one.get("type") == "tunnel_registered" for one in viewer.events("service_message")),
            "the port to be exposed",
            20,
        )
        yield Tunnel(stack, served, http, await addresses(stack, session_id, served.port))


async def addresses(stack: Stack, session_id: str, port: int) -> list[Address]:
    """Answer every kind of address of a port; names under localhost do not resolve everywhere, so Host says them."""
    key = {"x-api-key": stack.key}
    minted = await stack.post("/api/tunnel-token", {"sessionId": session_id, "port": port})
    host = urlsplit(str(minted["hostUrl"])).netloc
    return [
        Address("runner", f"{stack.url}/api/tunnel/runner/{stack.runner_id}/{port}", key),
        Address("session", f"{stack.url}/api/tunnel/{session_id}/{port}", key),
        Address("token", stack.url + str(minted["url"]).rstrip("/"), {}),
        Address("host", stack.url, {"Host": host}),
    ]


async def test_downloads_arrive_whole_in_parts_and_resumed_at_every_address(tunnel: Tunnel) -> None:
    for address in tunnel.addresses:
        async with tunnel.http.get(f"{address.base}/file", headers=address.headers) as answer:
            assert (answer.status, await answer.read()) == (200, CONTENT), address
        part = {**address.headers, "Range": "bytes=1000000-1999999"}
        async with tunnel.http.get(f"{address.base}/file", headers=part) as answer:
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes 1000000-1999999/{len(CONTENT)}"
            assert await answer.read() == CONTENT[1_000_000:2_000_000]
        rest = {**address.headers, "Range": "bytes=3000000-", "If-Range": '"v1"'}
        async with tunnel.http.get(f"{address.base}/file", headers=rest) as answer:
            assert await answer.read() == CONTENT[3_000_000:]
        async with tunnel.http.head(f"{address.base}/file", headers=address.headers) as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(CONTENT)))


async def test_uploads_of_any_size_arrive_whole_at_every_address(tunnel: Tunnel) -> None:
    body = random.Random(7).randbytes(8 * 2**20)
    expected = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "method": "POST"}

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100_000):
            yield body[at : at + 100_000]

    for address in tunnel.addresses:
        for data in (io.BytesIO(body), pieces()):
            async with tunnel.http.post(f"{address.base}/hash", data=data, headers=address.headers) as answer:
                assert (answer.status, await answer.json()) == (200, expected), address
    address = tunnel.addresses[0]
    for method in ("PUT", "PATCH", "DELETE", "GET"):
        async with tunnel.http.request(method, f"{address.base}/hash", data=b"x", headers=address.headers) as answer:
            assert (await answer.json())["size"] == 1, method


async def test_64_mib_pass_in_both_directions(tunnel: Tunnel) -> None:
    address, digest = tunnel.addresses[0], hashlib.sha256()
    async with tunnel.http.get(f"{address.base}/big", headers=address.headers) as answer:
        async for piece in answer.content.iter_any():
            digest.update(piece)
    assert digest.hexdigest() == tunnel.services.big_hash()
    body = CONTENT * 16
    async with tunnel.http.post(f"{address.base}/hash", data=io.BytesIO(body), headers=address.headers) as answer:
        assert (await answer.json())["sha256"] == hashlib.sha256(body).hexdigest()


async def test_an_event_stream_is_live_and_ends_with_its_browser(tunnel: Tunnel) -> None:
    for address in tunnel.addresses:
        tunnel.services.left.clear()
        async with asyncio.timeout(10), tunnel.http.get(f"{address.base}/clock", headers=address.headers) as answer:
            for number in range(5):
                # The service sends the next event only after this one is here.
                assert await answer.content.readuntil(b"\n\n") == b"data: %d\n\n" % number
                tunnel.services.tick.set()
        async with asyncio.timeout(5):
            await tunnel.services.left.wait()


async def test_a_cut_body_is_no_whole_one(tunnel: Tunnel) -> None:
    for address in tunnel.addresses:
        with pytest.raises(aiohttp.ClientError):
            async with tunnel.http.get(f"{address.base}/cut", headers=address.headers) as answer:
                await answer.read()


async def test_websockets_keep_messages_types_protocol_and_close_codes(tunnel: Tunnel) -> None:
    for address in tunnel.addresses:
        socket = tunnel.http.ws_connect(
            f"{address.base}/echo", headers=address.headers, protocols=("vite-hmr", "b"), max_msg_size=0
        )
        async with asyncio.timeout(20), socket as ws:
            assert ws.protocol == "b"
            assert await ws.receive_str() == "hello"
            for text in ("", "grüße 🙂", "x" * 300_000):
                await ws.send_str(text)
                assert await ws.receive_str() == text
            for data in (b"", bytes(range(256)) * 5000):
                await ws.send_bytes(data)
                assert await ws.receive_bytes() == data
            await ws.send_str("close 4321 why")
            message = await ws.receive()
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4321, "why")


async def test_credentials_stay_at_the_relay_unless_the_tunnel_has_its_own_host(tunnel: Tunnel) -> None:
    private = {"Cookie": "sid=1", "Authorization": "Basic eA==", "Referer": "http://r/"}
    for address in tunnel.addresses:
        headers = {**address.headers, **private}
        url = URL(f"{address.base}/headers?apiKey=k&a=b%20c&d&tunnelToken=t&s=%2F~", encoded=True)
        async with tunnel.http.get(url, headers=headers) as answer:
            body = as_object(await answer.json())
            cookies = answer.headers.getall("Set-Cookie", [])
        received = body["headers"]
        assert isinstance(received, list)
        seen = {str(name): value for name, value in received}
        assert "x-api-key" not in seen
        if address.mode == "host":
            assert (seen["cookie"], seen["authorization"]) == ("sid=1", "Basic eA==")
            assert seen["host"] == seen["x-forwarded-host"] == address.headers["Host"]
            assert cookies == ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/", "b=2"]
            assert body["target"] == "/headers?apiKey=k&a=b%20c&d&tunnelToken=t&s=%2F~"
        else:
            assert not {"cookie", "authorization", "referer"} & set(seen)
            assert seen["host"] == f"127.0.0.1:{tunnel.services.port}"
            assert cookies == []
            assert body["target"] == "/headers?a=b%20c&d&s=%2F~"


async def test_tunnel_12_a_port_that_is_not_exposed_is_the_runners_404(tunnel: Tunnel) -> None:
    url = f"{tunnel.stack.url}/api/tunnel/runner/{tunnel.stack.runner_id}/9"
    async with tunnel.http.get(url, headers=tunnel.addresses[0].headers) as answer:
        assert (answer.status, await answer.text()) == (404, "Port 9 is not exposed")
