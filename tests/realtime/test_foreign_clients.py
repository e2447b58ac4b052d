"""Prove that foreign clients understand us: the official JavaScript client and python-socketio's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import socketio

from relay.realtime import Ack, Handshake, Realtime, RealtimeConfig, Refuse, Room, Socket
from tests.realtime import js_client
from tests.realtime.support import CALM, WAIT, serving, until

TRANSPORTS = ["websocket", "polling", "polling,websocket", "websocket,polling"]


def setup(realtime: Realtime) -> None:
    """Serve what client.mjs and the Python tests ask for."""

    async def greet(socket: Socket) -> None:
        socket.emit("hello", socket.handshake.auth)

    async def echo(socket: Socket, argument: object, ack: Ack) -> None:
        ack(argument)

    async def call(socket: Socket, argument: object, ack: Ack) -> None:
        ack(*await socket.call("question", argument, timeout=WAIT))

    async def count(socket: Socket, argument: object, ack: Ack) -> None:
        socket.emit("count", argument)

    async def drop(socket: Socket, argument: object, ack: Ack) -> None:
        socket.close_transport()

    async def kick(socket: Socket, argument: object, ack: Ack) -> None:
        socket.disconnect()

    async def refuse(handshake: Handshake) -> object:
        raise Refuse("unauthorized", {"code": 401, "text": "é"})

    talk = realtime.namespace("/talk")
    talk.on_connect(greet)
    talk.on("echo", echo)
    talk.on("call me", call, waiting=True)
    talk.on("count", count)
    talk.on("drop me", drop)
    realtime.namespace("/other").on("kick me", kick)
    realtime.namespace("/refused").authenticate(refuse)


@pytest.fixture(scope="module")
def home() -> Path:
    """The folder with the installed JavaScript client."""
    return js_client.installed()


@pytest.mark.parametrize("transports", TRANSPORTS)
class TestJavaScriptClient:
    async def test_it_talks(self, home: Path, transports: str) -> None:
        async with serving(setup) as served:
            said = await js_client.run(home, f"http://127.0.0.1:{served.port}", "talk", transports)
        expected = "polling" if transports == "polling" else "websocket"
        assert said == [
            ["hello", {"token": "t"}],
            ["transport", expected],
            ["ack", {"text": "é\U0001f600", "list": [1, None, True]}],
            ["surrogate", "cut \ud83d"],
            ["binary", "0001ff"],
            ["large", True],
            ["called", {"answer": 42}],
            ["order", True],
            ["done"],
        ]

    async def test_it_is_refused_with_message_and_data(self, home: Path, transports: str) -> None:
        async with serving(setup) as served:
            said = await js_client.run(home, f"http://127.0.0.1:{served.port}", "refused", transports)
        assert said == [["unauthorized", {"code": 401, "text": "é"}], ["Invalid namespace"]]

    async def test_namespaces_share_a_connection_and_end_alone(self, home: Path, transports: str) -> None:
        async with serving(setup) as served:
            said = await js_client.run(home, f"http://127.0.0.1:{served.port}", "shared", transports)
        assert said == [
            ["shared", True],
            ["io server disconnect"],
            ["neighbour", True, "still here"],
            ["again", True, True],
            ["left", True],
        ]

    async def test_it_comes_back_after_a_lost_transport(self, home: Path, transports: str) -> None:
        async with serving(setup) as served:
            said = await js_client.run(home, f"http://127.0.0.1:{served.port}", "dropped", transports)
        assert said[0] in (["transport close"], ["transport error"])
        assert said[1:] == [["back", True]]


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids=",".join)
class TestPythonClient:
    async def test_it_talks(self, transports: list[str]) -> None:
        room = Room()
        config = RealtimeConfig(ping_interval=0.2, handler_grace=0.5, close_timeout=CALM.close_timeout)

        async def member(socket: Socket) -> None:
            room.add(socket)

        def both(realtime: Realtime) -> None:
            setup(realtime)
            realtime.namespace("/talk").on_connect(member)

        async with serving(both, config) as served:
            client = socketio.AsyncClient(reconnection=False, http_session=served.http)
            got: asyncio.Queue[object] = asyncio.Queue()
            client.on("hello", got.put, namespace="/talk")
            client.on("all", got.put, namespace="/talk")
            client.on("question", lambda value: value + 1, namespace="/talk")
            url = f"http://127.0.0.1:{served.port}"
            await client.connect(url, auth={"token": "p"}, namespaces=["/talk"], transports=transports)
            async with asyncio.timeout(WAIT):
                assert await got.get() == {"token": "p"}
            assert await client.call("echo", {"x": [b"\x00\x01", "é"]}, namespace="/talk", timeout=WAIT) == {
                "x": [b"\x00\x01", "é"]
            }
            assert await client.call("call me", 1, namespace="/talk", timeout=WAIT) == 2
            await asyncio.sleep(0.5)  # live through two pings
            room.emit("all", b"bytes")
            async with asyncio.timeout(WAIT):
                assert await got.get() == b"bytes"
            await client.disconnect()
            await until(lambda: len(room) == 0, "it left")

    async def test_it_is_refused_with_message_and_data(self, transports: list[str]) -> None:
        async with serving(setup) as served:
            client = socketio.AsyncClient(reconnection=False, http_session=served.http)
            got: asyncio.Queue[object] = asyncio.Queue()
            client.on("connect_error", got.put, namespace="/refused")
            with pytest.raises(socketio.exceptions.ConnectionError):
                await client.connect(
                    f"http://127.0.0.1:{served.port}", namespaces=["/refused"], transports=transports, wait_timeout=2
                )
            async with asyncio.timeout(WAIT):
                assert await got.get() == {"message": "unauthorized", "data": {"code": 401, "text": "é"}}
            await client.disconnect()
