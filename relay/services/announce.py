"""Keep what a runner's services announce and tell the viewers of its sessions (sockets-agents.md 3.6)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from relay.jsontext import dumps
from relay.realtime import Ack, Namespace, Packet, Socket
from relay.runners.profile import Item
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.services.delta import announce_delta, clean_announce, same
from relay.services.ownership import sessions_of
from relay.sessions.registry import SessionRegistry

log = logging.getLogger(__name__)

#: Bytes of JSON; a real announce has some tens of KB, and every browser of the owner gets a copy.
MAX_ANNOUNCE: Final = 4 * 1024 * 1024


def announce_payload(runner: Runner | None) -> Item | None:
    """Answer the `service_announce` for a viewer that joins a session of this runner, to which it adds its generation.

    None when the runner is away or announced no service yet (3.6, 5).
    """
    if runner is None or runner.announce is None or not runner.services("serviceIds"):
        return None
    return _referring(runner.runner_id, runner.announce)


class ServiceAnnouncements:
    """Handle `service_announce`; `updated` is told when the catalogue of a runner changed."""

    def __init__(self, runners: RunnerRegistry, sessions: SessionRegistry, updated: Callable[[Runner], None]) -> None:
        self._runners = runners
        self._sessions = sessions
        self._updated = updated

    def attach(self, runner_namespace: Namespace) -> None:
        """Add the event to namespace `/runner`."""
        runner_namespace.on("service_announce", self._announced)

    async def _announced(self, socket: Socket, payload: object, ack: Ack) -> None:
        runner = self._runners.socket_runner(socket)
        if runner is None or not isinstance(payload, dict):
            return
        announce = clean_announce(payload)
        if len(dumps(announce)) > MAX_ANNOUNCE:
            log.warning("service announce is too large", extra={"runner_id": runner.runner_id})
            return
        before = runner.announce
        changed = before is None or not same(before, announce)
        if not changed and runner.announced_live:
            return
        if changed:
            runner.set_announce(announce)
            self._updated(runner)
        self._broadcast(runner, before, announce)

    def _broadcast(self, runner: Runner, before: Item | None, announce: Item) -> None:
        watched = [session for session in sessions_of(runner, self._sessions) if len(session.audience)]
        if not watched:
            return
        if before is None or not runner.announced_live:
            event, body = "service_announce", _referring(runner.runner_id, announce)
        else:
            delta = announce_delta(before, announce)
            if delta is None:
                return
            event, body = "service_announce_delta", _referring(runner.runner_id, delta)
        runner.announced_live = True
        packet = Packet.event("/viewer", event, body)
        for session in watched:
            session.audience.send(packet)


def _referring(runner_id: str, body: Item) -> Item:
    return {**body, "runnerId": runner_id, "_runnerRef": True}
