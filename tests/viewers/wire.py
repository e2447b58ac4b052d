"""Play browsers and agents with raw frames over one WebSocket: order, flags and silence are seen as they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count

import aiohttp

#: Long enough for a busy machine, short enough to fail in time.
WAIT = 10.0

Json = dict[str, object]


class Refused(Exception):
    """Say that the server answered CONNECT_ERROR."""


class Joined:
    """One namespace of a connection; what arrives is kept in order until somebody takes it."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.name = name
        self.wire = wire
        self.log: list[tuple[str, object]] = []
        self.kicked = False
        #: What to acknowledge an event with; an event without an entry is not acknowledged.
        self.answers: dict[str, object] = {}
        self._unread: list[tuple[str, object]] = []
        self._news = asyncio.Event()

    async def emit(self, event: str, *payload: object) -> None:
        await self.wire.send(f"42{self.name},{json.dumps([event, *payload])}")

    async def emit_raw(self, event: str, text: str) -> None:
        await self.wire.send(f'42{self.name},["{event}",{text}]')

    async def call(self, event: str, *payload: object) -> list[object]:
        """Send an event and answer the arguments of its acknowledgement."""
        number = next(self.wire.numbers)
        answer: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()
        self.wire.acks[number] = answer
        await self.wire.send(f"42{self.name},{number}{json.dumps([event, *payload])}")
        async with asyncio.timeout(WAIT):
            return await answer

    async def take(self, event: str, where: Callable[[Json], bool] = lambda _body: True) -> Json:
        """Answer the next unread event of this name, in the order of arrival; others stay unread."""
        async with asyncio.timeout(WAIT):
            while True:
                for index, (name, body) in enumerate(self._unread):
                    if name == event and isinstance(body, dict) and where(body):
                        del self._unread[index]
                        return body
                self._news.clear()
                await self._news.wait()

    async def until_kicked(self) -> None:
        async with asyncio.timeout(WAIT):
            while not self.kicked:
                self._news.clear()
                await self._news.wait()

    def unread(self) -> list[str]:
        """Answer the names of the events that nobody took, and forget them."""
        names = [name for name, _ in self._unread]
        self._unread.clear()
        return names

    def arrived(self, event: str, payload: object) -> None:
        self.log.append((event, payload))
        self._unread.append((event, payload))
        self._news.set()

    def ended(self) -> None:
        self.kicked = True
        self._news.set()


class Wire:
    """One WebSocket connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.numbers = count()
        self.acks: dict[int, asyncio.Future[list[object]]] = {}
        self.closed = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self._socket = socket
        self._joined: dict[str, Joined] = {}
        self._joining: dict[str, asyncio.Future[Joined]] = {}
        self._task = asyncio.create_task(self._read())

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def settled(self) -> None:
        """Wait until everything sent so far was handled and what it caused has arrived."""
        viewer = self._joined.get("/viewer") or await self.join("/viewer", {})
        assert len(await viewer.call("mcp_oauth_paste", {})) == 1

    async def join(self, namespace: str, auth: Json) -> Joined:
        """Join a namespace; raises Refused with the server's message."""
        self._joining[namespace] = asyncio.get_running_loop().create_future()
        await self.send(f"40{namespace},{json.dumps(auth)}")
        async with asyncio.timeout(WAIT):
            return await self._joining[namespace]

    async def leave(self, namespace: Joined) -> None:
        await self.send(f"41{namespace.name},")

    async def close(self) -> None:
        self.reading.set()
        await self._socket.close()
        await self._task

    async def _read(self) -> None:
        async for message in self._socket:
            await self.reading.wait()
            if message.type is aiohttp.WSMsgType.TEXT:
                await self._packet(message.data)
        self.closed.set()
        for namespace in self._joined.values():
            namespace.ended()

    async def _packet(self, text: str) -> None:
        if text == "2":
            await self.send("3")
        if not text.startswith("4") or len(text) < 2:
            return
        kind, rest = text[1], text[2:]
        name, _, body = rest.partition(",") if rest.startswith("/") else ("/", "", rest)
        digits = len(body) - len(body.lstrip("0123456789"))
        number, body = body[:digits], body[digits:]
        value = json.loads(body) if body else None
        if kind == "0":
            self._joined[name] = Joined(self, name)
            self._joining[name].set_result(self._joined[name])
        elif kind == "4":
            assert isinstance(value, dict)
            self._joining[name].set_exception(Refused(value["message"]))
        elif kind == "1":
            self._joined[name].ended()
        elif kind == "2":
            assert isinstance(value, list)
            await self._event(self._joined[name], value, number)
        elif kind == "3":
            assert isinstance(value, list)
            self.acks.pop(int(number)).set_result(value)

    async def _event(self, namespace: Joined, args: list[object], number: str) -> None:
        event = str(args[0])
        namespace.arrived(event, args[1] if len(args) > 1 else None)
        if number and event in namespace.answers:
            await self.send(f"43{namespace.name},{number}{json.dumps([namespace.answers[event]])}")
