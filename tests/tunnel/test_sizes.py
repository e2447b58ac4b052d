"""Messages as large as they may be: a runner's frame of 100 MiB, a bridged message of 75 MiB (tunnel.md 1.7, 4)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Final

import pytest

from relay.tunnel.link import TunnelLimits
from tests.tunnel.desk import BASE, Desk, eventually
from tests.tunnel.runner import Frame

pytestmark = pytest.mark.timeout(300)

LARGEST: Final = TunnelLimits().max_frame
WAIT: Final = 120.0


def padded(frame: Frame) -> str:
    """Answer a frame of the largest size: what its `data` lacks is filled up with letters of base64."""
    text = json.dumps({**frame, "data": ""})
    return json.dumps({**frame, "data": "QUJD" * ((LARGEST - len(text)) // 4)})


@pytest.mark.slow(gate="tests/tunnel/test_exchanges.py::test_tunnel_17_all_byte_values_pass_both_ways")
async def test_a_body_in_one_frame_of_the_largest_size_arrives_whole(desk: Desk) -> None:
    async def begin() -> Frame:
        request = await desk.runner.request()
        await desk.runner.head(request)
        return request

    beginning = asyncio.create_task(begin())
    async with asyncio.timeout(WAIT), desk.rig.client.get(desk.rig.url + BASE, headers=desk.ann.by_key) as answer:
        request = await beginning
        text = padded({"type": "response-data", "id": request["id"]})
        assert LARGEST - 4 < len(text) <= LARGEST
        await desk.runner.ws.send_str(text)
        await desk.runner.end(request)
        digest = hashlib.sha256(await answer.read())
    assert digest.digest() == hashlib.sha256(json.loads(text)["data"].encode()).digest()
    assert not desk.runner.closed.is_set()


@pytest.mark.slow(gate="tests/tunnel/test_bridge.py::test_tunnel_61_messages_keep_type_bytes_and_order")
async def test_bridged_messages_of_the_largest_size_arrive_whole(desk: Desk) -> None:
    connecting = desk.rig.client.ws_connect(desk.rig.url + BASE, headers=desk.ann.by_key, max_msg_size=0)

    async def open_() -> Frame:
        frame = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-opened", "id": frame["id"]})
        return frame

    opening = asyncio.create_task(open_())
    async with asyncio.timeout(WAIT), connecting as ws:
        opened = await opening
        text = padded({"type": "ws-data", "id": opened["id"], "binary": True})
        await desk.runner.ws.send_str(text)
        message = base64.b64decode(json.loads(text)["data"])
        assert len(message) > 74 * 2**20
        assert await ws.receive_bytes() == message
        await ws.send_bytes(message)
        sent = await desk.runner.take("ws-data", opened["id"])
        assert (sent["binary"], base64.b64decode(str(sent["data"])) == message) == (True, True)
    await eventually(lambda: len(desk.channel) == 0)
    assert not desk.runner.closed.is_set()
