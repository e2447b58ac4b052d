"""The cases of RFC 6455 (rfc6455.py) on every leg: browser and relay, runner and relay, service and Python runner."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from relay.tunnel.client import TunnelClient
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from tests.runners.rig import Options, Person, Rig
from tests.tunnel.desk import BASE, Desk, eventually
from tests.tunnel.raw import Raw
from tests.tunnel.rfc6455 import CLOSES, RIGHT, WRONG
from tests.tunnel.wire import BINARY, CLOSE, PONG, TEXT, Piece, accept_of, close, read_close, read_frame

WAIT = 20.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MESSAGE = 400_000


@pytest.fixture
def options() -> Options:
    return Options(
        tunnel=TunnelLimits(max_frame=MESSAGE, close_within=5.0),
        exchanges=ExchangeLimits(bridge_message=MESSAGE, open_within=WAIT, bridge_close=5.0, bridge_ping=3600.0),
    )


@contextmanager
def named(case: object) -> Iterator[None]:
    """Name the case in a failure: one relay serves all of them, each over a socket of its own."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"case: {case}")
        raise


# Browser and relay


@asynccontextmanager
async def opened(desk: Desk) -> AsyncIterator[tuple[Raw, object]]:
    """Give a browser of bare frames, and the id of its bridge at the runner."""
    async with desk.raw() as browser:
        await shake_hands(browser, desk)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        answer = await browser.head()
        assert answer.status == 101
        assert answer.one("sec-websocket-accept") == accept_of(KEY)
        yield browser, opening["id"]


async def shake_hands(browser: Raw, desk: Desk, **changed: str | None) -> None:
    """Send a handshake; `changed` headers replace the right ones, underscores standing for hyphens."""
    headers: dict[str, str | None] = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_version": "13",
        "sec_websocket_key": KEY,
        **changed,
    }
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
    await browser.get(BASE, desk.key, *lines)


async def passed(desk: Desk, stream_id: object, messages: tuple[str | bytes, ...]) -> None:
    """See that the runner gets exactly these messages."""
    for message in messages:
        frame = await desk.runner.take("ws-data", stream_id)
        if isinstance(message, str):
            assert (frame["data"], frame.get("binary")) == (message, None)
        else:
            assert (base64.b64decode(str(frame["data"])), frame["binary"]) == (message, True)


async def test_what_a_browser_sends_right_reaches_the_runner(desk: Desk) -> None:
    for name, case in RIGHT.items():
        with named(name):
            async with opened(desk) as (browser, stream_id):
                await browser.send(b"".join(piece.encode(masked=True) for piece in case.frames))
                await passed(desk, stream_id, case.messages)
                for pong in case.pongs:
                    assert await read_frame(browser.reader, masked=False) == Piece(PONG, pong)
                await browser.send(close(1000).encode(masked=True))
                assert await read_frame(browser.reader, masked=False) == close(1000)
                assert (await desk.runner.take("ws-close", stream_id))["code"] == 1000
                assert desk.runner.frames_of({"id": stream_id}) == []


async def test_a_ping_is_answered_before_the_message_around_it_ends(desk: Desk) -> None:
    async with opened(desk) as (browser, stream_id):
        await browser.send(Piece(TEXT, b"ab", fin=False).encode(masked=True) + Piece(9, b"p").encode(masked=True))
        assert await read_frame(browser.reader, masked=False) == Piece(PONG, b"p")
        assert desk.runner.frames_of({"id": stream_id}) == []
        await browser.send(Piece(0, b"cd").encode(masked=True))
        await passed(desk, stream_id, ("abcd",))


async def test_frames_that_come_byte_by_byte_are_the_same_frames(desk: Desk) -> None:
    case = RIGHT["pings between all fragments"]
    async with opened(desk) as (browser, stream_id):
        for byte in b"".join(piece.encode(masked=True) for piece in case.frames):
            await browser.send(bytes((byte,)))
            await asyncio.sleep(0)
        await passed(desk, stream_id, case.messages)


async def test_what_a_browser_sends_wrong_closes_both_sides(desk: Desk) -> None:
    for name, case in WRONG.items():
        with named(name):
            async with opened(desk) as (browser, stream_id):
                await browser.send(b"".join(piece.encode(masked=True) for piece in case.frames))
                await passed(desk, stream_id, case.messages)
                assert (await desk.runner.take("ws-close", stream_id))["code"] == case.code
                assert await read_close(browser.reader, masked=False) == case.code
                assert desk.runner.frames_of({"id": stream_id}) == []
            await eventually(lambda: len(desk.channel) == 0 and desk.channel.tasks == 0)
            assert not desk.runner.closed.is_set()


