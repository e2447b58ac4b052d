"""Play clients of the relay's namespaces with python-socketio, a foreign implementation."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import socketio

#: Long enough for a busy machine, short enough to fail in time.
WAIT = 10.0


class Peer:
    """One socket in one namespace; every event is kept in the order of its arrival."""

    kicked = socketio.AsyncClient.reason.SERVER_DISCONNECT

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.log: list[tuple[str, object]] = []
        self.gone = asyncio.Event()
        self.gone_reason: object = None
        self.client = socketio.AsyncClient(reconnection=False)
        self._queues: defaultdict[str, asyncio.Queue[object]] = defaultdict(asyncio.Queue)
        self.client.on("*", self._event, namespace=namespace)
        self.client.on("disconnect", self._disconnected, namespace=namespace)

    async def _event(self, event: str, *args: object) -> None:
        payload = args[0] if args else None
        self.log.append((event, payload))
        self._queues[event].put_nowait(payload)

    async def _disconnected(self, reason: object) -> None:
        self.gone_reason = reason
        self.gone.set()

    async def connect(self, url: str, auth: dict[str, object], headers: dict[str, str] | None = None) -> Peer:
        """Join; raises socketio.exceptions.ConnectionError when refused."""
        try:
            await self.client.connect(
                url,
                auth=auth,
                headers=headers or {},
                namespaces=[self.namespace],
                transports=["websocket"],
                wait_timeout=WAIT,
            )
        except BaseException:
            await self.close()
            raise
        return self

    async def emit(self, event: str, payload: object) -> None:
        await self.client.emit(event, payload, namespace=self.namespace)

    async def expect(self, event: str) -> dict[str, object]:
        """Answer the payload of the next event of this name."""
        async with asyncio.timeout(WAIT):
            payload = await self._queues[event].get()
        assert isinstance(payload, dict)
        return payload

    def unread(self, event: str) -> int:
        """Answer how many events of this name nobody expected yet."""
        return self._queues[event].qsize()

    def names(self) -> list[str]:
        return [event for event, _ in self.log]

    async def close(self) -> None:
        await self.client.shutdown()
        if self.client.eio.http is not None and not self.client.eio.http.closed:
            await self.client.eio.http.close()
