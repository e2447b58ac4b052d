"""Bridged WebSockets against a scripted runner (tunnel.md 1.9, 4, 7)."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable
from typing import Self

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from relay.tunnel.limits import ExchangeLimits
from tests.runners.rig import Options
from tests.tunnel.desk import BASE, PORT, Desk, eventually
from tests.tunnel.raw import Raw
from tests.tunnel.runner import Frame

WAIT = 30.0


@pytest.fixture
def open_within() -> float:
    return 10.0


@pytest.fixture
def options(open_within: float) -> Options:
    limits = ExchangeLimits(open_within=open_within, bridge_queue=256 * 1024, bridge_ping=0.1, bridges=2)
    return Options(exchanges=limits)


class Bridged:
    """Open a bridge as a browser and as the service behind the runner."""

    def __init__(
        self,
        desk: Desk,
        path: str = BASE,
        opened: Frame | None = None,
        headers: dict[str, str] | None = None,
        protocols: tuple[str, ...] = (),
        compress: int = 0,
        autoping: bool = True,
    ) -> None:
        self._desk = desk
        self._opened = opened or {}
        self._connecting = desk.rig.client.ws_connect(
            desk.rig.url + path,
            headers={**desk.ann.by_key, **(headers or {})},
            max_msg_size=0,
            protocols=protocols,
            compress=compress,
            autoping=autoping,
        )

    async def __aenter__(self) -> Self:
        connecting = asyncio.ensure_future(_itself(self._connecting))
        self.open = await self._desk.runner.take("ws-open")
        await self._desk.runner.send({"type": "ws-opened", "id": self.open["id"], **self._opened})
        self.ws: ClientWebSocketResponse = await connecting
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.ws.close()

    async def say(self, **frame: object) -> None:
        """Send a frame of this bridge as the runner."""
        await self._desk.runner.send({"id": self.open["id"], **frame})

    async def hear(self, kind: str = "ws-data") -> Frame:
        """Take the runner's next frame of this bridge."""
        return await self._desk.runner.take(kind, self.open["id"])


async def _itself(connecting: Awaitable[ClientWebSocketResponse]) -> ClientWebSocketResponse:
    return await connecting


async def test_the_frame_that_opens_says_what_the_runner_needs_and_nothing_private(desk: Desk) -> None:
    async with Bridged(desk, f"{BASE}/hmr?token=1&apiKey=x", headers={"Cookie": "a=1", "X-A": "1"}) as bridge:
        assert (bridge.open["port"], bridge.open["path"]) == (PORT, "/hmr?token=1")
        assert not {"protocols", "preserveAuth", "host"} & set(bridge.open)
        headers = bridge.open["headers"]
        assert isinstance(headers, dict)
        assert headers["x-a"] == "1"
        assert {"sec-websocket-key", "sec-websocket-version"} <= set(headers)
        assert not {"cookie", "x-api-key", "authorization", "referer", "upgrade", "connection", "host"} & set(headers)


async def test_a_host_of_its_own_passes_credentials_to_the_socket(desk: Desk) -> None:
    host = await desk.host()
    async with Bridged(desk, "/ws?apiKey=x", headers={"Host": host, "Cookie": "a=1"}) as bridge:
        assert (bridge.open["path"], bridge.open["host"], bridge.open["preserveAuth"]) == ("/ws?apiKey=x", host, True)
        headers = bridge.open["headers"]
        assert isinstance(headers, dict)
        assert (headers["cookie"], headers["x-forwarded-host"]) == ("a=1", host)


async def test_tunnel_61_messages_keep_type_bytes_and_order(desk: Desk) -> None:
    messages: list[str | bytes] = ["", b"", bytes(range(256)), "grüße 🙂", "x" * 3_000_000, os.urandom(2_000_000), "\0"]
    async with Bridged(desk) as bridge:
        for message in messages:
            if isinstance(message, str):
                await bridge.ws.send_str(message)
                assert (await bridge.hear())["data"] == message
                await bridge.say(type="ws-data", data=message)
                assert await bridge.ws.receive_str(timeout=WAIT) == message
            else:
                await bridge.ws.send_bytes(message)
                frame = await bridge.hear()
                text = base64.b64encode(message).decode()
                assert (frame["data"], frame["binary"]) == (text, True)
                lines = "\n".join(text[at : at + 76] for at in range(0, len(text), 76)).rstrip("=")
                await bridge.say(type="ws-data", data=lines, binary=True)
                assert await bridge.ws.receive_bytes(timeout=WAIT) == message
        for number in range(200):
            await bridge.say(type="ws-data", data=str(number))
        assert [await bridge.ws.receive_str(timeout=WAIT) for _ in range(200)] == [str(n) for n in range(200)]


@pytest.mark.parametrize(("chosen", "expected"), [("b", "b"), (None, "vite-hmr"), ("other", "vite-hmr")])
async def test_tunnel_62_the_services_subprotocol_is_echoed_else_the_first(
    desk: Desk, chosen: str | None, expected: str
) -> None:
    opened: Frame = {} if chosen is None else {"protocol": chosen}
    async with Bridged(desk, opened=opened, protocols=("vite-hmr", "b")) as bridge:
        assert bridge.open["protocols"] == ["vite-hmr", "b"]
        assert bridge.ws.protocol == expected


