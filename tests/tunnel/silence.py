"""Open event streams and sockets, say nothing for a while, and see that they are still there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType

from tests.e2e.services import Services

_WAIT = 60.0
_ENDLESS = aiohttp.ClientTimeout(total=None)


async def outlive(
    http: aiohttp.ClientSession,
    served: Services,
    addresses: Sequence[tuple[str, Mapping[str, str]]],
    seconds: float,
) -> None:
    """Hold one event stream and one socket at each address (base URL, headers) through so many seconds of silence."""
    async with AsyncExitStack() as open_:
        heard: list[list[bytes]] = [[] for _ in addresses]
        sockets: list[ClientWebSocketResponse] = []
        reading: list[asyncio.Task[None]] = []
        for (base, headers), events in zip(addresses, heard, strict=True):
            stream = await open_.enter_async_context(http.get(f"{base}/clock", headers=headers, timeout=_ENDLESS))
            reading.append(asyncio.create_task(_read(stream, events)))
            open_.callback(reading[-1].cancel)
            socket = await open_.enter_async_context(http.ws_connect(f"{base}/echo", headers=headers))
            assert await socket.receive_str(timeout=_WAIT) == "hello"
            sockets.append(socket)
        await _ticked(served, heard, 1)
        before = [len(events) for events in heard]
        # Reads are open all the time: what ends during the silence, or says something, ends them.
        messages = [asyncio.create_task(socket.receive()) for socket in sockets]
        broken, _ = await asyncio.wait([*reading, *messages], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        assert broken == set()
        # An event may still have been on its way when the silence began.
        assert all(len(events) <= was + 1 for events, was in zip(heard, before, strict=True))
        await _ticked(served, heard, max(map(len, heard)) + 1)
        for events in heard:
            assert events == [b"data: %d\n\n" % number for number in range(len(events))]
        async with asyncio.timeout(_WAIT):
            for socket, message in zip(sockets, messages, strict=True):
                await socket.send_str("still here")
                answer = await message
                assert (answer.type, answer.data) == (WSMsgType.TEXT, "still here")
                await socket.send_bytes(b"\x00\xff")
                assert await socket.receive_bytes() == b"\x00\xff"
                await socket.send_str("close 4000 over")
                assert (await socket.receive()).data == 4000


async def _read(stream: ClientResponse, events: list[bytes]) -> None:
    """Note the events of a stream until its end, which is an error."""
    while True:
        events.append(await stream.content.readuntil(b"\n\n"))


async def _ticked(served: Services, heard: Sequence[Sequence[bytes]], least: int) -> None:
    """Let the clocks tick until every stream has so many events."""
    async with asyncio.timeout(_WAIT):
        while not all(len(events) >= least for events in heard):
            served.tick.set()
            await asyncio.sleep(0.1)
