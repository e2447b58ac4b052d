"""Cover each case of the official Engine.IO protocol suite, one test per case and named after it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from tests.realtime.support import SUITE, serving_engine

POLLING = "EIO=4&transport=polling"


def check_open_packet(text: str, upgrades: list[str]) -> None:
    assert text.startswith("0")
    value = json.loads(text[1:])
    assert set(value) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert isinstance(value["sid"], str)
    assert value["upgrades"] == upgrades
    assert (value["pingInterval"], value["pingTimeout"], value["maxPayload"]) == (300, 200, 1_000_000)


class TestHandshakePolling:
    async def test_successfully_opens_a_session(self) -> None:
        async with serving_engine() as served:
            status, text = await served.get(POLLING)
            assert status == 200
            check_open_packet(text, ["websocket"])

    async def test_fails_with_an_invalid_eio_query_parameter(self) -> None:
        async with serving_engine() as served:
            for query in ("transport=polling", "EIO=abc&transport=polling", "EIO=3&transport=polling"):
                status, text = await served.get(query)
                assert (status, json.loads(text)) == (400, {"code": 5, "message": "Unsupported protocol version"})

    async def test_fails_with_an_invalid_transport_query_parameter(self) -> None:
        async with serving_engine() as served:
            for query in ("EIO=4", "EIO=4&transport=abc"):
                status, text = await served.get(query)
                assert (status, json.loads(text)) == (400, {"code": 0, "message": "Transport unknown"})

    async def test_fails_with_an_invalid_request_method(self) -> None:
        async with serving_engine() as served:
            for method in ("POST", "PUT"):
                status, text = await served.request(method, POLLING)
                assert (status, json.loads(text)) == (400, {"code": 2, "message": "Bad handshake method"})


class TestHandshakeWebSocket:
    async def test_successfully_opens_a_session(self) -> None:
        async with serving_engine() as served:
            wire = await served.websocket()
            check_open_packet(await wire.receive_any(), [])

    @pytest.mark.parametrize("query", ["transport=websocket", "EIO=abc&transport=websocket"])
    async def test_fails_with_an_invalid_eio_query_parameter(self, query: str) -> None:
        async with serving_engine() as served:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await served.websocket(query)
            assert caught.value.status == 400

    @pytest.mark.parametrize("query", ["EIO=4", "EIO=4&transport=abc"])
    async def test_fails_with_an_invalid_transport_query_parameter(self, query: str) -> None:
        async with serving_engine() as served:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await served.websocket(query)
            assert caught.value.status == 400


class TestMessagePolling:
    @pytest.mark.parametrize(
        "body", ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="], ids=["one", "several", "with binary"]
    )
    async def test_sends_and_receives_a_payload(self, body: str) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            assert await served.request("POST", f"{POLLING}&sid={sid}", body) == (200, "ok")
            assert await served.get(f"{POLLING}&sid={sid}") == (200, body)

    async def test_closes_the_session_upon_invalid_packet_format(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            status, _ = await served.request("POST", f"{POLLING}&sid={sid}", "abc")
            assert status == 400
            status, _ = await served.get(f"{POLLING}&sid={sid}")
            assert status == 400

    async def test_closes_the_session_upon_duplicate_poll_requests(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            answers = await asyncio.gather(served.get(f"{POLLING}&sid={sid}"), served.get(f"{POLLING}&sid={sid}&t=b"))
            assert sorted(status for status, _ in answers) == [200, 400]
            assert (200, "1") in answers
            status, text = await served.get(f"{POLLING}&sid={sid}")
            assert (status, json.loads(text)) == (400, {"code": 1, "message": "Session ID unknown"})


class TestMessageWebSocket:
    @pytest.mark.parametrize("message", ["4hello", b"\x01\x02\x03\x04"], ids=["plain text", "binary"])
    async def test_sends_and_receives_a_packet(self, message: str | bytes) -> None:
        async with serving_engine() as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send(message)
            assert await wire.receive() == message

    async def test_closes_the_session_upon_invalid_packet_format(self) -> None:
        async with serving_engine() as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("abc")
            await wire.closed()


class TestHeartbeat:
    async def test_polling_sends_ping_pong_packets(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            for _ in range(3):
                assert await served.get(f"{POLLING}&sid={sid}") == (200, "2")
                assert await served.request("POST", f"{POLLING}&sid={sid}", "3") == (200, "ok")

    async def test_polling_closes_the_session_upon_ping_timeout(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            await asyncio.sleep(SUITE.ping_interval + SUITE.ping_timeout + 0.02)
            status, _ = await served.get(f"{POLLING}&sid={sid}")
            assert status == 400

    async def test_websocket_sends_ping_pong_packets(self) -> None:
        async with serving_engine() as served:
            wire = await served.websocket()
            await wire.receive_any()
            for _ in range(3):
                assert await wire.receive_any() == "2"
                await wire.send("3")

    async def test_websocket_closes_the_session_upon_ping_timeout(self) -> None:
        async with serving_engine() as served:
            wire = await served.websocket()
            start = asyncio.get_running_loop().time()
            await wire.closed()
            assert 0.4 < asyncio.get_running_loop().time() - start < 1.5


class TestClose:
    async def test_polling_forcefully_closes_the_session(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            poll = asyncio.ensure_future(served.get(f"{POLLING}&sid={sid}"))
            await asyncio.sleep(0.05)  # the GET must wait before the POST comes
            assert await served.request("POST", f"{POLLING}&sid={sid}", "1") == (200, "ok")
            assert await poll == (200, "6")
            status, _ = await served.get(f"{POLLING}&sid={sid}")
            assert status == 400

    async def test_websocket_forcefully_closes_the_session(self) -> None:
        async with serving_engine() as served:
            wire = await served.websocket()
            await wire.receive_any()
            await wire.send("1")
            await wire.closed()


class TestUpgrade:
    async def test_successfully_upgrades_from_polling_to_websocket(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            wire = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await wire.send("2probe")
            assert await wire.receive_any() == "3probe"
            assert await served.get(f"{POLLING}&sid={sid}") == (200, "6")
            await wire.send("5")
            await wire.send("4hello")
            assert await wire.receive() == "4hello"

    async def test_ignores_http_requests_with_same_sid_after_upgrade(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            wire = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await wire.send("2probe")
            await wire.send("5")
            assert await wire.receive_any() == "3probe"
            await wire.send("4first")
            assert await wire.receive() == "4first"
            status, _ = await served.get(f"{POLLING}&sid={sid}")
            assert status == 400
            await wire.send("4hello")
            assert await wire.receive() == "4hello"

    async def test_ignores_websocket_connection_with_same_sid_after_upgrade(self) -> None:
        async with serving_engine() as served:
            sid = await served.open_polling()
            wire = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await wire.send("2probe")
            await wire.send("5")
            assert await wire.receive_any() == "3probe"
            second = await served.websocket(f"EIO=4&transport=websocket&sid={sid}")
            await second.closed()
            await wire.send("4hello")
            assert await wire.receive() == "4hello"
