"""Put the rooms together: the only place that knows every one of them.

An agent event's way: `/relay` socket (sessions/sockets.py) -> the session's queue -> its pipeline step
(sessions/pipeline.py) -> the audience (sessions/broadcast.py), where viewers/ put the browsers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from relay import __version__
from relay.accounts.accounts import Accounts
from relay.accounts.control import SOCKET_NAME, ControlServer
from relay.accounts.handshake import AgentHandshake, BrowserHandshake, SocketsByCredential
from relay.accounts.operator import operator_handlers
from relay.accounts.routes import routes as account_routes
from relay.accounts.user_admin import AdminError
from relay.app_scopes import guard_viewers, scoped
from relay.app_settings import (
    Tuning,
    accounts_config,
    attachment_limits,
    proxy_policy,
    push_config,
    realtime_config,
    secrets_file,
    session_limits,
    tunnel_config,
    webhook_limits,
)
from relay.attachments.attachments import Attachments
from relay.attachments.routes import AttachmentRoutes
from relay.attachments.tokens import AttachmentTokens
from relay.clock import Clock
from relay.config import ConfigError, Settings
from relay.events import Bus
from relay.http.addresses import AddressRoute, Reach
from relay.http.api_docs import ApiDocs
from relay.http.client_address import ClientAddress
from relay.http.errors import STORAGE_UNAVAILABLE
from relay.http.health import Health, Readiness
from relay.http.identity import Scope
from relay.http.latest_version import LatestVersion
from relay.http.origins import OriginPolicy
from relay.http.routes import Auth, Body, Call, Route
from relay.http.security import SecurityHeaders
from relay.http.server import HttpPolicy, HttpServer
from relay.http.shapes import SOCKET
from relay.http.static import StaticUi
from relay.observe.metrics import Parts
from relay.observe.routes import MetricsRoute
from relay.push.room import PushNeeds, PushRoom
from relay.realtime import Realtime
from relay.runners.registration import Contributors
from relay.runners.room import RunnerRoom
from relay.secrets_file import SecretsError
from relay.services.announce import ServiceAnnouncements, announce_payload
from relay.services.messages import ServiceMessages
from relay.sessions.room import SessionNeeds, SessionRoom
from relay.sessions.session import AgentSession
from relay.sessions.spawn_routes import Machines
from relay.settings.hidden_models import HiddenModels
from relay.settings.routes import routes as settings_routes
from relay.settings.subagent_model import SubagentModel
from relay.storage import Storage, StorageError
from relay.terminals.room import TerminalRoom
from relay.triggers.room import TriggerRoom
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.room import TunnelNeeds, TunnelRoom
from relay.viewers.needs import ViewerNeeds
from relay.viewers.sockets import Viewers
from relay.webhooks.room import WebhookRoom
from relay.webui.serving import NoUi, own_ui

log = logging.getLogger(__name__)


class Application:
    """Own every part of a running relay; made by `create`, ended by `close`."""

    def __init__(self, settings: Settings, storage: Storage, clock: Clock, tuning: Tuning, listen: str) -> None:
        """Build the rooms from the ground up; nothing runs and nobody is served before `start`."""
        bus = self.bus = Bus()
        self._base_url = settings.server.base_url.rstrip("/")
        self._listen = listen
        scheme, _, place = listen.partition("://")
        server = settings.server
        self._reach = Reach(server.base_url, server.host, server.lan, scheme, int(place.rpartition(":")[2]))
        self._shows_metrics = settings.metrics.enabled
        self.storage = storage
        self.address = ClientAddress(proxy_policy(settings))
        tunnel_hosts = TunnelOrigins(settings.tunnel.domain, settings.server.base_url, self.address)
        self.security = SecurityHeaders(tunnel_hosts.frame_source)
        self.origins = OriginPolicy(settings.trusted_origins, self.address)
        self.realtime = Realtime(
            realtime_config(settings, tuning),
            clock,
            client_ip=self.address.ip,
            allow_origin=self.origins.trusted,
        )
        self.accounts = Accounts(
            storage,
            clock,
            bus,
            accounts_config(settings),
            address=self.address,
            origins=self.origins,
            announce=_say_code,
        )
        self.hidden_models = HiddenModels(storage, clock, bus)
        self.subagent_model = SubagentModel(storage, clock, bus)
        self.attachments = Attachments(storage, settings.attachments_dir, clock, attachment_limits(settings, tuning))
        self.runners = RunnerRoom(storage, clock, bus, limits=tuning.commands)
        self.sessions = self._session_room(settings, clock, tuning)
        self.push = self._push_room(settings, clock, tuning)
        self.tunnels = self._tunnel_room(settings, clock, tuning, tunnel_hosts)
        self.terminals = TerminalRoom(self.runners.registry, clock, bus, tuning.terminals)
        self.triggers = TriggerRoom(
            storage, clock, bus, self.sessions, self.runners, self.hidden_models.of, tuning.triggers
        )
        self.webhooks = WebhookRoom(
            storage,
            clock,
            bus,
            self.sessions,
            self.runners,
            self.triggers,
            self.hidden_models.of,
            webhook_limits(settings, tuning),
        )
        self.viewers = self._wire_sockets(bus, clock, tuning)
        self.control = ControlServer(
            settings.data_dir / SOCKET_NAME, operator_handlers(self.accounts), refusals=(AdminError,)
        )
        self._versions = LatestVersion(settings.server.update_check_url, clock)
        self.http = self._serve(clock, tuning, open_ui(settings.server.ui_dir, self.security))

    @classmethod
    async def create(
        cls, settings: Settings, clock: Clock, *, port: int, scheme: str, tuning: Tuning | None = None
    ) -> Application:
        """Open the records, build the rooms and start them; the caller then serves `http.app`.

        `port` and `scheme` are those that the listener is bound to. Raises ConfigError, StorageError and OSError with a
        readable line.
        """
        storage = await Storage.open(settings.database_path)
        try:
            listen = f"{scheme}://localhost:{port}"
            application = cls(settings, storage, clock, tuning or Tuning(), listen)
            await application.start()
        except BaseException:
            await storage.close()
            raise
        return application

    async def start(self) -> None:
        """Read what is stored and begin to work, before the first connection can come."""
        await self.accounts.start()
        await self.attachments.load()
        await self.sessions.start()
        await self.push.start()
        await self.triggers.start()
        await self.webhooks.start()
        await self.tunnels.start()
        await self.control.start()

    def startup_lines(self) -> list[str]:
        """Answer what the terminal shows besides the addresses."""
        code = self.accounts.setup_line()
        return [] if code is None else [setup_line(code)]

    async def close(self) -> None:
        """Finish what is under way and let go of everything, in the reverse order of creation.

        Transports close without Socket.IO packets, so that clients come back (sockets-agents.md 4.4). What goes through
        tunnels may go on while the rest is closed. A part that fails is logged and keeps none after it from writing
        what it still holds.
        """
        draining = asyncio.get_running_loop().create_task(self.tunnels.drain(), name="tunnel drain")
        try:
            await self._close_rooms()
            await asyncio.wait({draining})
        finally:
            draining.cancel()
        await _close_each(self.tunnels.close, self.accounts.close, self._versions.close, self.storage.close)

    async def _close_rooms(self) -> None:
        """Refuse new requests, close every room but the tunnels' and write what they hold."""
        # Before the first socket closes: whoever sees it close and asks again gets the answer that sends it away.
        self.http.refuse()
        await _close_each(
            self.control.close,
            self.realtime.close,
            self.http.close,
            self.webhooks.close,
            self.viewers.close,
            self.terminals.close,
            self.sessions.close,
            self.push.close,
            self.triggers.close,
            self.hidden_models.close,
            self.subagent_model.close,
        )

    def public_base(self, request: web.Request) -> str:
        """Answer the relay's own address as links should show it, without a slash at the end."""
        if self._base_url:
            return self._base_url
        host = self.address.host(request)
        return f"{self.address.scheme(request)}://{host}" if host else self._listen

    def _session_room(self, settings: Settings, clock: Clock, tuning: Tuning) -> SessionRoom:
        """Build the room of agent sessions on the runners below it."""
        return SessionRoom(
            SessionNeeds(
                storage=self.storage,
                clock=clock,
                bus=self.bus,
                limits=session_limits(settings, tuning),
                machines=Machines(
                    self.runners.registry,
                    self.runners.identities,
                    self.runners.rpc,
                    self.runners.folders,
                    self.runners.door,
                ),
                attachments=self.attachments,
                hidden_models=self.hidden_models.of,
                subagent_model=self.subagent_model.of,
                public_base=self.public_base,
            )
        )

    def _push_room(self, settings: Settings, clock: Clock, tuning: Tuning) -> PushRoom:
        """Build the room that calls people who look elsewhere."""
        return PushRoom(
            PushNeeds(
                storage=self.storage,
                clock=clock,
                bus=self.bus,
                sessions=self.sessions,
                secrets=secrets_file(settings),
                config=push_config(settings),
                limits=tuning.push,
            )
        )

    def _tunnel_room(self, settings: Settings, clock: Clock, tuning: Tuning, hosts: TunnelOrigins) -> TunnelRoom:
        """Build the room that carries requests to services beside the runners."""
        return TunnelRoom(
            TunnelNeeds(
                storage=self.storage,
                clock=clock,
                bus=self.bus,
                accounts=self.accounts,
                address=self.address,
                origins=self.origins,
                runners=self.runners.registry,
                identities=self.runners.identities,
                sessions=self.sessions.registry,
                session_row=self.sessions.store.row,
                hosts=hosts,
            ),
            tunnel_config(settings, tuning, self.accounts.config.secret),
        )

    def _wire_sockets(self, bus: Bus, clock: Clock, tuning: Tuning) -> Viewers:
        """Let each room add its events to the six namespaces."""
        realtime, sessions, runners = self.realtime, self.sessions, self.runners
        watching = BrowserHandshake(self.accounts, self.origins, Scope.READ)
        agent = AgentHandshake(self.accounts)
        feed = runners.attach(
            realtime,
            agent,
            watching,
            Contributors(sessions.existing_sessions, (self.triggers.snapshots,)),
            sessions.session_ids,
        )
        sessions.attach(realtime, agent)
        self.terminals.attach(realtime, watching.for_scopes())
        viewers = Viewers(
            realtime.namespace("/viewer"),
            realtime.namespace("/hub"),
            watching,
            sessions.registry,
            bus,
            ViewerNeeds(
                clock=clock,
                limits=sessions.limits,
                store=sessions.store,
                states=sessions.states,
                hidden_models=self.hidden_models.of,
                announce_for=self._announce_for,
                ended_by_person=sessions.ended_by_person,
                touch=sessions.effects.touch,
            ),
            tuning.viewers,
        )
        sessions.sockets.on_exec_result(viewers.exec_result)
        self.triggers.attach(realtime, viewers.watched)
        ServiceAnnouncements(runners.registry, sessions.registry, feed.updated).attach(realtime.namespace("/runner"))
        ServiceMessages(runners.registry, sessions.registry, viewers.watched, clock).attach(
            realtime.namespace("/runner"), realtime.namespace("/viewer"), realtime.namespace("/relay")
        )
        guard_viewers(realtime.namespace("/viewer"))
        names = ("/relay", "/runner", "/viewer", "/hub", "/runners", "/terminal")
        SocketsByCredential([realtime.namespace(name) for name in names], bus)
        return viewers

    def _serve(self, clock: Clock, tuning: Tuning, ui: StaticUi | None) -> HttpServer:
        """Lay the route table."""
        resolve, runners, sessions = self.accounts.resolve, self.runners, self.sessions
        health = Health(
            clock,
            Readiness(storage=lambda: self.storage.healthy, answers=self.storage.answers),
            __version__,
            ui.build_timestamp if ui else None,
        )
        table = [
            self._socket_io(),
            *self.tunnels.routes(),
            *account_routes(self.accounts),
            *health.routes(),
            *self._versions.routes(),
            *AddressRoute(self._reach).routes(),
            *self._metrics(),
            *runners.routes(sessions.session_ids, self.hidden_models.of),
            *sessions.routes(),
            *self.triggers.routes(),
            *self.webhooks.routes(),
            *self.terminals.routes(),
            *self.push.routes(),
            *AttachmentRoutes(
                self.attachments, self._attachment_tokens(clock), resolve, self.accounts.verify_key
            ).table(),
            *settings_routes(self.hidden_models, self.subagent_model),
            *ApiDocs(lambda: self.http.routes, __version__).routes(),
            *(ui.routes() if ui else ()),
        ]
        policy = HttpPolicy(
            resolve,
            self.address,
            self.origins,
            self.security,
            errors={StorageError: STORAGE_UNAVAILABLE, SecretsError: STORAGE_UNAVAILABLE},
        )
        return HttpServer(scoped(table), policy, fallback=(ui or NoUi()).serve)

    def _attachment_tokens(self, clock: Clock) -> AttachmentTokens:
        return AttachmentTokens(self.accounts.config.secret, clock, self.attachments.limits.token_life)

    def _metrics(self) -> list[Route]:
        """Lay the row that shows the numbers of every part."""
        parts = Parts(
            storage=self.storage,
            realtime=self.realtime,
            accounts=self.accounts,
            runners=self.runners,
            sessions=self.sessions,
            terminals=self.terminals,
            tunnels=self.tunnels,
            push=self.push.sender,
            http=lambda: self.http,
        )
        return MetricsRoute(parts, self.accounts, enabled=self._shows_metrics).table()

    def _socket_io(self) -> Route:
        async def handle(call: Call) -> web.StreamResponse:
            return await self.realtime.handle(call.request)

        return Route(
            "*",
            "/socket.io/",
            handle,
            "Socket.IO: agents, runners and browsers",
            auth=Auth.NONE,
            body=Body.RAW,
            limit=None,
            streamed=True,
            origin_checked=False,
            shape=SOCKET,
        )

    def _announce_for(self, session: AgentSession) -> dict[str, object] | None:
        runner = self.runners.registry.get(session.runner_id) if session.runner_id is not None else None
        return announce_payload(runner)


async def _close_each(*parts: Callable[[], Awaitable[None]]) -> None:
    for close in parts:
        try:
            await close()
        except Exception:
            log.exception("a part did not close well", extra={"part": getattr(close, "__qualname__", "")})


def setup_line(code: str) -> str:
    """Answer the line that gives the owner of a fresh relay the set-up code."""
    return f"There is no account yet. From another machine the first one needs this set-up code: {code}"


def _say_code(code: str) -> None:
    print(setup_line(code), flush=True)


def open_ui(directory: str, security: SecurityHeaders) -> StaticUi | None:
    """Open the UI directory that is named, else the UI that comes with the relay, None when that was not built.

    Raises ConfigError when what is named can't be served.
    """
    if not directory:
        return own_ui(security)
    try:
        return StaticUi(Path(directory).expanduser(), security)
    except OSError as error:
        raise ConfigError(f"server.ui_dir: cannot read {error.filename}: {error.strerror}") from error