async def test_a_browsers_close_code_reaches_the_runner_and_comes_back(desk: Desk) -> None:
    for code in CLOSES:
        with named(code):
            async with opened(desk) as (browser, stream_id):
                # What comes after a close is not read (RFC 6455 5.5.1).
                await browser.send(close(code, b"why").encode(masked=True) + Piece(TEXT, b"late").encode(masked=True))
                frame = await desk.runner.take("ws-close", stream_id)
                assert (frame["code"], frame["reason"]) == (code, "why")
                assert await read_frame(browser.reader, masked=False) == close(code, b"why")
                assert await browser.ended()
                assert desk.runner.frames_of({"id": stream_id}) == []


async def test_a_close_without_a_code_is_one_of_1005_for_the_runner(desk: Desk) -> None:
    async with opened(desk) as (browser, stream_id):
        await browser.send(Piece(CLOSE).encode(masked=True))
        assert (await desk.runner.take("ws-close", stream_id))["code"] == 1005
        assert await read_close(browser.reader, masked=False) == 1000


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_browsers_message_above_the_limit_is_too_big(desk: Desk, pieces: int) -> None:
    part = b"x" * (MESSAGE // pieces + 1)
    async with opened(desk) as (browser, stream_id):
        frames = [Piece(TEXT if n == 0 else 0, part, fin=n == pieces - 1) for n in range(pieces)]
        browser.writer.write(b"".join(frame.encode(masked=True) for frame in frames))
        assert (await desk.runner.take("ws-close", stream_id))["code"] == 1009


async def test_a_length_of_more_than_63_bits_is_refused(desk: Desk) -> None:
    async with opened(desk) as (browser, stream_id):
        await browser.send(b"\x82\xff" + b"\xff" * 8 + b"\x00" * 4)
        assert (await desk.runner.take("ws-close", stream_id))["code"] in (1002, 1009)


@pytest.mark.parametrize(
    "changed",
    [
        {"sec_websocket_version": "12"},
        {"sec_websocket_version": None},
        {"sec_websocket_key": None},
        {"sec_websocket_key": "short"},
        {"sec_websocket_key": "bm90IHNpeHRlZW4gYnl0ZXMgbG9uZw=="},
    ],
)
async def test_a_wrong_handshake_is_no_socket(desk: Desk, changed: dict[str, str | None]) -> None:
    async with desk.raw() as browser:
        await shake_hands(browser, desk, **changed)
        assert (await browser.answer()).status == 400
    assert desk.runner.frames == []


@pytest.mark.parametrize("changed", [{"connection": "keep-alive, UPGRADE"}, {"upgrade": "WebSocket"}])
async def test_names_in_a_handshake_are_compared_without_case(desk: Desk, changed: dict[str, str | None]) -> None:
    async with desk.raw() as browser:
        await shake_hands(browser, desk, **changed)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": opening["id"]})
        assert (await browser.head()).status == 101


# Runner and relay


@asynccontextmanager
async def runner_of_frames(desk: Desk) -> AsyncIterator[Raw]:
    """Give the registered tunnel socket of runner r1 as bare frames."""
    async with Raw(desk.rig.port) as runner:
        lines = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}")
        await runner.get("/_tunnel", *lines)
        assert (await runner.head()).status == 101
        registration = {"type": "register", "runnerId": "r1", "apiKey": desk.ann.key}
        await runner.send(Piece(TEXT, json.dumps(registration).encode()).encode(masked=True))
        answer = await read_frame(runner.reader, masked=False)
        assert json.loads(answer.payload) == {"type": "registered", "runnerId": "r1"}
        yield runner


async def test_a_runners_fragments_binary_messages_and_pings_are_taken(desk: Desk) -> None:
    again = json.dumps({"type": "register", "runnerId": "r1", "apiKey": desk.ann.key}).encode()
    answer = Piece(TEXT, b'{"type":"registered","runnerId":"r1"}')
    async with runner_of_frames(desk) as runner:
        ways: tuple[tuple[Piece, ...], ...] = (
            (Piece(TEXT, again),),
            (Piece(BINARY, again),),
            (Piece(TEXT, again[:20], fin=False), Piece(0, b"", fin=False), Piece(0, again[20:])),
        )
        for frames in ways:
            await runner.send(b"".join(piece.encode(masked=True) for piece in frames))
            assert await read_frame(runner.reader, masked=False) == answer
        frames = (Piece(TEXT, again[:20], fin=False), Piece(9, b"p"), Piece(10, b"x"), Piece(0, again[20:]))
        await runner.send(b"".join(piece.encode(masked=True) for piece in frames))
        assert await read_frame(runner.reader, masked=False) == Piece(PONG, b"p")
        assert await read_frame(runner.reader, masked=False) == answer


async def test_what_a_runner_sends_wrong_closes_its_socket_and_fails_what_is_open(desk: Desk) -> None:
    for name, case in WRONG.items():
        # Texts are JSON there, and what is none is ignored; aiohttp takes 1006 for a code that a close may hold.
        if case.code != 1002 or case.messages or name == "close code 1006":
            continue
        with named(name):
            async with runner_of_frames(desk) as runner, desk.raw() as browser:
                await browser.get(BASE, desk.key)
                asked = await read_frame(runner.reader, masked=False)
                assert json.loads(asked.payload)["type"] == "request-start"
                await runner.send(b"".join(piece.encode(masked=True) for piece in case.frames))
                assert await read_close(runner.reader, masked=False) == 1002
                assert (await browser.answer()).status == 503
            await eventually(lambda: len(desk.rig.links) == 0, WAIT)


