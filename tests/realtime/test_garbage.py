"""Prove that no garbage disturbs the process or another connection."""

from __future__ import annotations

import asyncio
import os
import random
import struct
from contextlib import suppress

import pytest

from relay.realtime import Ack, Realtime, RealtimeConfig, Socket
from tests.realtime.support import RawSocket, client_frame, serving, until

SEEDS = (
    b"42/g,1",
    b'["e",',
    b'{"a":',
    b"[[",
    b"]",
    b"}",
    b'"',
    b"\\ud83d",
    b"\\u",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"40/g,",
    b"41/g,",
    b"43/g,0[]",
    b"451-/g,",
    b'{"_placeholder":true,"num":0}',
    b"NaN",
    b"1e999",
    b"9" * 400,
    b"/",
    b",",
    b"?",
    b"2probe",
    b"5",
    b"6",
    b"1",
    b"3",
    b"\x1e",
    b"\x00",
)


def guarded(realtime: Realtime, strange: list[object]) -> None:
    """Echo on ``/g`` and check what handlers get."""

    async def event(socket: Socket, argument: object, ack: Ack) -> None:
        ack(argument)

    async def raw(socket: Socket, argument: object, ack: Ack) -> None:
        if not isinstance(argument, bytes):
            strange.append(argument)
        else:
            argument.decode()
        ack()

    realtime.namespace("/g").on("e", event)
    realtime.namespace("/g").on("r", raw, raw=True)


def frames(rng: random.Random) -> bytes:
    """Make a few frames: mostly whole ones with odd content, sometimes broken framing."""
    out = b""
    for _ in range(rng.randrange(1, 8)):
        payload = b"".join(rng.choice(SEEDS) for _ in range(rng.randrange(6)))
        if rng.random() < 0.3:
            payload = b'42/g,1["e",' + payload + b"]"
        opcode = rng.choice([1, 1, 1, 1, 1, 2, 8, 9, 10, 0, 3])
        frame = client_frame(payload, opcode)
        if rng.random() < 0.1:
            frame = bytes([rng.randrange(256)]) + frame[1:]
        if rng.random() < 0.1:
            frame = frame[: rng.randrange(len(frame) + 1)]
        out += frame
    return out


async def test_garbage_over_websockets_disturbs_nobody() -> None:
    strange: list[object] = []
    async with serving(lambda realtime: guarded(realtime, strange)) as served:
        witness = await served.joined("/g")
        for seed in range(150):
            rng = random.Random(seed)
            raw = await RawSocket.open(served.port)
            if rng.random() < 0.7:
                await raw.join("/g")
            with suppress(ConnectionError):
                await raw.send_bytes(frames(rng))
            if rng.random() < 0.5:
                raw.reset()
            else:
                raw.close()
            if seed % 25 == 0:
                await witness.send(f'42/g,{seed}["e",{seed}]')
                assert await witness.text() == f"43/g,{seed}[{seed}]"
        await until(lambda: served.realtime.connections == 1, "only the witness is left")
        assert strange == []


async def test_garbage_over_polling_disturbs_nobody() -> None:
    strange: list[object] = []
    async with serving(lambda realtime: guarded(realtime, strange)) as served:
        witness = await served.joined("/g")
        for seed in range(60):
            rng = random.Random(seed)
            sid = await served.open_polling()
            query = f"EIO=4&transport=polling&sid={sid}"
            if rng.random() < 0.7:
                assert (await served.request("POST", query, "40/g,"))[0] == 200
            body = b"".join(rng.choice(SEEDS) for _ in range(rng.randrange(8)))
            status, _ = await served.request("POST", query, body)
            assert status in (200, 400)
            await served.request("POST", query, "1")
        await witness.send('42/g,1["e",1]')
        assert await witness.text() == "43/g,1[1]"
        await until(lambda: served.realtime.connections == 1, "only the witness is left")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'["e",' + b"[" * 200_000 + b"]" * 200_000 + b"]",
        b'["e",' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"]",
        b'["e","\\ud83d",' + b"[" * 50_000 + b"]" * 50_000 + b"]",
        b'["e",' + b"9" * 5_000 + b"]",
        b'["e",1e999]',
        b'["e",{"a":1,"a":2}]',
        b'["' + b"n" * 100_000 + b'"]',
        b'["e",' + b"1," * 100_000 + b"1]",
    ],
    ids=["open", "deep arrays", "deep objects", "deep with surrogate", "huge number", "inf", "twice", "name", "many"],
)
async def test_extreme_json_disturbs_nobody(body: bytes) -> None:
    strange: list[object] = []
    async with serving(lambda realtime: guarded(realtime, strange)) as served:
        witness = await served.joined("/g")
        for name in (b'"e"', b'"r"'):
            raw = await RawSocket.open(served.port)
            await raw.join("/g")
            await raw.send(b"42/g,1" + body.replace(b'"e"', name, 1))
            await witness.send('42/g,1["e","fine"]')
            assert await witness.text() == '43/g,1["fine"]'
            raw.close()
        assert strange == []


async def test_a_frame_that_announces_more_than_the_limit_is_refused_at_once() -> None:
    async with serving(lambda realtime: guarded(realtime, []), RealtimeConfig(max_payload=100_000)) as served:
        for size in (100_001, 1 << 40, (1 << 63) - 1):
            raw = await RawSocket.open(served.port)
            await raw.join("/g")
            await raw.send_bytes(struct.pack("!BBQ", 0x81, 0x80 | 127, size) + b"\0\0\0\0" + b"x")
            assert b"\x88\x02\x03\xf1" in await raw.read_to_end()  # 1009, message too big
            raw.close()


async def test_compressed_frames_are_refused_since_deflate_was_declined() -> None:
    async with serving(lambda realtime: guarded(realtime, [])) as served:
        raw = await RawSocket.open(served.port)
        await raw.join("/g")
        frame = client_frame(b"42/g,1[]")
        await raw.send_bytes(bytes([frame[0] | 0x40]) + frame[1:])
        assert b"\x88\x02\x03\xea" in await raw.read_to_end()  # 1002, protocol error
        raw.close()


async def test_pings_of_the_websocket_protocol_are_answered_in_order() -> None:
    async with serving(lambda realtime: guarded(realtime, [])) as served:
        raw = await RawSocket.open(served.port)
        await raw.join("/g")
        await raw.send_bytes(client_frame(b'42/g,1["e",1]') + client_frame(b"hi", 9) + client_frame(b'42/g,2["e",2]'))
        data = await raw.read_until(b"43/g,2[2]")
        assert data == b"\x81\x0943/g,1[1]" + b"\x8a\x02hi" + b"\x81\x0943/g,2[2]"
        raw.close()


async def test_connections_that_vanish_during_the_handshake_leave_nothing() -> None:
    async with serving(lambda realtime: guarded(realtime, [])) as served:
        for step in range(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(
                b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            if step % 2:
                await reader.read(10)
            writer.transport.abort()
        await until(lambda: served.realtime.connections == 0, "all are gone")
        descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        assert descriptors < 200
