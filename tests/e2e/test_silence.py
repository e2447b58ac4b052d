"""Ten minutes of silence on open tunnels of the published client, with every limit as it is."""

from __future__ import annotations

import aiohttp
import pytest

from tests.e2e.services import services
from tests.e2e.stack import Stack
from tests.e2e.test_tunnel import addresses, expose
from tests.tunnel.silence import outlive

SILENCE = 600.0


@pytest.mark.e2e
@pytest.mark.slow(
    gate="tests/tunnel/test_silence.py::test_streams_and_sockets_outlive_a_silence_longer_than_every_timer"
)
@pytest.mark.timeout(SILENCE + 300)
@pytest.mark.xdist_group("silence")
async def test_ten_minutes_of_silence_end_nothing(stack: Stack) -> None:
    async with services() as served, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        session_id = await stack.spawn()
        await expose(stack, session_id, served.port)
        everywhere = await addresses(stack, session_id, served.port)
        await outlive(http, served, [(one.base, one.headers) for one in everywhere], SILENCE)
    assert stack.relay.process.output().count("tunnel registered") == 1