@pytest.mark.parametrize(
    ("sent", "code"),
    [(4321, 4321), (1000, 1000), (1011, 1011), (1006, 1011), (1005, 1000), (999, 1000), (2000, 1000), (None, 1000)],
)
async def test_tunnel_63_the_services_close_reaches_the_browser(desk: Desk, sent: int | None, code: int) -> None:
    async with Bridged(desk) as bridge:
        await bridge.say(type="ws-data", data="last")
        await bridge.say(type="ws-close", reason="why" + "é" * 100, **({} if sent is None else {"code": sent}))
        assert await bridge.ws.receive_str(timeout=WAIT) == "last"
        message = await bridge.ws.receive(timeout=WAIT)
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "why" + "é" * 60)
    await eventually(lambda: desk.channel.tasks == 0 and len(desk.channel) == 0)
    assert desk.runner.frames_of(bridge.open) == []


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "x"), (4999, "é" * 60)])
async def test_tunnel_63_the_browsers_close_reaches_the_runner(desk: Desk, code: int, reason: str) -> None:
    async with Bridged(desk) as bridge:
        await bridge.ws.close(code=code, message=reason.encode())
        frame = await bridge.hear("ws-close")
        assert (frame["code"], frame.get("reason", "")) == (code, reason)
        await bridge.say(type="ws-data", data="late")
        await bridge.say(type="ws-close", code=1000)
    await eventually(lambda: desk.channel.tasks == 0 and len(desk.channel) == 0)


async def test_tunnel_63_a_browser_that_vanishes_is_a_close(desk: Desk) -> None:
    async with desk.raw() as browser:
        await upgrade(browser, desk.key)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        assert (await browser.head()).status == 101
        browser.reset()
        assert (await desk.runner.take("ws-close", opening["id"]))["code"] == 1006
    await eventually(lambda: desk.channel.tasks == 0 and len(desk.channel) == 0)


async def upgrade(browser: Raw, *lines: str, path: str = BASE) -> None:
    """Send the upgrade of a bare browser."""
    await browser.get(
        path,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *lines,
    )


@pytest.mark.parametrize("open_within", [1.0])
async def test_tunnel_64_what_does_not_open_is_an_ordinary_answer(desk: Desk) -> None:
    for failure, status, text in (
        ({"type": "ws-error", "message": "x\r\nSet-Cookie: a=b"}, 502, "Tunnel error: x\r\nSet-Cookie: a=b"),
        ({"type": "ws-close", "code": 1000}, 502, "Tunnel error: closed before it was open"),
        (None, 502, "Tunnel error: Tunnel WebSocket open timed out"),
    ):
        async with desk.raw() as browser:
            await upgrade(browser, desk.key)
            opening = await desk.runner.take("ws-open")
            if failure is not None:
                await desk.runner.send({**failure, "id": opening["id"]})
            answer = await browser.answer()
            assert (answer.status, answer.body.decode()) == (status, text)
            assert answer.one("content-type").startswith("text/plain")
            assert answer.all("set-cookie") == []
            if failure is None:
                closing = await desk.runner.take("ws-close", opening["id"])
                assert (closing["code"], closing["reason"]) == (1001, "open timeout")
    await desk.runner.close()
    await eventually(lambda: len(desk.rig.links) == 0)
    async with desk.raw() as browser:
        await upgrade(browser, desk.key)
        answer = await browser.answer()
        assert (answer.status, answer.body) == (503, b"Runner not available")


async def test_a_browser_that_leaves_before_the_opening_cancels_it(desk: Desk) -> None:
    async with desk.raw() as browser:
        await upgrade(browser, desk.key)
        opening = await desk.runner.take("ws-open")
        browser.reset()
        closing = await desk.runner.take("ws-close", opening["id"])
        assert (closing["code"], closing["reason"]) == (1001, "cancelled")


async def test_tunnel_65_what_comes_with_the_opening_is_not_lost(desk: Desk) -> None:
    async with desk.raw() as browser:
        await upgrade(browser, desk.key)
        # A masked text frame "hi" before the answer to the upgrade.
        await browser.send(b"\x81\x82\x00\x00\x00\x00hi")
        opening = await desk.runner.take("ws-open")
        assert desk.runner.frames_of(opening) == []
        first = {"type": "ws-data", "id": opening["id"], "data": "first"}
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]}, first)
        assert (await browser.head()).status == 101
        assert await browser.reader.readexactly(7) == b"\x81\x05first"
        assert (await desk.runner.take("ws-data", opening["id"]))["data"] == "hi"


