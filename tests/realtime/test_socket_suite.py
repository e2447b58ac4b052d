"""Cover each case of the official Socket.IO protocol suite, one test per case and named after it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from relay.realtime import Ack, Realtime, Socket
from tests.realtime.support import SUITE, Served, Wire, serving
from tests.realtime.test_engine_suite import POLLING, check_open_packet


def setup(realtime: Realtime) -> None:
    """Answer as the suite's server does."""

    async def connected(socket: Socket) -> None:
        socket.emit("auth", socket.handshake.auth)

    async def event(socket: Socket, name: str, args: list[object], ack: Ack) -> None:
        if name == "message":
            socket.emit("message-back", *args)
        elif name == "message-with-ack":
            ack(*args)

    for name in ("/", "/custom"):
        namespace = realtime.namespace(name)
        namespace.on_connect(connected)
        namespace.on_other(event)


async def connected(served: Served) -> Wire:
    """Join the main namespace and take its first event."""
    wire = await served.joined()
    assert await wire.text() == '42["auth",{}]'
    return wire


class TestEngine:
    async def test_polling_should_successfully_open_a_session(self) -> None:
        async with serving(setup, SUITE) as served:
            status, text = await served.get(POLLING)
            assert status == 200
            check_open_packet(text, ["websocket"])

    async def test_polling_should_fail_with_an_invalid_eio_query_parameter(self) -> None:
        async with serving(setup, SUITE) as served:
            for query in ("transport=polling", "EIO=abc&transport=polling"):
                assert (await served.get(query))[0] == 400

    async def test_polling_should_fail_with_an_invalid_transport_query_parameter(self) -> None:
        async with serving(setup, SUITE) as served:
            for query in ("EIO=4", "EIO=4&transport=abc"):
                assert (await served.get(query))[0] == 400

    async def test_polling_should_fail_with_an_invalid_request_method(self) -> None:
        async with serving(setup, SUITE) as served:
            for method in ("POST", "PUT"):
                assert (await served.request(method, POLLING))[0] == 400

    async def test_websocket_should_successfully_open_a_session(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.websocket()
            check_open_packet(await wire.receive_any(), [])

    @pytest.mark.parametrize("query", ["transport=websocket", "EIO=abc&transport=websocket"])
    async def test_websocket_should_fail_with_an_invalid_eio_query_parameter(self, query: str) -> None:
        async with serving(setup, SUITE) as served:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await served.websocket(query)

    @pytest.mark.parametrize("query", ["EIO=4", "EIO=4&transport=abc"])
    async def test_websocket_should_fail_with_an_invalid_transport_query_parameter(self, query: str) -> None:
        async with serving(setup, SUITE) as served:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await served.websocket(query)

    async def test_polling_should_send_ping_pong_packets(self) -> None:
        async with serving(setup, SUITE) as served:
            sid = await served.open_polling()
            for _ in range(3):
                assert await served.get(f"{POLLING}&sid={sid}") == (200, "2")
                assert (await served.request("POST", f"{POLLING}&sid={sid}", "3"))[0] == 200

    async def test_polling_should_close_the_session_upon_ping_timeout(self) -> None:
        async with serving(setup, SUITE) as served:
            sid = await served.open_polling()
            await asyncio.sleep(SUITE.ping_interval + SUITE.ping_timeout + 0.02)
            assert (await served.get(f"{POLLING}&sid={sid}"))[0] == 400

    async def test_websocket_should_send_ping_pong_packets(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.websocket()
            await wire.receive_any()
            for _ in range(3):
                assert await wire.receive_any() == "2"
                await wire.send("3")

    async def test_websocket_should_close_the_session_upon_ping_timeout(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.joined()
            await wire.closed()

    async def test_polling_should_forcefully_close_the_session(self) -> None:
        async with serving(setup, SUITE) as served:
            sid = await served.open_polling()
            poll = asyncio.ensure_future(served.get(f"{POLLING}&sid={sid}"))
            await asyncio.sleep(0.05)  # the GET must wait before the POST comes
            assert (await served.request("POST", f"{POLLING}&sid={sid}", "1"))[0] == 200
            assert await poll == (200, "6")
            assert (await served.get(f"{POLLING}&sid={sid}"))[0] == 400

    async def test_websocket_should_forcefully_close_the_session(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.joined()
            await wire.send("1")
            await wire.closed()

    async def test_should_successfully_upgrade_from_polling_to_websocket(self) -> None:
        async with serving(setup, SUITE) as served:
            sid = await served.open_polling()
            wire = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await wire.send("2probe")
            assert await wire.receive_any() == "3probe"
            await wire.send("5")
            await wire.join()

    async def test_should_ignore_http_requests_with_same_sid_after_upgrade(self) -> None:
        async with serving(setup, SUITE) as served:
            sid = await served.open_polling()
            wire = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await wire.send("2probe")
            await wire.send("5")
            assert await wire.receive_any() == "3probe"
            await wire.join()
            assert (await served.get(f"{POLLING}&sid={sid}"))[0] == 400

    async def test_should_ignore_websocket_connection_with_same_sid_after_upgrade(self) -> None:
        async with serving(setup, SUITE) as served:
            sid = await served.open_polling()
            wire = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await wire.send("2probe")
            await wire.send("5")
            second = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await second.closed()


class TestConnect:
    @pytest.mark.parametrize(
        ("sent", "prefix", "auth"),
        [
            ("40", "", {}),
            ('40{"token":"123"}', "", {"token": "123"}),
            ("40/custom,", "/custom,", {}),
            ('40/custom,{"token":"abc"}', "/custom,", {"token": "abc"}),
        ],
        ids=["main", "main with a payload", "custom", "custom with a payload"],
    )
    async def test_should_allow_connection(self, sent: str, prefix: str, auth: dict[str, str]) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send(sent)
            answer = await wire.text()
            assert answer.startswith("40" + prefix)
            assert set(json.loads(answer[2 + len(prefix) :])) == {"sid"}
            assert await wire.text() == f"42{prefix}" + json.dumps(["auth", auth], separators=(",", ":"))

    async def test_should_disallow_connection_to_an_unknown_namespace(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("40/random")
            assert await wire.text() == '44/random,{"message":"Invalid namespace"}'

    async def test_should_disallow_connection_with_an_invalid_handshake(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("4abc")
            await wire.closed()

    async def test_should_close_the_connection_if_no_handshake_is_received(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await served.websocket()
            start = asyncio.get_running_loop().time()
            while (message := await wire.receive_message()) is not None:
                if message == "2":
                    await wire.send("3")
            assert 0.8 < asyncio.get_running_loop().time() - start < 2.5


class TestDisconnect:
    async def test_should_disconnect_from_the_main_namespace(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.send("41")
            assert await wire.receive_any() == "2"

    async def test_should_connect_then_disconnect_from_a_custom_namespace(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.join("/custom")
            assert await wire.text() == '42/custom,["auth",{}]'
            await wire.send("41/custom")
            await wire.send('42["message","message to main namespace"]')
            assert await wire.text() == '42["message-back","message to main namespace"]'


class TestMessage:
    async def test_should_send_a_plain_text_packet(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.send('42["message",1,"2",{"3":[true]}]')
            assert await wire.text() == '42["message-back",1,"2",{"3":[true]}]'

    async def test_should_send_a_packet_with_binary_attachments(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
            await wire.send(b"\x01\x02\x03")
            await wire.send(b"\x04\x05\x06")
            assert await wire.text() == (
                '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
            )
            assert await wire.receive() == b"\x01\x02\x03"
            assert await wire.receive() == b"\x04\x05\x06"

    async def test_should_send_a_plain_text_packet_with_an_ack(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.send('42456["message-with-ack",1,"2",{"3":[false]}]')
            assert await wire.text() == '43456[1,"2",{"3":[false]}]'

    async def test_should_send_a_packet_with_binary_attachments_and_an_ack(self) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
            await wire.send(b"\x01\x02\x03")
            await wire.send(b"\x04\x05\x06")
            assert await wire.text() == '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
            assert await wire.receive() == b"\x01\x02\x03"
            assert await wire.receive() == b"\x04\x05\x06"

    @pytest.mark.parametrize(
        "sent",
        ["4abc", "42{}", '42abc["message-with-ack",1,"2",{"3":[false]}]'],
        ids=["unknown packet type", "invalid payload format", "invalid ack id"],
    )
    async def test_should_close_the_connection_upon_invalid_format(self, sent: str) -> None:
        async with serving(setup, SUITE) as served:
            wire = await connected(served)
            await wire.send(sent)
            await wire.closed()
