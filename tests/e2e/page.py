"""Be one page of the PizzaPi web UI: a cookie jar, its REST calls, and three namespaces on one connection."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Self

import aiohttp
import socketio
from yarl import URL

from tests.e2e.waiting import Signal

_NAMESPACES = ("/runners", "/hub", "/viewer")
#: The browser's cookie of a plain-http relay (rest-account.md 2.3).
COOKIE = "better-auth.session_token"


class Page:
    """Hold what one browser tab holds. `origin` is that of the page, by default the relay's own."""

    def __init__(self, url: str, origin: str | None = None) -> None:
        self.url = url
        self.origin = origin or url
        self.changed = Signal()
        self.received: list[tuple[str, str, object]] = []
        self.left: list[str] = []
        self._http: aiohttp.ClientSession | None = None
        self._sockets: socketio.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)
        self._http = aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=20))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close_sockets()
        if self._http is not None:
            await self._http.close()

    async def fetch(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, object]:
        """Answer status and JSON of a request as a browser sends it: own origin, fetch metadata, cookies."""
        assert self._http is not None
        sent = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if method not in ("GET", "HEAD"):
            sent["Origin"] = self.origin
        async with self._http.request(
            method, f"{self.url}{path}", json=body, headers={**sent, **(headers or {})}
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    def cookie(self) -> str | None:
        """Answer the Cookie header of the page, None when signed out."""
        assert self._http is not None
        held = self._http.cookie_jar.filter_cookies(URL(self.url))
        return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in held.items()) or None

    async def open_sockets(self) -> str:
        """Join the three namespaces on one connection, polling first; answer the transport that it ended with."""
        client = socketio.AsyncClient(
            reconnection=False, websocket_extra_options={"max_msg_size": 0}, handle_sigint=False
        )
        self._sockets = client
        for namespace in _NAMESPACES:
            client.on("*", self._receiver(namespace), namespace=namespace)
            client.on("disconnect", self._leaver(namespace), namespace=namespace)
        headers = {"Origin": self.origin}
        cookie = self.cookie()
        if cookie is not None:
            headers["Cookie"] = cookie
        await client.connect(
            self.url,
            headers=headers,
            auth={"protocolVersion": 1, "clientVersion": "0.1.32"},
            namespaces=list(_NAMESPACES),
            transports=["polling", "websocket"],
            wait_timeout=10,
        )
        transport: str = client.transport()
        return transport

    async def close_sockets(self) -> None:
        """Leave all namespaces."""
        client, self._sockets = self._sockets, None
        if client is None:
            return
        with contextlib.suppress(socketio.exceptions.SocketIOError):
            await client.disconnect()
        if client.eio.http is not None and not client.eio.http.closed:
            await client.eio.http.close()

    async def emit(self, namespace: str, event: str, payload: Mapping[str, object]) -> None:
        """Send an event in one namespace."""
        assert self._sockets is not None
        await self._sockets.emit(event, dict(payload), namespace=namespace)

    async def call(self, namespace: str, event: str, payload: Mapping[str, object]) -> object:
        """Send an event and answer its acknowledgement."""
        assert self._sockets is not None
        answer: object = await self._sockets.call(event, dict(payload), namespace=namespace, timeout=10)
        return answer

    def events(self, namespace: str, name: str) -> list[Mapping[str, object]]:
        """Answer the payloads of one event in one namespace."""
        return [
            payload
            for where, event, payload in self.received
            if where == namespace and event == name and isinstance(payload, Mapping)
        ]

    async def until(self, namespace: str, name: str, timeout: float = 10.0) -> Mapping[str, object]:
        """Wait for the first event of a name and answer its payload."""
        await self.changed.until(
            lambda: bool(self.events(namespace, name)),
            f"{name} in {namespace}",
            timeout,
            lambda: [(where, event) for where, event, _payload in self.received],
        )
        return self.events(namespace, name)[0]

    def _receiver(self, namespace: str) -> Callable[..., None]:
        def received(name: str, payload: object = None, *_more: object) -> None:
            self.received.append((namespace, name, payload))
            self.changed.notify()

        return received

    def _leaver(self, namespace: str) -> Callable[[str], None]:
        def left(_reason: str) -> None:
            self.left.append(namespace)
            self.changed.notify()

        return left
