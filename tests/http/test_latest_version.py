"""The newest client version: fetched in the background, cached, never waited for."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from relay.http.latest_version import LatestVersion
from relay.http.routes import Auth, Call, Json, Route
from tests.clock import ManualClock
from tests.http.harness import serving


class _Registry:
    """Answer a package document, or whatever a test says."""

    def __init__(self) -> None:
        self.asked = 0
        self.body = b'{"version": "0.52.0"}'
        self.status = 200
        self.hold: asyncio.Event | None = None

    async def answer(self, call: Call) -> web.StreamResponse | Json:
        self.asked += 1
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(body=self.body, status=self.status)

    def routes(self) -> list[Route]:
        return [Route("GET", "/latest", self.answer, "the registry", auth=Auth.NONE, streamed=True)]


async def test_without_an_address_nobody_is_asked(clock: ManualClock) -> None:
    versions = LatestVersion("", clock)
    async with serving(versions.routes()) as served:
        answer = await served.get_raw("/api/version")
    assert json.loads(answer.body) == {"version": None}
    await versions.settled()
    assert versions.current() is None


async def test_the_answer_never_waits_and_is_cached_for_15_minutes(clock: ManualClock) -> None:
    registry = _Registry()
    registry.hold = asyncio.Event()
    async with serving(registry.routes()) as served:
        versions = LatestVersion(f"{served.origin}/latest", clock)
        assert versions.current() is None
        assert versions.current() is None
        registry.hold.set()
        await versions.settled()
        assert versions.current() == "0.52.0"
        registry.body = b'{"version": "0.53.0"}'
        clock.advance(899)
        assert versions.current() == "0.52.0"
        await versions.settled()
        assert registry.asked == 1
        clock.advance(1)
        assert versions.current() == "0.52.0"
        await versions.settled()
        assert versions.current() == "0.53.0"
        assert registry.asked == 2
        await versions.close()


@pytest.mark.parametrize(
    ("status", "body"), [(500, b'{"version": "9"}'), (200, b"{"), (200, b"[]"), (200, b'{"version": 5}'), (200, b"")]
)
async def test_a_failure_keeps_the_old_value_and_is_retried_after_a_minute(
    clock: ManualClock, status: int, body: bytes
) -> None:
    registry = _Registry()
    async with serving(registry.routes()) as served:
        versions = LatestVersion(f"{served.origin}/latest", clock)
        versions.current()
        await versions.settled()
        clock.advance(901)
        registry.status, registry.body = status, body
        versions.current()
        await versions.settled()
        assert registry.asked == 2
        clock.advance(59)
        assert versions.current() == "0.52.0"
        await versions.settled()
        assert registry.asked == 2
        clock.advance(1)
        versions.current()
        await versions.settled()
        assert registry.asked == 3
        await versions.close()


async def test_nobody_listening_is_no_error(clock: ManualClock) -> None:
    versions = LatestVersion("http://127.0.0.1:9/latest", clock)
    assert versions.current() is None
    await versions.settled()
    assert versions.current() is None


async def test_close_ends_a_look_that_hangs(clock: ManualClock) -> None:
    registry = _Registry()
    registry.hold = asyncio.Event()
    async with serving(registry.routes()) as served:
        versions = LatestVersion(f"{served.origin}/latest", clock)
        versions.current()
        async with asyncio.timeout(2):
            await versions.close()
