"""Answer the events of namespace `/runner` that concern the machine itself (sockets-agents.md 3).

Sessions, triggers, services and terminals add their own events to the namespace.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from relay.accounts.handshake import Admission, AgentHandshake
from relay.realtime import Ack, Namespace, Socket
from relay.runners.catalogue import Catalogue, ReplyHandler
from relay.runners.registration import Registrar
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner

log = logging.getLogger(__name__)


class RunnerSockets:
    """Own the connects, registrations and reports of namespace `/runner`.

    Events of a socket that is not registered, or whose runner has a newer socket, are ignored.
    """

    def __init__(
        self,
        registry: RunnerRegistry,
        registrar: Registrar,
        catalogue: Catalogue,
        updated: Callable[[Runner], None],
    ) -> None:
        self._registry = registry
        self._registrar = registrar
        self._catalogue = catalogue
        self._updated = updated

    def attach(self, namespace: Namespace, handshake: AgentHandshake) -> None:
        """Add authentication, connect, disconnect and the events of this room to the namespace."""
        namespace.authenticate(handshake)
        namespace.on_disconnect(self._disconnected)
        namespace.on("register_runner", self._register)
        for event, handler in self._catalogue.handlers().items():
            namespace.on(event, self._from_runner(handler))
        namespace.on("runner_warning", self._from_runner(self._warn))
        namespace.on("runner_warning_clear", self._from_runner(self._clear_warnings))
        namespace.on("trigger_subscriptions_applied", self._from_runner(_log_applied))

    async def _register(self, socket: Socket, payload: object, ack: Ack) -> None:
        if isinstance(socket.data, Admission):
            await self._registrar.register(socket, socket.data, payload if isinstance(payload, dict) else {})

    async def _disconnected(self, socket: Socket, reason: str) -> None:
        await self._registrar.disconnected(socket, shutting_down=reason == "server shutting down")

    def _from_runner(self, handle: ReplyHandler) -> Callable[[Socket, object, Ack], Awaitable[None]]:
        async def on_event(socket: Socket, payload: object, ack: Ack) -> None:
            runner = self._registry.socket_runner(socket)
            if runner is not None and isinstance(payload, dict):
                handle(runner, payload)

        return on_event

    def _warn(self, runner: Runner, payload: dict[str, object]) -> None:
        message = payload.get("message")
        if isinstance(message, str) and message.strip() and runner.warn(message):
            self._updated(runner)

    def _clear_warnings(self, runner: Runner, payload: dict[str, object]) -> None:
        if runner.clear_warnings():
            self._updated(runner)


def _log_applied(runner: Runner, payload: dict[str, object]) -> None:
    log.debug(
        "trigger subscriptions applied",
        extra={"runner_id": runner.runner_id, "revision": payload.get("revision"), "applied": payload.get("applied")},
    )
