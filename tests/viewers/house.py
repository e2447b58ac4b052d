"""Run the whole relay on a real database and a loopback port, with agents and browsers at its door."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
from aiohttp import web

from relay.accounts import cookies
from relay.accounts.tokens import new_token
from relay.app import Application
from relay.app_settings import Tuning
from relay.clock import Clock
from relay.config import DataSettings, Settings
from relay.sessions.session import AgentSession
from relay.storage import Transaction
from tests.contract.contract import Contract
from tests.viewers.wire import Joined, Json, Wire


@dataclass(frozen=True)
class Person:
    """One account with its API key and a signed-in browser."""

    id: str
    name: str
    key: str
    cookie: str


@dataclass
class Agent:
    """A session worker on `/relay`."""

    socket: Joined
    session_id: str
    token: str
    _seq: count[int] = field(default_factory=lambda: count(1))

    async def send(self, *events: Mapping[str, object]) -> None:
        """Send events and wait until they went through the pipeline."""
        for event in events:
            seq = next(self._seq)
            body = {"sessionId": self.session_id, "token": self.token, "event": event, "seq": seq}
            await self.socket.emit("event", body)
        if events:
            await self.socket.take("event_ack", lambda body: body["seq"] == seq)

    async def active(self, count_: int, **more: object) -> None:
        """Send a full snapshot of so many messages."""
        await self.send({"type": "session_active", "state": {**state(count_), **more}})

    async def leave(self, hub: Joined) -> None:
        """Close the transport; the owner's hub tells when the relay took note."""
        await self.socket.wire.close()
        await hub.take("session_removed", lambda body: body["sessionId"] == self.session_id)

    async def end(self, hub: Joined) -> None:
        """End the session for good."""
        await self.socket.emit("session_end", {"sessionId": self.session_id, "token": self.token})
        await hub.take("session_removed", lambda body: body["sessionId"] == self.session_id)


class House:
    """One relay; `restart` is its restart on the same database and port."""

    def __init__(self, directory: Path, clock: Clock, tuning: Tuning) -> None:
        self._settings = Settings(data=DataSettings(dir=str(directory)))
        self.clock = clock
        self._tuning = tuning
        self._wires: list[Wire] = []
        self._http: aiohttp.ClientSession | None = None
        self.port = 0

    async def open(self) -> None:
        self.app = await Application.create(
            self._settings, self.clock, port=self.port, scheme="http", tuning=self._tuning
        )
        self.contract = Contract(self.app.http)
        self._serving = web.AppRunner(
            self.app.http.app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0
        )
        await self._serving.setup()
        site = web.TCPSite(self._serving, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.port = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for wire in self._wires:
            await wire.close()
        if self._http is not None:
            await self._http.close()
        await self.stop()

    async def stop(self) -> None:
        await self.app.close()
        await self._serving.cleanup()
        self.contract.check()

    async def restart(self) -> None:
        await self.stop()
        await self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self._settings.database_path

    def session(self, session_id: str) -> AgentSession:
        session = self.app.sessions.registry.get(session_id)
        assert session is not None
        return session

    async def person(self, name: str) -> Person:
        user_id = f"user-{name}"
        now = self.clock.now_iso()

        async def insert(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO user (id, name, email, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
                (user_id, name, f"{name}@example.com", now, now),
            )

        await self.app.storage.write(insert)
        accounts = self.app.accounts
        key = await accounts.mint_cli_key(user_id)
        token = new_token()
        await accounts.sessions.start(token, user_id, address="127.0.0.1", user_agent="test", remember=True)
        return Person(user_id, name, key, f"{cookies.SESSION_TOKEN}={accounts.sessions.signed(token)}")

    async def wire(self, headers: dict[str, str] | None = None) -> Wire:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        socket = await self._http.ws_connect(
            f"{self.url}/socket.io/?EIO=4&transport=websocket",
            headers=headers or {},
            max_msg_size=0,
            autoping=True,
        )
        wire = Wire(socket)
        self._wires.append(wire)
        return wire

    async def viewer(self, person: Person, auth: Json | None = None) -> Joined:
        wire = await self.wire({"Cookie": person.cookie, "Origin": self.url})
        return await wire.join("/viewer", {"protocolVersion": 1, **(auth or {})})

    async def hub(self, person: Person) -> Joined:
        wire = await self.wire({"Cookie": person.cookie, "Origin": self.url})
        return await wire.join("/hub", {"protocolVersion": 1})

    async def agent(self, person: Person, session_id: str = "s1", **more: object) -> Agent:
        wire = await self.wire()
        socket = await wire.join("/relay", {"apiKey": person.key, "protocolVersion": 1, "clientVersion": "0.52.0"})
        await socket.emit("register", {"sessionId": session_id, "cwd": "/work", **more})
        answer = await socket.take("registered")
        return Agent(socket, str(answer["sessionId"]), str(answer["token"]))


def state(count_: int) -> Json:
    """Make a state of so many messages."""
    return {"messages": [message(index) for index in range(count_)], "cwd": "/work"}


def message(index: int) -> Json:
    return {"role": "user", "timestamp": index, "content": f"m{index}"}


def contents(body: Json) -> list[object]:
    """Answer the texts of the messages in an `event` with a snapshot."""
    event = body["event"]
    assert isinstance(event, dict)
    return [entry["content"] for entry in event["state"]["messages"]]


def kind(body: Json) -> object:
    event = body["event"]
    assert isinstance(event, dict)
    return event["type"]


async def quiet(viewer: Joined) -> list[str]:
    """Answer what a viewer has got and not taken, after everything that was sent to it arrived."""
    assert len(await viewer.call("mcp_oauth_paste", {})) == 1
    return viewer.unread()


def events(viewer: Joined) -> list[Json]:
    """Answer every `event` that a viewer ever got."""
    return [body for name, body in viewer.log if name == "event" and isinstance(body, dict)]
