"""Prove long-polling and the upgrade from it: bodies in pieces, limits, order, CORS (realtime.md, Protocol)."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from relay.realtime import Ack, Realtime, RealtimeConfig, Socket
from relay.realtime.polling import PollingLink
from tests.realtime.support import Served, serving, until


class Desk:
    """One namespace that echoes, with the sockets and reasons it saw."""

    def __init__(self, realtime: Realtime) -> None:
        self.sockets: list[Socket] = []
        self.gone: list[str] = []
        self.seen: list[object] = []
        namespace = realtime.namespace("/")
        namespace.on_connect(self.connected)
        namespace.on_disconnect(self.disconnected)
        namespace.on("echo", self.echo)

    async def connected(self, socket: Socket) -> None:
        self.sockets.append(socket)

    async def disconnected(self, socket: Socket, reason: str) -> None:
        self.gone.append(reason)

    async def echo(self, socket: Socket, argument: object, ack: Ack) -> None:
        self.seen.append(argument)
        ack(argument)


async def polling(served: Served) -> str:
    """Open a polling session that has joined the main namespace; answer its query string."""
    sid = await served.open_polling()
    query = f"EIO=4&transport=polling&sid={sid}"
    assert await served.request("POST", query, "40") == (200, "ok")
    status, text = await served.get(query)
    assert (status, text[:3]) == (200, "40{")
    return query


def link_of(served: Served, query: str) -> PollingLink:
    link = served.connection(query.rpartition("=")[2]).link
    assert isinstance(link, PollingLink)
    return link


async def waiting_get(served: Served, query: str) -> asyncio.Future[tuple[int, str]]:
    """Send a GET and come back when it waits."""
    poll = asyncio.ensure_future(served.get(query))
    await until(lambda: link_of(served, query).is_polled, "the GET waits")
    return poll


class TestBodies:
    async def test_a_body_that_arrives_in_pieces_is_whole(self) -> None:
        """Send a POST of 2 MB as many TCP segments with pauses; no character of the payload may be missing."""
        async with serving(Desk) as served:
            query = await polling(served)
            text = "é" * 1_000_000
            body = f'421["echo","{text}"]'.encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(
                f"POST /socket.io/?{query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            )
            for start in range(0, len(body), 333_333):
                writer.write(body[start : start + 333_333])
                await writer.drain()
                await asyncio.sleep(0.01)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
            assert await served.get(query) == (200, f'431["{text}"]')

    async def test_a_chunked_body_is_whole(self) -> None:
        async with serving(Desk) as served:
            query = await polling(served)

            async def body() -> object:
                yield b'421["ec'
                await asyncio.sleep(0.01)
                yield b'ho",1]\x1e422["echo",2]'

            async with served.http.post(f"{served.url}?{query}", data=body()) as answer:
                assert await answer.text() == "ok"
            assert await served.get(query) == (200, "431[1]\x1e432[2]")

    @pytest.mark.parametrize("declared", [True, False])
    async def test_a_body_over_the_limit_is_refused_and_ends_the_session(self, declared: bool) -> None:
        desks: list[Desk] = []
        config = RealtimeConfig(max_payload=5000)
        async with serving(lambda realtime: desks.append(Desk(realtime)), config) as served:
            query = await polling(served)
            assert (await served.request("POST", query, '421["echo","' + "x" * 4900 + '"]'))[0] == 200
            await served.get(query)

            async def pieces() -> object:
                for _ in range(10):
                    yield b"4" * 1000

            data = b"4" * 5001 if declared else pieces()
            async with served.http.post(f"{served.url}?{query}", data=data) as answer:
                assert answer.status == 413
            await until(lambda: desks[0].gone == ["transport error"], "the session ended")
            assert (await served.get(query))[0] == 400

    async def test_a_stranger_has_a_small_limit(self) -> None:
        async with serving(Desk, RealtimeConfig(unjoined_payload=1000)) as served:
            sid = await served.open_polling()
            query = f"EIO=4&transport=polling&sid={sid}"
            status, _ = await served.request("POST", query, '40{"key":"' + "x" * 1000 + '"}')
            assert status == 413
            assert (await served.get(query))[0] == 400

    async def test_binary_travels_as_base64(self) -> None:
        async with serving(Desk) as served:
            query = await polling(served)
            body = '451-1["echo",{"_placeholder":true,"num":0}]\x1ebAQIDBA=='
            assert await served.request("POST", query, body) == (200, "ok")
            assert await served.get(query) == (200, '461-1[{"_placeholder":true,"num":0}]\x1ebAQIDBA==')

    async def test_the_answer_comes_after_the_handlers(self) -> None:
        """A sender that is too quick is held back by its own POST."""
        gate = asyncio.Event()

        async def slow(socket: Socket, argument: object, ack: Ack) -> None:
            async with asyncio.timeout(5):
                await gate.wait()

        async with serving(lambda realtime: realtime.namespace("/").on("slow", slow)) as served:
            query = await polling(served)
            post = asyncio.ensure_future(served.request("POST", query, '42["slow"]'))
            done, _ = await asyncio.wait([post], timeout=0.1)
            assert not done
            gate.set()
            assert await post == (200, "ok")


class TestRequests:
    async def test_a_waiting_get_is_answered_at_once_with_everything_of_the_turn(self) -> None:
        desks: list[Desk] = []
        async with serving(lambda realtime: desks.append(Desk(realtime))) as served:
            query = await polling(served)
            poll = await waiting_get(served, query)
            desks[0].sockets[0].emit("a")
            desks[0].sockets[0].emit("b")
            assert await poll == (200, '42["a"]\x1e42["b"]')

    async def test_overlapping_posts_end_the_session(self) -> None:
        gate = asyncio.Event()

        async def slow(socket: Socket, argument: object, ack: Ack) -> None:
            async with asyncio.timeout(5):
                await gate.wait()

        async with serving(lambda realtime: realtime.namespace("/").on("slow", slow)) as served:
            query = await polling(served)
            first = asyncio.ensure_future(served.request("POST", query, '42["slow"]'))
            await until(lambda: served.connection("").busy, "the first is being handled")
            status, _ = await served.request("POST", query, '42["slow"]')
            assert status == 400
            gate.set()
            await first
            assert (await served.get(query))[0] == 400

    async def test_a_get_that_the_client_gives_up_ends_the_session(self) -> None:
        desks: list[Desk] = []
        async with serving(lambda realtime: desks.append(Desk(realtime))) as served:
            query = await polling(served)
            poll = await waiting_get(served, query)
            poll.cancel()
            await until(lambda: desks[0].gone == ["transport error"], "the session ended")

    async def test_the_end_of_the_session_is_told_to_the_waiting_get_with_what_was_queued(self) -> None:
        desks: list[Desk] = []
        async with serving(lambda realtime: desks.append(Desk(realtime))) as served:
            query = await polling(served)
            poll = await waiting_get(served, query)
            desks[0].sockets[0].emit("last")
            desks[0].sockets[0].close_transport()
            assert await poll == (200, '42["last"]')
            await until(lambda: desks[0].gone == ["forced close"], "the session ended")

    @pytest.mark.parametrize(
        ("method", "query", "message"),
        [
            ("GET", "EIO=4&transport=polling&sid=unknown", "Session ID unknown"),
            ("POST", "EIO=4&transport=polling&sid=unknown", "Session ID unknown"),
            ("GET", "EIO=4&transport=websocket", "Bad request"),
            ("DELETE", "EIO=4&transport=polling&sid={sid}", "Bad request"),
            ("GET", "EIO=4&transport=websocket&sid={sid}", "Bad request"),
        ],
    )
    async def test_errors_are_json_like_the_reference(self, method: str, query: str, message: str) -> None:
        async with serving(Desk) as served:
            sid = await served.open_polling()
            status, text = await served.request(method, query.format(sid=sid))
            assert status == 400
            assert json.loads(text)["message"] == message


class TestUpgrade:
    async def test_packets_keep_their_order_over_the_upgrade(self) -> None:
        desks: list[Desk] = []
        async with serving(lambda realtime: desks.append(Desk(realtime))) as served:
            query = await polling(served)
            poll = await waiting_get(served, query)
            wire = await served.websocket(query.replace("polling", "websocket"))
            await wire.send("2probe")
            assert await wire.receive_any() == "3probe"
            assert await poll == (200, "6")
            assert await served.get(query) == (200, "6")  # none waits while the probe is under way
            for number in range(5):
                desks[0].sockets[0].emit("n", number)
            assert await served.request("POST", query, '427["echo","by post"]') == (200, "ok")
            await wire.send("5")
            await wire.send('428["echo","by websocket"]')
            got = [await wire.text() for _ in range(7)]
            assert got == [f'42["n",{n}]' for n in range(5)] + ['437["by post"]', '438["by websocket"]']
            assert desks[0].seen == ["by post", "by websocket"]
            await wire.close()
            await until(lambda: desks[0].gone == ["transport close"], "the session ended")

    async def test_a_large_backlog_moves_to_the_websocket(self) -> None:
        desks: list[Desk] = []
        async with serving(lambda realtime: desks.append(Desk(realtime))) as served:
            query = await polling(served)
            for number in range(7):
                desks[0].sockets[0].emit("n", number, "x" * 1_000_000)
            wire = await served.websocket(query.replace("polling", "websocket"))
            await wire.send("2probe")
            assert await wire.receive_any() == "3probe"
            await wire.send("5")
            assert [(await wire.text())[:8] for _ in range(7)] == [f'42["n",{n}' for n in range(7)]

    @pytest.mark.parametrize("messages", [["3probe"], ["2probe", "4hello"], [b"\x01"], ["2probe", "2probe"]])
    async def test_a_failed_probe_leaves_polling_as_it_was(self, messages: list[str | bytes]) -> None:
        async with serving(Desk) as served:
            query = await polling(served)
            wire = await served.websocket(query.replace("polling", "websocket"))
            for message in messages:
                await wire.send(message)
            await wire.closed()
            poll = await waiting_get(served, query)
            assert await served.request("POST", query, '421["echo",1]') == (200, "ok")
            assert await poll == (200, "431[1]")

    async def test_a_probe_that_never_ends_is_closed(self) -> None:
        async with serving(Desk, RealtimeConfig(upgrade_timeout=0.1)) as served:
            query = await polling(served)
            wire = await served.websocket(query.replace("polling", "websocket"))
            await wire.send("2probe")
            await wire.closed()
            poll = await waiting_get(served, query)
            await served.request("POST", query, '421["echo",1]')
            assert await poll == (200, "431[1]")

    async def test_the_end_of_the_session_closes_a_probing_websocket(self) -> None:
        desks: list[Desk] = []
        async with serving(lambda realtime: desks.append(Desk(realtime))) as served:
            query = await polling(served)
            wire = await served.websocket(query.replace("polling", "websocket"))
            await wire.send("2probe")
            assert await wire.receive_any() == "3probe"
            desks[0].sockets[0].close_transport()
            await wire.send("5")
            await wire.closed()
            assert desks[0].gone == ["forced close"]

    async def test_a_second_probe_at_the_same_time_is_closed(self) -> None:
        async with serving(Desk) as served:
            query = (await polling(served)).replace("polling", "websocket")
            first = await served.websocket(query)
            second = await served.websocket(query)
            await second.closed()
            await first.send("2probe")
            assert await first.receive_any() == "3probe"


class TestCors:
    async def test_a_trusted_origin_gets_the_headers_and_others_only_no_headers(self) -> None:
        async with serving(Desk, allow_origin=lambda request, origin: origin == "https://good.example") as served:
            for origin, allowed in (("https://good.example", True), ("https://bad.example", False)):
                async with served.http.get(
                    f"{served.url}?EIO=4&transport=polling", headers={"Origin": origin}
                ) as answer:
                    assert answer.status == 200
                    check_cors(answer, origin if allowed else None)
                async with served.http.get(f"{served.url}?EIO=4", headers={"Origin": origin}) as answer:
                    assert answer.status == 400
                    check_cors(answer, origin if allowed else None)

    async def test_a_preflight_is_answered(self) -> None:
        async with serving(Desk, allow_origin=lambda request, origin: True) as served:
            headers = {"Origin": "https://good.example", "Access-Control-Request-Headers": "x-extra"}
            async with served.http.options(f"{served.url}?EIO=4&transport=polling", headers=headers) as answer:
                assert answer.status == 204
                check_cors(answer, "https://good.example")
                assert answer.headers["Access-Control-Allow-Methods"] == "GET,POST"
                assert answer.headers["Access-Control-Allow-Headers"] == "x-extra"


def check_cors(answer: aiohttp.ClientResponse, origin: str | None) -> None:
    assert answer.headers.get("Access-Control-Allow-Origin") == origin
    assert answer.headers.get("Access-Control-Allow-Credentials") == ("true" if origin else None)
    assert answer.headers["Vary"] == "Origin"
