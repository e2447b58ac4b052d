"""Slow browsers and slow runners: what they may hold up, and how much memory and disk they may take (tunnel.md 8.3)."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from relay.tunnel.limits import ExchangeLimits
from tests.runners.rig import Options
from tests.tunnel.desk import BASE, Desk, eventually
from tests.tunnel.raw import Raw
from tests.tunnel.runner import Frame

PIECE = random.Random(3).randbytes(256 * 1024)
LIMITS = ExchangeLimits(spill_each=64 * 2**20, spill_all=96 * 2**20, spill_segment=2**20)


@pytest.fixture
def limits() -> ExchangeLimits:
    return LIMITS


@pytest.fixture
def options(limits: ExchangeLimits) -> Options:
    return Options(exchanges=limits)


class Flood:
    """Send a long response as fast as the relay takes it, and watch what the relay keeps."""

    def __init__(self, desk: Desk, request: Frame, pieces: int) -> None:
        self._desk = desk
        self._request = request
        self._pieces = pieces
        self.sent = 0
        self.most_memory = 0
        self.expected = hashlib.sha256()

    async def run(self) -> None:
        """Send everything."""
        await self._desk.runner.head(self._request)
        for number in range(self._pieces):
            piece = number.to_bytes(4) + PIECE
            await self._desk.runner.data(self._request, piece)
            self.expected.update(piece)
            self.sent += len(piece)
            self.most_memory = max(self.most_memory, self._desk.channel.flow.total)
        await self._desk.runner.end(self._request)


@asynccontextmanager
async def flooded(desk: Desk, pieces: int, *lines: str, method: str = "GET") -> AsyncIterator[tuple[Raw, Flood]]:
    """Give a browser that reads nothing by itself, and the flood on its way to it."""
    async with desk.raw(receive_buffer=32 * 1024) as browser:
        await browser.get(f"{BASE}/slow", desk.key, *lines, method=method)
        flood = Flood(desk, await desk.runner.request(), pieces)
        task = asyncio.create_task(flood.run())
        try:
            yield browser, flood
        finally:
            task.cancel()
            await asyncio.wait({task})


async def whole(browser: Raw) -> bytes:
    """Read a chunked response to its end; answer the hash of its body."""
    digest = hashlib.sha256()
    await browser.head()
    while piece := await browser.chunk():
        digest.update(piece)
    return digest.digest()


async def quick(desk: Desk) -> None:
    """Make a small exchange."""
    async with desk.raw() as browser:
        await browser.get(f"{BASE}/quick", desk.key)
        request = await desk.runner.request()
        await desk.runner.answer(request)
        assert (await browser.answer()).body == b"ok"


async def test_tunnel_25_alone_a_slow_browser_stops_the_runners_socket_and_takes_no_more_memory(desk: Desk) -> None:
    async with flooded(desk, 120) as (browser, flood):
        await eventually(lambda: desk.channel.flow.paused)
        # What the kernel's buffers still take is taken when nothing moved between two looks.
        stood = -1
        while stood != flood.sent:
            stood = flood.sent
            await asyncio.sleep(0.4)
        assert desk.channel.flow.paused
        assert flood.sent < 120 * len(PIECE)
        assert desk.channel.flow.total <= LIMITS.high_water + 2 * len(PIECE)
        assert desk.rig.tunnels.budget.used == 0
        digest = await whole(browser)
        assert digest == flood.expected.digest()
        assert flood.most_memory <= LIMITS.high_water + 2 * len(PIECE)
    assert desk.channel.flow.total == 0


async def test_tunnel_24_a_quick_browser_leaves_nothing_lying(desk: Desk) -> None:
    async with flooded(desk, 200) as (browser, flood):
        assert await whole(browser) == flood.expected.digest()
        assert flood.most_memory <= LIMITS.high_water + 2 * len(PIECE)
        assert desk.rig.tunnels.budget.used == 0


async def test_tunnel_26_a_browser_that_does_not_read_holds_no_neighbour_up(desk: Desk) -> None:
    async with flooded(desk, 100) as (browser, flood):
        await eventually(lambda: desk.channel.flow.paused)
        for _ in range(5):
            await quick(desk)
        await eventually(lambda: flood.sent == 100 * (len(PIECE) + 4))
        assert desk.channel.flow.total <= LIMITS.high_water + 2 * len(PIECE)
        assert desk.rig.tunnels.budget.used > 10 * 2**20
        # Unlinked: a relay that is killed leaves nothing behind.
        assert list(desk.rig.tunnels.budget.folder.iterdir()) == []
        assert await whole(browser) == flood.expected.digest()
    await eventually(lambda: desk.rig.tunnels.budget.used == 0)
    assert desk.channel.flow.total == 0


async def test_the_pause_itself_is_at_most_a_tenth_of_a_second(desk: Desk) -> None:
    async with flooded(desk, 40) as (_, flood), desk.raw() as neighbour:
        await neighbour.get(f"{BASE}/neighbour", desk.key)
        request = await desk.runner.request()
        loop, longest, began = asyncio.get_running_loop(), 0.0, None
        deadline = loop.time() + 2
        while loop.time() < deadline and flood.sent < 40 * len(PIECE):
            now = loop.time()
            if desk.channel.flow.paused:
                began = now if began is None else began
                longest = max(longest, now - began)
            else:
                began = None
            await asyncio.sleep(0.002)
        # A tenth of a second, and what a busy machine adds; without the limit it would be two seconds.
        assert longest < 1.0
        await desk.runner.answer(request)
        assert (await neighbour.answer()).body == b"ok"


async def test_tunnel_27_a_browser_that_never_reads_is_cut_at_the_bound_and_the_runner_told(desk: Desk) -> None:
    async with desk.raw() as neighbour:
        await neighbour.get(f"{BASE}/neighbour", desk.key)
        request = await desk.runner.request()
        async with flooded(desk, 1000) as (_browser, flood):
            ended = await desk.runner.take("request-end")
            assert ended["id"] != request["id"]
            assert flood.sent < 100 * 2**20
            await eventually(lambda: desk.rig.tunnels.budget.used == 0)
        await desk.runner.answer(request)
        assert (await neighbour.answer()).body == b"ok"
        assert not desk.runner.closed.is_set()


@pytest.mark.parametrize("limits", [ExchangeLimits(spill_each=0)])
async def test_without_files_a_slow_browser_is_cut(desk: Desk) -> None:
    async with desk.raw() as neighbour:
        await neighbour.get(f"{BASE}/neighbour", desk.key)
        await desk.runner.request()
        async with flooded(desk, 100):
            await desk.runner.take("request-end")
        assert desk.rig.tunnels.budget.used == 0


async def test_a_response_before_the_end_of_its_own_upload_does_not_lock_both_up(desk: Desk) -> None:
    async with flooded(desk, 100, "Content-Length: 10", method="POST") as (browser, flood):
        await eventually(lambda: flood.sent == 100 * (len(PIECE) + 4))
        assert desk.rig.tunnels.budget.used > 0
        await browser.send(b"0123456789")
        assert await whole(browser) == flood.expected.digest()


async def test_a_slow_browser_that_leaves_lets_the_runner_go_on(desk: Desk) -> None:
    async with flooded(desk, 1000) as (browser, _flood):
        await eventually(lambda: desk.channel.flow.paused)
        browser.reset()
        await desk.runner.take("request-end")
        await quick(desk)
    await eventually(lambda: len(desk.channel) == 0)
    assert desk.channel.flow.total == 0


@pytest.mark.parametrize("limits", [ExchangeLimits(runner_memory=512 * 1024, spill_segment=2**20)])
async def test_all_browsers_of_a_runner_together_are_bounded(desk: Desk) -> None:
    async with flooded(desk, 12) as (one, a), flooded(desk, 12) as (two, b), flooded(desk, 12) as (three, c):
        floods = (a, b, c)
        await eventually(lambda: all(flood.sent == 12 * (len(PIECE) + 4) for flood in floods))
        assert max(flood.most_memory for flood in floods) <= 512 * 1024 + 2 * len(PIECE)
        for browser, flood in zip((one, two, three), floods, strict=True):
            assert await whole(browser) == flood.expected.digest()


async def test_tunnel_19_an_upload_waits_for_a_runner_that_does_not_read(desk: Desk) -> None:
    size = 48 * 2**20
    body, sent = b"u" * 2**20, 0
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, f"Content-Length: {size}", method="POST")
        request = await desk.runner.request()
        desk.runner.pause()

        async def upload() -> None:
            nonlocal sent
            for _ in range(size // len(body)):
                browser.writer.write(body)
                await browser.writer.drain()
                sent += len(body)

        task = asyncio.create_task(upload())
        await asyncio.sleep(0.5)
        stood = sent
        await asyncio.sleep(0.2)
        # Both sockets' kernel buffers and two pieces of the relay's; nothing near the whole.
        assert sent == stood
        assert stood < size
        desk.runner.resume()
        received = await desk.runner.body(request)
        await task
        assert len(received) == size
        await desk.runner.answer(request)
        assert (await browser.answer()).body == b"ok"


async def test_heartbeats_do_not_wait_for_a_runner_that_does_not_read(desk: Desk) -> None:
    async with desk.raw() as browser:
        await browser.get(BASE, desk.key, "Content-Length: 100000000", method="POST")
        await desk.runner.request()
        desk.runner.pause()
        task = asyncio.create_task(_pour(browser))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(0.5):
            await desk.channel.ping(b'{"type":"ping"}')
        task.cancel()
        await asyncio.wait({task})
        desk.runner.resume()


async def _pour(browser: Raw) -> None:
    while True:
        browser.writer.write(b"x" * 65536)
        await browser.writer.drain()
