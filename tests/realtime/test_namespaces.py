"""Prove how namespaces are joined, refused, left and ended, several of them on one connection."""

from __future__ import annotations

import asyncio
import json

import pytest

from relay.realtime import Ack, Drop, Handshake, Realtime, RealtimeConfig, Refuse, Room, Socket
from relay.realtime.polling import PollingLink
from tests.realtime.support import CALM, WAIT, RawSocket, serving, until


class House:
    """Two namespaces that record what happens to them."""

    def __init__(self, realtime: Realtime) -> None:
        self.events: list[str] = []
        self.sockets: dict[str, Socket] = {}
        for name in ("/a", "/b"):
            namespace = realtime.namespace(name)
            namespace.on_connect(self.connected)
            namespace.on_disconnect(self.disconnected)
            namespace.on("e", self.event)

    async def connected(self, socket: Socket) -> None:
        self.sockets[socket.namespace.name] = socket
        self.events.append(f"+{socket.namespace.name}")

    async def disconnected(self, socket: Socket, reason: str) -> None:
        assert not socket.connected
        assert socket.id not in socket.namespace.sockets
        self.events.append(f"-{socket.namespace.name} {reason}")

    async def event(self, socket: Socket, argument: object, ack: Ack) -> None:
        ack(argument)


class TestAuthentication:
    async def test_the_authenticator_sees_the_request_and_its_answer_becomes_the_data(self) -> None:
        seen: list[Handshake] = []
        sockets: list[Socket] = []

        async def authenticate(handshake: Handshake) -> object:
            seen.append(handshake)
            await asyncio.sleep(0)
            return {"user": "u"}

        async def connected(socket: Socket) -> None:
            sockets.append(socket)

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/a").authenticate(authenticate)
            realtime.namespace("/a").on_connect(connected)

        async with serving(setup) as served:
            wire = await served.websocket(
                "EIO=4&transport=websocket&sessionId=s", {"Origin": "http://o", "Cookie": "c=1", "X-Extra": "x"}
            )
            await wire.receive_any()
            sid = await wire.join("/a", {"apiKey": "k", "pid": "old", "offset": 3})
            await until(lambda: len(sockets) == 1, "the connect handler ran")
            assert sockets[0].data == {"user": "u"}
            assert sockets[0].handshake is seen[0]
            assert served.realtime.namespace("/a").sockets == {sid: sockets[0]}
            handshake = seen[0]
            assert handshake.auth == {"apiKey": "k", "pid": "old", "offset": 3}
            assert handshake.origin == "http://o"
            assert handshake.address == "127.0.0.1"
            assert handshake.request.cookies == {"c": "1"}
            assert handshake.request.query["sessionId"] == "s"
            assert handshake.request.headers["X-Extra"] == "x"

    async def test_a_refusal_is_a_connect_error_and_the_connection_stays(self) -> None:
        async def authenticate(handshake: Handshake) -> object:
            if handshake.auth.get("key") == "good":
                return None
            raise Refuse("unauthorized", handshake.auth.get("data"))

        async with serving(lambda realtime: realtime.namespace("/a").authenticate(authenticate)) as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("40/a,")
            assert await wire.text() == '44/a,{"message":"unauthorized"}'
            await wire.send('40/a,{"data":{"code":7}}')
            assert await wire.text() == '44/a,{"message":"unauthorized","data":{"code":7}}'
            await wire.join("/a", {"key": "good"})

    @pytest.mark.parametrize("error", [Drop(), ValueError("the database is busy"), TimeoutError()])
    async def test_a_drop_or_an_unexpected_error_closes_the_transport_without_a_packet(
        self, error: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def authenticate(handshake: Handshake) -> object:
            raise error

        async with serving(lambda realtime: realtime.namespace("/a").authenticate(authenticate)) as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("40/a,")
            assert await wire.receive_message() is None
        assert ("authentication failed" in caplog.text) is not isinstance(error, Drop)

    async def test_authentication_has_a_time_limit(self) -> None:
        async def authenticate(handshake: Handshake) -> object:
            await asyncio.sleep(60)
            return None

        config = RealtimeConfig(connect_timeout=0.2, handler_grace=0.5)
        async with serving(lambda realtime: realtime.namespace("/a").authenticate(authenticate), config) as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("40/a,")
            assert await wire.receive_message() is None

    async def test_nothing_overtakes_the_answer_to_connect(self) -> None:
        """A handler that emits at once, and a broadcast to a room that the socket is put into at once."""
        room = Room()

        async def connected(socket: Socket) -> None:
            socket.emit("first")
            room.add(socket)
            room.emit("second")

        async with serving(lambda realtime: realtime.namespace("/a").on_connect(connected)) as served:
            raw = await RawSocket.open(served.port)
            await raw.send(b"40/a,")
            data = await raw.read_until(b"second")
            assert data.index(b'40/a,{"sid"') < data.index(b'42/a,["first"]') < data.index(b'42/a,["second"]')
            raw.close()


class TestSeveralNamespaces:
    async def test_a_client_leaves_one_and_its_neighbour_stays(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wire = await served.joined("/a")
            await wire.join("/b")
            await wire.send("41/a,")
            await wire.send('42/a,1["e","for nobody"]')
            await wire.send('42/b,2["e","for b"]')
            assert await wire.text() == '43/b,2["for b"]'
            await wire.join("/a")
            await wire.send('42/a,3["e","again"]')
            assert await wire.text() == '43/a,3["again"]'
            assert houses[0].events == ["+/a", "+/b", "-/a client namespace disconnect", "+/a"]

    async def test_the_server_ends_one_and_its_neighbour_stays(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wire = await served.joined("/a")
            await wire.join("/b")
            await until(lambda: len(houses[0].sockets) == 2, "both are joined")
            socket = houses[0].sockets["/a"]
            socket.emit("last")
            socket.disconnect()
            socket.emit("too late")
            assert not socket.connected
            socket.disconnect()
            assert await wire.text() == '42/a,["last"]'
            assert await wire.text() == "41/a,"
            await wire.send('42/a,1["e","under way"]')
            await wire.send("41/a,")
            await wire.send('42/b,2["e","for b"]')
            assert await wire.text() == '43/b,2["for b"]'
            assert houses[0].events == ["+/a", "+/b", "-/a server namespace disconnect"]

    async def test_the_end_of_the_transport_ends_all_of_them(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wire = await served.joined("/a")
            await wire.join("/b")
            await wire.close()
            await until(lambda: len(houses[0].events) == 4, "both are disconnected")
            assert houses[0].events == ["+/a", "+/b", "-/a transport close", "-/b transport close"]
            assert served.realtime.connections == 0

    async def test_close_transport_closes_without_a_packet(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wire = await served.joined("/a")
            await until(lambda: len(houses[0].sockets) == 1, "it is joined")
            houses[0].sockets["/a"].emit("last")
            houses[0].sockets["/a"].close_transport()
            assert await wire.text() == '42/a,["last"]'
            assert await wire.receive_message() is None
            await until(lambda: len(houses[0].events) == 2, "it is disconnected")
            assert houses[0].events == ["+/a", "-/a forced close"]

    async def test_a_disconnect_from_an_ordered_handler_is_finished_after_it(self) -> None:
        seen: list[str] = []

        async def leave(socket: Socket, argument: object, ack: Ack) -> None:
            ack("before")
            socket.disconnect()
            ack("after")
            await asyncio.sleep(0.02)
            seen.append("handler done")

        async def disconnected(socket: Socket, reason: str) -> None:
            seen.append(reason)

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/a").on("leave", leave)
            realtime.namespace("/a").on_disconnect(disconnected)

        async with serving(setup) as served:
            wire = await served.joined("/a")
            await wire.send('42/a,1["leave"]')
            assert await wire.text() == '43/a,1["before"]'
            assert await wire.text() == "41/a,"
            await until(lambda: len(seen) == 2, "the disconnect handler ran")
        assert seen == ["handler done", "server namespace disconnect"]

    async def test_a_repeated_connect_joins_once_and_the_connection_stays(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wire = await served.joined("/b")
            await wire.send("40/a,{}")
            await wire.send("40/a,{}")
            await wire.send('42/a,1["e","once"]')
            assert (await wire.text()).startswith('40/a,{"sid":')
            assert await wire.text() == '43/a,1["once"]'
            assert houses[0].events == ["+/b", "+/a"]
            assert list(houses[0].sockets["/a"].namespace.sockets.values()) == [houses[0].sockets["/a"]]

    @pytest.mark.parametrize("packets", [["42/a,[]"], ['42["e"]'], ["44/a,{}"]])
    async def test_packets_out_of_state_close_the_connection_of_a_stranger(self, packets: list[str]) -> None:
        async with serving(House) as served:
            wire = await served.websocket()
            await wire.receive_any()
            for packet in packets:
                await wire.send(packet)
            await wire.closed()

    async def test_a_disconnect_handler_that_fails_stops_no_other(self, caplog: pytest.LogCaptureFixture) -> None:
        houses: list[House] = []

        async def fail(socket: Socket, reason: str) -> None:
            raise ValueError("broken")

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/a").on_disconnect(fail)
            houses.append(House(realtime))

        async with serving(setup) as served:
            wire = await served.joined("/a")
            await wire.join("/b")
            await wire.close()
            await until(lambda: len(houses[0].events) == 4, "both are disconnected")
        assert "a disconnect handler failed" in caplog.text


class TestRooms:
    async def test_a_broadcast_reaches_every_member_over_every_transport(self) -> None:
        room = Room()

        async def connected(socket: Socket) -> None:
            room.add(socket)

        async with serving(lambda realtime: realtime.namespace("/a").on_connect(connected)) as served:
            wires = [await served.joined("/a") for _ in range(3)]
            sid = await served.open_polling()
            query = f"EIO=4&transport=polling&sid={sid}"
            await served.request("POST", query, "40/a,")
            assert (await served.get(query))[1].startswith("40/a,")
            await until(lambda: len(room) == 4, "all are members")
            room.emit("hello", {"n": 1})
            for wire in wires:
                assert await wire.text() == '42/a,["hello",{"n":1}]'
            assert await served.get(query) == (200, '42/a,["hello",{"n":1}]')
            await wires[0].close()
            await until(lambda: len(room) == 3, "the one that left is no member")
            room.emit("again")
            assert await wires[1].text() == '42/a,["again"]'

    async def test_membership(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wire = await served.joined("/a")
            await wire.join("/b")
            await until(lambda: len(houses[0].sockets) == 2, "both are joined")
            first, second = houses[0].sockets["/a"], houses[0].sockets["/b"]
            room, other = Room(), Room()
            room.emit("to nobody", object())
            room.add(first)
            room.add(first)
            other.add(first)
            assert list(room) == [first]
            assert first in room
            with pytest.raises(ValueError, match="takes no socket of /b"):
                room.add(second)
            room.discard(second)
            first.disconnect()
            assert len(room) == len(other) == 0
            assert first not in room
            room.add(first)
            assert len(room) == 0

    async def test_a_namespace_reaches_all_its_sockets(self) -> None:
        async with serving(House) as served:
            wires = [await served.joined("/a") for _ in range(2)]
            served.realtime.namespace("/a").emit("all", 1)
            served.realtime.namespace("/b").emit("nobody", object())
            assert [await wire.text() for wire in wires] == ['42/a,["all",1]'] * 2


class TestShutdown:
    async def test_close_is_prompt_runs_the_handlers_and_sends_no_packet(self) -> None:
        houses: list[House] = []
        async with serving(lambda realtime: houses.append(House(realtime))) as served:
            wires = [await served.joined("/a") for _ in range(5)]
            sid = await served.open_polling()
            query = f"EIO=4&transport=polling&sid={sid}"
            poll = asyncio.ensure_future(served.get(query))
            raw = await RawSocket.open(served.port)
            await raw.join("/b")
            link = served.connection(sid).link
            await until(lambda: isinstance(link, PollingLink) and link.is_polled, "the GET waits")
            assert served.realtime.connections == 7
            start = asyncio.get_running_loop().time()
            await served.realtime.close()
            assert asyncio.get_running_loop().time() - start < 3.0
            for wire in wires:
                assert await wire.receive_message() is None
            assert await raw.read_to_end() == b"\x88\x02" + (1001).to_bytes(2, "big")
            raw.close()
            assert await poll == (200, "1")
            assert houses[0].events == ["+/a"] * 5 + ["+/b"] + ["-/a server shutting down"] * 5 + [
                "-/b server shutting down"
            ]
            status, text = await served.get("EIO=4&transport=polling")
            assert (status, json.loads(text)["message"]) == (503, "Server is shutting down")

    async def test_close_waits_for_no_handler_for_long(self) -> None:
        ended: list[str] = []

        async def stuck(socket: Socket, argument: object, ack: Ack) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("handler")

        async def disconnected(socket: Socket, reason: str) -> None:
            ended.append(reason)

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/a").on("stuck", stuck)
            realtime.namespace("/a").on_disconnect(disconnected)

        async with serving(setup, RealtimeConfig(handler_grace=0.2)) as served:
            wire = await served.joined("/a")
            await wire.send('42/a,["stuck"]')
            await wire.send("42/a,1[]")
            await asyncio.sleep(0.05)  # let the handler start
            start = asyncio.get_running_loop().time()
            await served.realtime.close()
            assert asyncio.get_running_loop().time() - start < 3.0
        assert ended == ["handler", "server shutting down"]


async def test_the_config_is_what_is_announced() -> None:
    async with serving(None, CALM) as served:
        async with asyncio.timeout(WAIT):
            status, text = await served.get("EIO=4&transport=polling")
        assert status == 200
        opened = json.loads(text[1:])
        assert (opened["pingInterval"], opened["pingTimeout"]) == (30_000, 60_000)
        assert opened["maxPayload"] == 104_857_600
