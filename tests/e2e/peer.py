"""Speak one browser namespace with python-socketio's client, a foreign peer, and come back as the web UI does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import socketio
from socketio.exceptions import ConnectionError as SocketIoConnectionError

from tests.e2e.waiting import Signal

log = logging.getLogger(__name__)

#: The web UI waits this long before it rejoins after a DISCONNECT packet (sockets-browsers.md 1.5).
_AFTER_KICK: Final = 2.0
#: Library default of the official client: 1 s doubling to 5 s, each 50 % more or less (sockets-browsers.md 1.1).
_FIRST_RETRY, _LAST_RETRY, _JITTER = 1.0, 5.0, 0.5
_CONNECT_TIMEOUT: Final = 10.0


class Refused(Exception):
    """Carry the data of a CONNECT_ERROR, or say that no connection was possible."""

    def __init__(self, data: object) -> None:
        super().__init__(str(data))
        self.data = data


class NotConnected(Exception):
    """Say that an event met no connection, or that the connection went before its acknowledgement came."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Say who connects: an API key in the handshake, or a cookie and the origin of the page."""

    key: str | None = None
    cookie: str | None = None
    origin: str | None = None

    def headers(self) -> dict[str, str]:
        """Answer the HTTP headers of the connection."""
        pairs = (("Cookie", self.cookie), ("Origin", self.origin))
        return {name: value for name, value in pairs if value is not None}

    def handshake(self) -> dict[str, object]:
        """Answer the auth object of the CONNECT packet."""
        return {"protocolVersion": 1} if self.key is None else {"protocolVersion": 1, "apiKey": self.key}


class Peer:
    """Keep one namespace connected until closed.

    `received_log` holds every event in order, `connects` and `kicks` count connections made and DISCONNECT packets.
    Subclasses react in `on_event`, which runs synchronously and in order, and in `on_connected`.
    """

    namespace = "/"
    transports: tuple[str, ...] = ("websocket", "polling")
    #: The web UI's /hub and /runners stay away after a kick; only its viewer returns.
    returns_after_kick = False

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.url = url
        self.credentials = credentials
        self.changed = Signal()
        self.received_log: list[tuple[str, object]] = []
        self.connects = 0
        self.kicks = 0
        self.online = False
        self.transport: str | None = None
        self._client: socketio.AsyncClient | None = None
        self._life: asyncio.Task[None] | None = None
        self._lost: asyncio.Event = asyncio.Event()
        self._kicked = False
        self._outbox: asyncio.Queue[tuple[str, Mapping[str, object]]] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None

    async def on_connected(self) -> None:
        """Send what belongs to each (re)connection."""

    def on_lost(self) -> None:
        """Forget what only holds while connected."""

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Take in an event."""

    async def __aenter__(self) -> Self:
        await self._connect()
        self._life = asyncio.create_task(self._stay())
        self._pump = asyncio.create_task(self._send_queued())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in (self._life, self._pump):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._drop_client()

    def enqueue(self, event: str, payload: Mapping[str, object]) -> None:
        """Send an event from a synchronous handler, soon and in order."""
        self._outbox.put_nowait((event, payload))

    async def _send_queued(self) -> None:
        while True:
            await self.emit(*await self._outbox.get())

    async def emit(self, event: str, payload: Mapping[str, object]) -> None:
        """Send an event; one that meets a closed connection is lost, as in a browser."""
        if self._client is not None and self.online:
            with contextlib.suppress(SocketIoConnectionError, socketio.exceptions.BadNamespaceError):
                await self._client.emit(event, dict(payload), namespace=self.namespace)

    async def call(self, event: str, payload: Mapping[str, object], timeout: float = 10.0) -> object:
        """Send an event and answer what the acknowledgement carries; raises TimeoutError without one.

        Raises NotConnected while the connection is away.
        """
        if self._client is None or not self.online:
            raise NotConnected(event)
        try:
            answer: object = await self._client.call(event, dict(payload), namespace=self.namespace, timeout=timeout)
        except socketio.exceptions.BadNamespaceError as exc:
            raise NotConnected(event) from exc
        except socketio.exceptions.TimeoutError as exc:
            if not self.online:
                raise NotConnected(event) from exc
            raise TimeoutError(f"no acknowledgement of {event} in {timeout:g} s") from exc
        return answer

    async def lose_transport(self) -> None:
        """Cut the connection without a Socket.IO packet, as a network does; the peer returns by itself."""
        assert self._client is not None
        await self._client.eio.disconnect(abort=True)

    def events(self, name: str) -> list[Mapping[str, object]]:
        """Answer the payloads of all events of a name, oldest first."""
        return [payload for event, payload in self.received_log if event == name and isinstance(payload, Mapping)]

    async def until_event(self, name: str, timeout: float = 10.0, after: int = 0) -> Mapping[str, object]:
        """Wait for the event of that name with number `after` (0 is the first) and answer its payload."""
        await self.changed.until(lambda: len(self.events(name)) > after, f"event {name} #{after}", timeout)
        return self.events(name)[after]

    async def _connect(self) -> None:
        """Make one connection; raises Refused."""
        client = socketio.AsyncClient(
            reconnection=False, websocket_extra_options={"max_msg_size": 0}, handle_sigint=False
        )
        refusal: list[object] = []
        self._lost.clear()
        self._kicked = False

        async def joined() -> None:
            self.online = True
            self.connects += 1

        def left(reason: str) -> None:
            self._kicked = reason == client.reason.SERVER_DISCONNECT
            self.kicks += self._kicked
            self.online = False
            self.on_lost()
            self._lost.set()
            self.changed.notify()

        def refused(data: object = None) -> None:
            refusal.append(data)

        def any_event(name: str, payload: object = None, *_more: object) -> None:
            self.received_log.append((name, payload))
            self.on_event(name, payload if isinstance(payload, Mapping) else {})
            self.changed.notify()

        client.on("connect", joined, namespace=self.namespace)
        client.on("disconnect", left, namespace=self.namespace)
        client.on("connect_error", refused, namespace=self.namespace)
        client.on("*", any_event, namespace=self.namespace)
        self._client = client
        try:
            await client.connect(
                self.url,
                headers=self.credentials.headers(),
                auth=self.credentials.handshake(),
                transports=list(self.transports),
                namespaces=[self.namespace],
                wait_timeout=_CONNECT_TIMEOUT,
            )
        except SocketIoConnectionError as exc:
            self.online = False
            await self._drop_client()
            raise Refused(refusal[0] if refusal else str(exc)) from exc
        self.transport = client.transport()
        await self.on_connected()
        self.changed.notify()

    async def _stay(self) -> None:
        """Come back after each loss, as the official client and the web UI do."""
        while True:
            await self._lost.wait()
            kicked = self._kicked
            await self._drop_client()
            if kicked and not self.returns_after_kick:
                return
            await asyncio.sleep(_AFTER_KICK if kicked else _with_jitter(_FIRST_RETRY))
            delay = _FIRST_RETRY
            while True:
                try:
                    await self._connect()
                    break
                except Refused:
                    delay = min(delay * 2, _LAST_RETRY)
                    await asyncio.sleep(_with_jitter(delay))

    async def _drop_client(self) -> None:
        """Close the connection and what the library keeps of it."""
        client, self._client = self._client, None
        self.online = False
        if client is None:
            return
        with contextlib.suppress(SocketIoConnectionError):
            await client.disconnect()
        if client.eio.http is not None and not client.eio.http.closed:
            await client.eio.http.close()


def _with_jitter(delay: float) -> float:
    return delay * (1 + _JITTER * (2 * random.random() - 1))