async def test_what_a_runner_sends_as_text_and_is_none_is_ignored(desk: Desk) -> None:
    again = json.dumps({"type": "register", "runnerId": "r1", "apiKey": desk.ann.key}).encode()
    async with runner_of_frames(desk) as runner:
        await runner.send(Piece(TEXT, b'{"type":"\xff"}').encode(masked=True) + Piece(TEXT, again).encode(masked=True))
        assert json.loads((await read_frame(runner.reader, masked=False)).payload)["type"] == "registered"


async def test_a_runners_message_above_the_limit_is_too_big(desk: Desk) -> None:
    async with runner_of_frames(desk) as runner:
        runner.writer.write(Piece(TEXT, b"x" * (MESSAGE + 1)).encode(masked=True))
        assert await read_close(runner.reader, masked=False) == 1009


# Service and the Python runner


class Service:
    """Be a WebSocket server of bare frames on the runner's machine."""

    def __init__(self) -> None:
        self.port = 0
        self.connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the handshake and hand the connection to the test."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        [key] = [
            line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:")
        ]
        lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
        writer.write("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept_of(key)}", "", ""]).encode())
        self.connected.put_nowait((reader, writer))
        await self.over.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def ann(rig: Rig) -> Person:
    person = await rig.person("ann")
    await rig.runner(person)
    return person


@pytest.fixture
async def service(rig: Rig, ann: Person) -> AsyncIterator[Service]:
    """A service of frames behind the Python runner."""
    made = Service()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    client = TunnelClient(rig.url, "r1", ann.key, {made.port})
    task = asyncio.create_task(client.run())
    async with asyncio.timeout(WAIT):
        await client.registered.wait()
    yield made
    made.over.set()
    await eventually(lambda: client.streams == 0, WAIT)
    task.cancel()
    await asyncio.wait({task})
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def through(rig: Rig, ann: Person, service: Service) -> AsyncIterator[Bridge]:
    """Give both ends of a bridge: the browser's socket, and the service's bare connection."""
    url = f"{rig.url}/api/tunnel/runner/r1/{service.port}/"
    async with asyncio.timeout(WAIT), rig.client.ws_connect(url, headers=ann.by_key, max_msg_size=0) as ws:
        reader, writer = await service.connected.get()
        yield Bridge(ws, reader, writer)


class Bridge:
    """Hold both ends of a bridge."""

    def __init__(
        self, browser: ClientWebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.browser = browser
        self.reader = reader
        self.writer = writer


async def test_what_a_service_sends_right_reaches_the_browser_and_comes_back(
    rig: Rig, ann: Person, service: Service
) -> None:
    for name, case in RIGHT.items():
        with named(name):
            async with through(rig, ann, service) as bridge:
                bridge.writer.write(b"".join(piece.encode(masked=False) for piece in case.frames))
                for message in case.messages:
                    assert (await bridge.browser.receive()).data == message
                for pong in case.pongs:
                    assert await read_frame(bridge.reader, masked=True) == Piece(PONG, pong)
                for message in case.messages:
                    if isinstance(message, str):
                        await bridge.browser.send_str(message)
                        assert await read_frame(bridge.reader, masked=True) == Piece(TEXT, message.encode())
                    else:
                        await bridge.browser.send_bytes(message)
                        assert await read_frame(bridge.reader, masked=True) == Piece(BINARY, message)


async def test_what_a_service_sends_wrong_closes_both_sides(rig: Rig, ann: Person, service: Service) -> None:
    for name, case in WRONG.items():
        with named(name):
            async with through(rig, ann, service) as bridge:
                bridge.writer.write(b"".join(piece.encode(masked=False) for piece in case.frames))
                for message in case.messages:
                    assert (await bridge.browser.receive()).data == message
                assert await read_close(bridge.reader, masked=True) == case.code
                answer = await bridge.browser.receive()
                assert (answer.type, answer.data) == (WSMsgType.CLOSE, case.code)


async def test_a_services_close_code_reaches_the_browser(rig: Rig, ann: Person, service: Service) -> None:
    for code in CLOSES:
        with named(code):
            async with through(rig, ann, service) as bridge:
                bridge.writer.write(close(code, "grüße".encode()).encode(masked=False))
                answer = await bridge.browser.receive()
                assert (answer.type, answer.data, answer.extra) == (WSMsgType.CLOSE, code, "grüße")


async def test_a_browsers_close_code_reaches_the_service(rig: Rig, ann: Person, service: Service) -> None:
    for code in CLOSES:
        with named(code):
            async with through(rig, ann, service) as bridge:
                await bridge.browser.close(code=code, message="grüße".encode())
                assert await read_frame(bridge.reader, masked=True) == close(code, "grüße".encode())
