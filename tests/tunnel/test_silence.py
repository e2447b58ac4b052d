"""Silence on an open tunnel: whatever has begun lasts, for as long as nobody says anything (tunnel.md 1.8, 4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import aiohttp
import pytest

from relay.tunnel.client import TunnelClient
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from tests.e2e.services import services
from tests.runners.rig import Options, Rig
from tests.tunnel.silence import outlive

#: Every timer of the tunnel: longer than a busy machine stands still, shorter than the silence.
TIMERS = 3.0
SILENCE = 5.0


@pytest.fixture
def options() -> Options:
    return Options(
        tunnel=TunnelLimits(ping_every=0.1, silent_for=TIMERS, register_within=TIMERS),
        exchanges=ExchangeLimits(answer_within=TIMERS, upload_idle=TIMERS, open_within=TIMERS, bridge_ping=0.1),
    )


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "published"])
async def test_streams_and_sockets_outlive_a_silence_longer_than_every_timer(rig: Rig, binary: bool) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann)
    async with services() as served, aiohttp.ClientSession() as http:
        client = TunnelClient(rig.url, "r1", ann.key, {served.port}, binary_framing=binary)
        running = asyncio.create_task(client.run())
        async with asyncio.timeout(30):
            await client.registered.wait()
        link = rig.links.get("r1", ann.id)
        addresses: list[tuple[str, Mapping[str, str]]] = [(f"{rig.url}/api/tunnel/runner/r1/{served.port}", ann.by_key)]
        await outlive(http, served, addresses, SILENCE)
        assert rig.links.get("r1", ann.id) is link
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