async def test_tunnel_66_a_lost_runner_closes_its_sockets_with_1011(desk: Desk) -> None:
    async with Bridged(desk) as one, Bridged(desk) as two:
        await desk.runner.close()
        for bridge in (one, two):
            message = await bridge.ws.receive(timeout=WAIT)
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1011, "Runner disconnected")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Cookie: {cookie}", "Origin: http://evil.example"], 403),
        (["Cookie: {cookie}", "Sec-Fetch-Site: cross-site"], 403),
        (["Cookie: {cookie}", "Origin: http://trusted.example"], 101),
        (["Cookie: {cookie}", "Origin: http://127.0.0.1:{port}"], 101),
        (["Cookie: {cookie}"], 101),
        (["Cookie: a=b", "x-api-key: {key}", "Origin: http://evil.example"], 101),
        (["x-api-key: wrong", "Cookie: {cookie}"], 401),
        (["Origin: http://evil.example"], 401),
        ([], 401),
    ],
)
async def test_tunnel_67_upgrades_by_cookie_pass_the_origin_gate(desk: Desk, lines: list[str], status: int) -> None:
    values = {"cookie": desk.ann.cookie, "key": desk.ann.key, "port": desk.rig.port}
    async with desk.raw() as browser:
        await upgrade(browser, *(line.format(**values) for line in lines))
        if status == 101:
            opening = await desk.runner.take("ws-open")
            await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        answer = await browser.head()
        assert answer.status == status


async def test_tunnel_67_a_key_in_the_query_opens_sockets_but_not_past_the_gate(desk: Desk) -> None:
    path = f"{BASE}?apiKey={desk.ann.key}"
    async with desk.raw() as browser:
        await upgrade(browser, path=path)
        opening = await desk.runner.take("ws-open")
        assert opening["path"] == "/"
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        assert (await browser.head()).status == 101
    async with desk.raw() as browser:
        await upgrade(browser, "Cookie: a=b", "Origin: http://evil.example", path=path)
        assert (await browser.answer()).status == 403
    async with desk.raw() as browser:
        await upgrade(browser, path=f"{BASE}?apiKey=wrong")
        assert (await browser.answer()).body == b"Unauthorized"


async def test_tunnel_68_a_browser_that_reads_too_slowly_is_closed_and_nobody_waits_for_it(desk: Desk) -> None:
    async with desk.raw(receive_buffer=4096) as slow, Bridged(desk) as other:
        await upgrade(slow, desk.key)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        assert (await slow.head()).status == 101
        piece = "x" * 64 * 1024
        for _ in range(200):
            await desk.runner.send({"type": "ws-data", "id": opening["id"], "data": piece})
        closing = await desk.runner.take("ws-close", opening["id"])
        assert (closing["code"], closing["reason"]) == (1013, "too slow")
        await other.say(type="ws-data", data="quick")
        assert await other.ws.receive_str(timeout=WAIT) == "quick"


async def test_an_idle_browser_is_pinged(desk: Desk) -> None:
    async with Bridged(desk, autoping=False) as bridge:
        assert (await bridge.ws.receive(timeout=WAIT)).type is WSMsgType.PING
        await bridge.say(type="ws-data", data="x")
        messages = [await bridge.ws.receive(timeout=WAIT) for _ in range(3)]
        assert WSMsgType.TEXT in [message.type for message in messages]


async def test_more_sockets_than_allowed_are_refused(desk: Desk) -> None:
    async with Bridged(desk), Bridged(desk), desk.raw() as third:
        await upgrade(third, desk.key)
        answer = await third.answer()
        assert (answer.status, answer.one("retry-after")) == (503, "1")


@pytest.mark.parametrize("frame", [{"type": "ws-data", "data": 5}, {"type": "ws-data", "data": "a", "binary": True}])
async def test_a_message_that_cannot_be_read_closes_both_sides(desk: Desk, frame: Frame) -> None:
    async with Bridged(desk) as bridge:
        await bridge.say(**frame)
        assert (await bridge.ws.receive(timeout=WAIT)).data == 1011
        assert (await bridge.hear("ws-close"))["code"] == 1011


async def test_a_bad_handshake_is_a_bad_request(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 12")
        assert (await browser.answer()).status == 400


async def test_compression_is_not_negotiated(desk: Desk) -> None:
    async with Bridged(desk, compress=15) as bridge:
        assert bridge.ws.compress == 0


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\x81\x82\x00\x00\x00\x00\xc3\x28", 1007), (b"\x83\x80\x00\x00\x00\x00", 1002)],
)
async def test_a_browser_that_breaks_the_protocol_is_closed(desk: Desk, payload: bytes, code: int) -> None:
    async with desk.raw() as browser:
        await upgrade(browser, desk.key)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        await browser.head()
        await browser.send(payload)
        closing = await desk.runner.take("ws-close", opening["id"])
        assert closing["code"] == code


async def test_fragments_become_one_message_and_pings_are_answered_here(desk: Desk) -> None:
    async with desk.raw() as browser:
        await upgrade(browser, desk.key)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        await browser.head()
        mask = b"\x00\x00\x00\x00"
        await browser.send(b"\x01\x82" + mask + b"ab" + b"\x89\x81" + mask + b"p" + b"\x80\x82" + mask + b"cd")
        assert (await desk.runner.take("ws-data", opening["id"]))["data"] == "abcd"
        assert await browser.reader.readexactly(3) == b"\x8a\x01p"
