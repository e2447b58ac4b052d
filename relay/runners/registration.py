"""Register a runner: check its identity, make its socket the registered one, and tell everybody in the right order."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from relay.accounts.handshake import Admission
from relay.events import Bus, RunnerConnected, RunnerDisconnected
from relay.realtime import Socket
from relay.runners.identities import ClaimRefused, RunnerIdentities, foreign_runner
from relay.runners.profile import Item, clean_profile, clean_text
from relay.runners.registry import Registration, RunnerRegistry
from relay.runners.rpc import RunnerRpc
from relay.runners.runner import Runner
from relay.storage import StorageError

log = logging.getLogger(__name__)


class Feed(Protocol):
    """Show runners to their owner's browsers."""

    def added(self, runner: Runner) -> None: ...
    def updated(self, runner: Runner) -> None: ...
    def removed(self, runner: Runner) -> None: ...


def _no_sessions(runner: Runner) -> Sequence[Item]:
    return ()


@dataclass(frozen=True, slots=True)
class Contributors:
    """Give a registration what rooms above know, in the order of sockets-agents.md 3.2.

    `existing_sessions` answers `{sessionId, cwd, sessionFile?}` of each live session that names the runner, has its
    agent connected and belongs to the runner's owner. `after_registered` are awaited in order after
    `runner_registered` was sent; one that fails is logged and does not stop the next.
    """

    existing_sessions: Callable[[Runner], Sequence[Item]] = _no_sessions
    after_registered: Sequence[Callable[[Runner], Awaitable[None]]] = field(default=())


class Registrar:
    """Admit runner sockets to the registry and take them out again."""

    def __init__(
        self,
        registry: RunnerRegistry,
        identities: RunnerIdentities,
        rpc: RunnerRpc,
        feed: Feed,
        bus: Bus,
        contributors: Contributors,
    ) -> None:
        self._registry = registry
        self._identities = identities
        self._rpc = rpc
        self._feed = feed
        self._bus = bus
        self._contributors = contributors

    async def register(self, socket: Socket, admission: Admission, payload: Item) -> None:
        """Carry out `register_runner` (sockets-agents.md 3.2).

        A refusal is told and final. When the database cannot answer, the transport is closed without a packet, because
        the daemon comes back after that and after nothing else (1.3).
        """
        profile = clean_profile(payload)
        requested = clean_text(payload.get("runnerId"))
        secret = clean_text(payload.get("runnerSecret"))
        try:
            if requested and secret:
                await self._identities.claim(requested, secret, admission.user_id, profile)
            runner_id = requested if requested and secret else str(uuid4())
            present = self._registry.get(runner_id)
            if present is not None and present.user_id != admission.user_id:
                raise foreign_runner(runner_id)
        except ClaimRefused as refusal:
            log.warning("runner refused", extra={"user_id": admission.user_id, "reason": str(refusal)})
            socket.emit("error", {"message": str(refusal)})
            socket.disconnect()
            # A full disconnect: the client has nothing else on this connection, and nobody else may use it.
            socket.close_transport()
            return
        except StorageError:
            log.exception("runner registration put off", extra={"runner_id": requested})
            socket.close_transport()
            return
        if not socket.connected:
            return
        registration = Registration(runner_id, admission.user_id, admission.user_name, profile)
        await self._install(registration, socket)

    async def _install(self, registration: Registration, socket: Socket) -> None:
        former = self._registry.socket_runner(socket)
        if former is not None and former.runner_id != registration.runner_id:
            self._forget(former)
        runner, replaced = self._registry.install(registration, socket)
        if replaced is not None:
            self._rpc.fail_socket(replaced)
        self._feed.added(runner)
        existing = list(self._contributors.existing_sessions(runner))
        runner.owned_sessions.update(str(session["sessionId"]) for session in existing)
        answer: Item = {"runnerId": runner.runner_id}
        if existing:
            answer["existingSessions"] = existing
        socket.emit("runner_registered", answer)
        log.info(
            "runner registered",
            extra={"runner_id": runner.runner_id, "user_id": runner.user_id, "existing_sessions": len(existing)},
        )
        self._bus.publish(RunnerConnected(runner.user_id, runner.runner_id))
        for tell in self._contributors.after_registered:
            if self._registry.socket_runner(socket) is not runner:
                return
            try:
                await tell(runner)
            except Exception:
                log.exception("after registration", extra={"runner_id": runner.runner_id})

    async def disconnected(self, socket: Socket, *, shutting_down: bool) -> None:
        """Forget the runner of a socket that closed (sockets-agents.md 3.12); nothing happens for a replaced socket.

        In a shutdown nobody is told, since the runner will be back (4.4).
        """
        self._rpc.fail_socket(socket)
        runner = self._registry.socket_runner(socket)
        if runner is None:
            return
        if shutting_down:
            self._registry.remove(runner)
            return
        self._forget(runner)
        try:
            await self._identities.seen(runner.runner_id)
        except StorageError:
            log.exception("last connection not noted", extra={"runner_id": runner.runner_id})

    def _forget(self, runner: Runner) -> None:
        self._registry.remove(runner)
        self._rpc.fail_socket(runner.socket)
        runner.owned_sessions.clear()
        self._feed.removed(runner)
        log.info("runner disconnected", extra={"runner_id": runner.runner_id, "user_id": runner.user_id})
        self._bus.publish(RunnerDisconnected(runner.user_id, runner.runner_id))
