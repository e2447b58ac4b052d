"""Prove what strangers cannot do: many connections, large messages, long silence; and that deflate is declined."""

from __future__ import annotations

from contextlib import suppress

import aiohttp
import pytest

from relay.realtime import Realtime, RealtimeConfig
from tests.realtime.support import RawSocket, client_frame, serving, until


def one_namespace(realtime: Realtime) -> None:
    realtime.namespace("/a")


async def test_connections_without_a_namespace_are_limited_per_address() -> None:
    config = RealtimeConfig(max_unjoined_per_address=3)
    addresses = ["one"]
    async with serving(one_namespace, config, client_ip=lambda request: addresses[0]) as served:
        wires = [await served.websocket() for _ in range(2)]
        sid = await served.open_polling()
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await served.websocket()
        assert caught.value.status == 429
        assert (await served.get("EIO=4&transport=polling"))[0] == 429
        addresses[0] = "two"
        await served.open_polling()
        addresses[0] = "one"
        # Joining frees a place, and so does leaving.
        await wires[0].receive_any()
        await wires[0].join("/a")
        await served.open_polling()
        assert (await served.get("EIO=4&transport=polling"))[0] == 429
        await served.request("POST", f"EIO=4&transport=polling&sid={sid}", "1")
        await served.open_polling()
        assert (await served.get("EIO=4&transport=polling"))[0] == 429
        await wires[1].close()
        await until(lambda: served.realtime.connections == 4, "it is gone")
        await served.open_polling()


async def test_connections_in_all_are_limited_per_address() -> None:
    async with serving(one_namespace, RealtimeConfig(max_connections_per_address=3)) as served:
        wires = [await served.joined("/a") for _ in range(3)]
        assert (await served.get("EIO=4&transport=polling"))[0] == 429
        await wires[0].close()
        await until(lambda: served.realtime.connections == 2, "one is gone")
        await served.joined("/a")


async def test_the_places_of_failed_handshakes_are_free_again() -> None:
    async with serving(one_namespace, RealtimeConfig(max_unjoined_per_address=2)) as served:
        for _ in range(5):
            headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "1"}
            assert (await served.request("GET", "EIO=4&transport=websocket", headers=headers))[0] == 400
        assert served.realtime.connections == 0
        await served.joined("/a")


@pytest.mark.parametrize("pieces", [1, 50])
async def test_a_stranger_cannot_send_more_than_credentials_take(pieces: int) -> None:
    """Neither in one frame nor in many fragments; the frame is cut before it is complete."""
    async with serving(one_namespace, RealtimeConfig(unjoined_payload=10_000)) as served:
        raw = await RawSocket.open(served.port)
        frame = client_frame(b"40/a," + b"x" * 50_000_000)
        step = 20_000 // pieces
        with suppress(ConnectionError):
            for number in range(pieces):
                await raw.send_bytes(frame[number * step : (number + 1) * step])
        assert b'"sid"' not in await raw.read_to_end()
        await until(lambda: served.realtime.connections == 0, "it is gone")
        raw.close()


async def test_a_joined_client_may_send_more_up_to_the_announced_size() -> None:
    async with serving(one_namespace, RealtimeConfig(unjoined_payload=2_000, max_payload=50_000)) as served:
        wire = await served.joined("/a")
        await wire.send('42/a,["e","' + "x" * (50_000 - 13) + '"]')
        await wire.send("41/a,")
        await wire.join("/a")
        await wire.send('42/a,["e","' + "x" * (50_000 - 12) + '"]')
        await wire.closed()


async def test_a_silent_stranger_is_closed() -> None:
    async with serving(one_namespace, RealtimeConfig(connect_timeout=0.1)) as served:
        wire = await served.websocket()
        sid = await served.open_polling()
        await wire.closed()
        answer = await served.get(f"EIO=4&transport=polling&sid={sid}")
        assert answer == (200, "1") or answer[0] == 400
        assert (await served.get(f"EIO=4&transport=polling&sid={sid}"))[0] == 400


async def test_permessage_deflate_is_declined() -> None:
    async with serving(one_namespace) as served:
        url = f"ws://127.0.0.1:{served.port}/socket.io/?EIO=4&transport=websocket"
        async with served.http.ws_connect(url, compress=15) as ws:
            assert ws.compress == 0


async def test_too_many_namespaces_or_attachments_close_the_connection() -> None:
    def setup(realtime: Realtime) -> None:
        for number in range(4):
            realtime.namespace(f"/{number}")

    async with serving(setup, RealtimeConfig(max_namespaces=3, max_attachments=2)) as served:
        wire = await served.joined("/0")
        await wire.join("/1")
        await wire.join("/2")
        await wire.send("40/3,")
        await wire.closed()
        wire = await served.joined("/0")
        await wire.send('453-/0,["e"]')
        await wire.closed()
