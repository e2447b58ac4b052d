"""Run the runner, service and tunnel rooms on a real database and a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from relay.accounts import cookies
from relay.accounts.accounts import Accounts, AccountsConfig
from relay.accounts.handshake import AgentHandshake, BrowserHandshake, SocketsByCredential
from relay.accounts.tokens import new_token
from relay.clock import Clock
from relay.events import Bus
from relay.http.client_address import ClientAddress, ProxyPolicy
from relay.http.origins import OriginPolicy
from relay.http.routes import Auth, Body, Call, Route
from relay.http.security import SecurityHeaders
from relay.http.server import HttpPolicy, HttpServer
from relay.jsontext import dumps
from relay.realtime import Realtime, RealtimeConfig, Socket
from relay.runners.limits import CommandLimits
from relay.runners.registration import Contributors
from relay.runners.room import RunnerRoom
from relay.runners.runner import Runner
from relay.services.announce import ServiceAnnouncements
from relay.services.messages import ServiceMessages
from relay.sessions.audience import Watcher
from relay.sessions.limits import SessionLimits
from relay.sessions.meta import MetaState
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionStore
from relay.sessions.transcript import EventCache, Transcript
from relay.storage import Storage, Transaction
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.room import TunnelConfig, TunnelNeeds, TunnelRoom
from tests.broken import broken_table
from tests.contract.contract import Contract
from tests.runners.peer import WAIT, Peer

SECRET = b"a secret of the tests"


@dataclass(frozen=True)
class Person:
    """One account with its API key and a signed-in browser."""

    id: str
    name: str
    key: str
    cookie: str

    @property
    def by_key(self) -> dict[str, str]:
        return {"x-api-key": self.key}

    @property
    def by_cookie(self) -> dict[str, str]:
        return {"Cookie": self.cookie}


@dataclass
class Options:
    """What a test changes before the rig opens."""

    tunnel: TunnelLimits = field(default_factory=TunnelLimits)
    exchanges: ExchangeLimits = field(default_factory=ExchangeLimits)
    tunnel_domain: str = ""
    base_url: str = ""
    previous_secret: bytes = b""
    clock: Clock = field(default_factory=Clock)
    max_pending: int = 1000
    commands: CommandLimits = field(default_factory=CommandLimits)


class Rig:
    """One relay of these rooms; `reopen` is its restart."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path = path
        self.options = options
        self.hidden: dict[str, list[str]] = {}
        self.port = 0
        self._peers: list[Peer] = []
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self.storage = await Storage.open(self.path)
        self.clock = self.options.clock
        self.bus = Bus()
        self.address = ClientAddress(ProxyPolicy())
        self.origins = OriginPolicy(["http://trusted.example"], self.address)
        self.accounts = Accounts(
            self.storage,
            self.clock,
            self.bus,
            AccountsConfig(secret=SECRET, open_signup=True),
            address=self.address,
            origins=self.origins,
        )
        await self.accounts.start()
        self.realtime = Realtime(
            RealtimeConfig(handler_grace=0.2),
            self.clock,
            client_ip=self.address.ip,
            allow_origin=self.origins.trusted,
        )
        self.sessions = SessionRegistry(SessionLimits())
        self._build_runners()
        self._build_services()
        routes = [*self._build_tunnel(), *self._runner_routes()]
        await self.tunnels.start()
        routes += [
            Route("*", path, self._socket_io, "Socket.IO", auth=Auth.NONE, body=Body.RAW, limit=None, streamed=True)
            for path in ("/socket.io/{rest:tail}",)
        ]
        policy = HttpPolicy(
            resolve_identity=self.accounts.resolve,
            address=self.address,
            origins=self.origins,
            security=SecurityHeaders(self.hosts.frame_source),
        )
        self.http = HttpServer(routes, policy)
        self.contract = Contract(self.http)
        self._serving = web.AppRunner(
            self.http.app, handler_cancellation=True, access_log=None, auto_decompress=False, shutdown_timeout=1.0
        )
        await self._serving.setup()
        site = web.TCPSite(self._serving, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.port = server.sockets[0].getsockname()[1]

    def _build_runners(self) -> None:
        options = self.options
        room = RunnerRoom(self.storage, self.clock, self.bus, max_pending=options.max_pending, limits=options.commands)
        self.room = room
        self.runners, self.rpc, self.identities, self.folders = room.registry, room.rpc, room.identities, room.folders
        agents = AgentHandshake(self.accounts)
        browsers = BrowserHandshake(self.accounts, self.origins)
        contributors = Contributors(self.existing_sessions, (self._no_subscriptions,))
        self.feed = room.attach(self.realtime, agents, browsers, contributors, self.session_ids)
        namespaces = {name: self.realtime.namespace(f"/{name}") for name in ("runner", "relay", "viewer", "runners")}
        namespaces["relay"].authenticate(agents)
        namespaces["relay"].on_connect(self._agent_joined)
        namespaces["viewer"].authenticate(browsers)
        namespaces["viewer"].on_connect(self._viewer_joined)
        self.namespaces = namespaces
        self.cut = SocketsByCredential(namespaces.values(), self.bus)

    def _build_services(self) -> None:
        ServiceAnnouncements(self.runners, self.sessions, self.feed.updated).attach(self.namespaces["runner"])
        self.messages = ServiceMessages(self.runners, self.sessions, self.watched, self.clock)
        self.messages.attach(self.namespaces["runner"], self.namespaces["viewer"], self.namespaces["relay"])

    def _build_tunnel(self) -> list[Route]:
        options = self.options
        self.hosts = TunnelOrigins(options.tunnel_domain, options.base_url, self.address)
        self.tunnels = TunnelRoom(
            TunnelNeeds(
                storage=self.storage,
                clock=self.clock,
                bus=self.bus,
                accounts=self.accounts,
                address=self.address,
                origins=self.origins,
                runners=self.runners,
                identities=self.identities,
                sessions=self.sessions,
                session_row=SessionStore(self.storage, lambda user_id: None).row,
                hosts=self.hosts,
            ),
            TunnelConfig(
                secret=SECRET,
                previous_secret=options.previous_secret,
                spill_folder=self.path.with_name("spill"),
                links=options.tunnel,
                exchanges=options.exchanges,
            ),
        )
        self.links = self.tunnels.links
        return self.tunnels.routes()

    def _runner_routes(self) -> list[Route]:
        async def hidden(user_id: str) -> Sequence[str]:
            return self.hidden.get(user_id, [])

        return self.room.routes(self.session_ids, hidden)

    async def _socket_io(self, call: Call) -> web.StreamResponse:
        return await self.realtime.handle(call.request)

    async def close(self) -> None:
        await self.close_peers()
        if self._http is not None:
            await self._http.close()
            self._http = None
        await self.stop()

    async def close_peers(self) -> None:
        """Let every client go."""
        for peer in self._peers:
            await peer.close()
        self._peers.clear()

    async def quiet(self) -> None:
        """Wait until the relay keeps no socket of a client that went; their events are handled before that."""
        there = sum(not peer.gone.is_set() for peer in self._peers)
        await until(lambda: sum(len(namespace.sockets) for namespace in self.namespaces.values()) == there)

    async def stop(self) -> None:
        """Shut down as a relay does, its clients still there."""
        await self.realtime.close()
        await self.tunnels.close()
        await self.http.close()
        await self._serving.cleanup()
        await self.sessions.close()
        await self.accounts.close()
        await self.storage.close()
        self.contract.check()

    async def restart(self) -> None:
        """Stop and start again on the same database and port."""
        await self.stop()
        await self.open()

    # What rooms above would contribute

    async def _no_subscriptions(self, runner: Runner) -> None:
        revision = self.room.revisions.next()
        runner.emit("trigger_subscriptions_snapshot", {"revision": revision, "isReconnect": True, "subscriptions": []})

    def session_ids(self, user_id: str, runner_id: str) -> list[str]:
        return [session.id for session in self.sessions.of_runner(runner_id) if session.user_id == user_id]

    def existing_sessions(self, runner: Runner) -> list[dict[str, object]]:
        return [
            {"sessionId": session.id, "cwd": session.cwd}
            for session in self.sessions.of_runner(runner.runner_id)
            if session.connected and session.user_id == runner.user_id
        ]

    def watched(self, socket: Socket) -> AgentSession | None:
        return self.sessions.get(str(socket.handshake.auth.get("sessionId")))

    async def _agent_joined(self, socket: Socket) -> None:
        session = self.sessions.get(str(socket.handshake.auth.get("sessionId")))
        if session is not None:
            self.sessions.attach(session, socket)

    async def _viewer_joined(self, socket: Socket) -> None:
        session = self.watched(socket)
        if session is not None:
            session.audience.add(Watcher(socket, session.id))

    def add_session(self, person: Person, session_id: str, runner_id: str | None = None) -> AgentSession:
        """List a live session without an agent."""
        session = AgentSession(
            session_id,
            person.id,
            person.name,
            queue=self.sessions.queue(session_id),
            transcript=Transcript(0, EventCache(10, 10_000)),
            meta=MetaState(),
        )
        session.cwd = "/work"
        session.links.runner_id = runner_id
        self.sessions.add(session)
        return session

    def broken_table(self, table: str) -> AbstractAsyncContextManager[None]:
        """Let every statement on a table fail for a while, as a broken disk would."""
        return broken_table(self.path, table)

    # Clients

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._http

    async def person(self, name: str) -> Person:
        """Make an account without a password, its key and a cookie session."""
        user_id = f"user-{name}"
        now = self.clock.now_iso()

        async def insert(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO user (id, name, email, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
                (user_id, name, f"{name}@example.com", now, now),
            )

        await self.storage.write(insert)
        key = await self.accounts.mint_cli_key(user_id)
        token = new_token()
        await self.accounts.sessions.start(token, user_id, address="127.0.0.1", user_agent="test", remember=True)
        return Person(user_id, name, key, f"{cookies.SESSION_TOKEN}={self.accounts.sessions.signed(token)}")

    async def peer(self, namespace: str, auth: dict[str, object], headers: dict[str, str] | None = None) -> Peer:
        peer = Peer(namespace)
        self._peers.append(peer)
        return await peer.connect(self.url, auth, headers)

    async def runner_socket(self, person: Person) -> Peer:
        """Connect a daemon that has not registered yet."""
        return await self.peer("/runner", {"apiKey": person.key, "protocolVersion": 1, "clientVersion": "0.52.0"})

    async def runner(
        self,
        person: Person,
        runner_id: str = "r1",
        secret: str = "s1",
        profile: Mapping[str, object] | None = None,
    ) -> Peer:
        """Connect and register a daemon."""
        peer = await self.runner_socket(person)
        await peer.emit("register_runner", {"runnerId": runner_id, "runnerSecret": secret, **(profile or {})})
        await peer.expect("runner_registered")
        await peer.expect("trigger_subscriptions_snapshot")
        return peer

    async def feed_of(self, person: Person) -> Peer:
        """Connect a browser to `/runners` with its cookie."""
        return await self.peer("/runners", {}, {**person.by_cookie, "Origin": self.url})

    async def json(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: object = None,
    ) -> tuple[int, object]:
        """Call the REST interface; answer status and parsed body."""
        sent = dict(headers or {})
        data = None
        if body is not None:
            data = dumps(body)
            sent["Content-Type"] = "application/json"
        async with self.client.request(method, self.url + path, headers=sent, data=data) as response:
            return response.status, await response.json()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, looking once per turn of the loop."""
    async with asyncio.timeout(WAIT):
        while not holds():
            await asyncio.sleep(0.002)
