"""What ends exchanges from the runner's side: its socket, its frames, their number (tunnel.md 1.2, 1.6, 6.1 S14, 7)."""

from __future__ import annotations

import asyncio

import pytest

from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from tests.runners.rig import Options
from tests.tunnel.desk import BASE, Desk
from tests.tunnel.runner import Runner


@pytest.fixture
def tunnel() -> TunnelLimits:
    return TunnelLimits()


@pytest.fixture
def options(tunnel: TunnelLimits) -> Options:
    return Options(tunnel=tunnel, exchanges=ExchangeLimits(exchanges=3))


async def test_tunnel_5_a_new_socket_of_the_same_runner_fails_what_the_old_one_carried(desk: Desk) -> None:
    async with desk.raw() as waiting, desk.raw() as begun:
        await waiting.get(BASE, desk.key)
        await desk.runner.request()
        await begun.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await begun.head()
        async with Runner(desk.rig, desk.ann) as successor:
            answer = await waiting.answer()
            assert (answer.status, answer.body) == (502, b'{"error":"Tunnel error: Runner re-registered"}')
            assert await begun.reader.read() == b""
            async with asyncio.timeout(30):
                await desk.runner.closed.wait()
            await waiting.get(BASE, desk.key)
            await successor.answer(await successor.request(), b"new")
            assert (await waiting.answer()).body == b"new"
            assert len(desk.rig.links) == 1


async def test_tunnel_10_nonsense_is_ignored_and_the_socket_lives_on(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        for text in ("", "{", "[]", "null", '"x"', "[" * 5000, '{"type":"\ud800"}', '{"type":5,"id":5}', '{"id":[]}'):
            await desk.runner.ws.send_bytes(text.encode("utf-8", "surrogatepass"))
        for frame in (
            {"type": "no such type", "id": request["id"]},
            {"type": "response-data", "id": request["id"], "data": "before the head"},
            {"type": "response-data", "id": "unknown", "data": "x"},
            {"type": "response-start", "id": "unknown", "statusCode": 999},
            {"type": "register"},
            {"type": "pong"},
        ):
            await desk.runner.send(frame)
        await desk.runner.answer(request)
        await desk.runner.end(request)
        await desk.runner.send({"type": "response-data-abort", "id": request["id"]})
        assert (await browser.answer()).body == b"ok"
        await browser.get(BASE, desk.key)
        await desk.runner.answer(await desk.runner.request(), b"next")
        assert (await browser.answer()).body == b"next"


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "response-start", "statusCode": 600, "statusMessage": "", "headers": {}},
        {"type": "response-start", "statusCode": 101, "statusMessage": "", "headers": {}},
        {"type": "response-start", "statusCode": "200", "statusMessage": "", "headers": {}},
        {"type": "response-start", "statusCode": True, "headers": {}},
        {"type": "response-start", "statusCode": 200, "headers": []},
        {"type": "response-data-end"},
        {"type": "response-data-abort", "reason": "gone"},
        {"type": "request-end"},
    ],
)
async def test_an_invalid_or_early_end_fails_the_exchange_at_once(desk: Desk, frame: dict[str, object]) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.send({**frame, "id": request["id"]})
        answer = await browser.answer()
        assert answer.status == 502
        assert answer.body.startswith(b'{"error":"Tunnel error: ')
        assert answer.one("x-frame-options") == "SAMEORIGIN"


async def test_characters_that_are_no_bytes_break_the_exchange(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        await desk.runner.head(request)
        await desk.runner.send({"type": "response-data", "id": request["id"], "data": "\u20ac"})
        assert not (await browser.answer()).complete
        await desk.runner.take("request-end", request["id"])


async def test_tunnel_11_frames_of_another_runner_do_not_count(desk: Desk) -> None:
    await desk.rig.runner(desk.bob, "r2", "s2")
    async with Runner(desk.rig, desk.bob, "r2") as stranger, desk.raw() as browser:
        await browser.get(BASE, desk.key)
        request = await desk.runner.request()
        for kind in ("response-data-end", "response-data-abort", "request-end", "ws-close", "ws-error", "ws-opened"):
            await stranger.send({"type": kind, "id": request["id"], "message": "x"})
        await stranger.answer(request, b"forged")
        await stranger.send({"type": "register", "runnerId": "r2", "apiKey": desk.bob.key})
        await stranger.take("registered")
        await desk.runner.answer(request, b"true")
        assert (await browser.answer()).body == b"true"


@pytest.mark.parametrize("tunnel", [TunnelLimits(ping_every=0.05, silent_for=2.0)])
async def test_tunnel_8_a_runner_without_heartbeats_fails_what_it_carries(desk: Desk) -> None:
    async with desk.raw() as waiting:
        await waiting.get(BASE, desk.key)
        await desk.runner.request()
        answer = await waiting.answer()
        assert (answer.status, answer.body) == (502, b'{"error":"Tunnel error: Runner missed heartbeats"}')


async def test_a_shutdown_fails_what_is_open(desk: Desk) -> None:
    async with desk.raw() as waiting:
        await waiting.get(BASE, desk.key)
        await desk.runner.request()
        await desk.rig.links.close()
        answer = await waiting.answer()
        assert (answer.status, answer.body) == (502, b'{"error":"Tunnel error: Relay shutting down"}')
        async with asyncio.timeout(30):
            await desk.runner.closed.wait()
        assert desk.runner.ws.close_code == 1001


async def test_more_exchanges_than_allowed_are_told_to_come_again(desk: Desk) -> None:
    async with desk.raw() as one, desk.raw() as two, desk.raw() as three, desk.raw() as four:
        requests = []
        for browser in (one, two, three):
            await browser.get(BASE, desk.key)
            requests.append(await desk.runner.request())
        await four.get(BASE, desk.key)
        answer = await four.answer()
        assert (answer.status, answer.body) == (503, b'{"error":"Tunnel error: busy"}')
        assert answer.one("retry-after") == "1"
        for request in requests:
            await desk.runner.answer(request)
        await one.answer()
        await four.get(BASE, desk.key)
        await desk.runner.answer(await desk.runner.request())
        assert (await four.answer()).status == 200
