"""Show a user's runners to that user's browsers: namespace `/runners` (sockets-browsers.md 5.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from relay.accounts.handshake import Admission, BrowserHandshake
from relay.realtime import Namespace, Packet, Room, Socket
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner

NAMESPACE: Final = "/runners"

#: Answer the ids of a user's live sessions on a runner: `(user_id, runner_id)`.
SessionIds = Callable[[str, str], Sequence[str]]


class RunnersFeed:
    """Send the list on connect and every change afterwards, to the owner's sockets only."""

    def __init__(self, registry: RunnerRegistry, session_ids: SessionIds) -> None:
        self._registry = registry
        self._session_ids = session_ids
        self._rooms: dict[str, Room] = {}

    def attach(self, namespace: Namespace, handshake: BrowserHandshake) -> None:
        """Add authentication, connect and disconnect to the namespace, which must be `/runners`."""
        namespace.authenticate(handshake)
        namespace.on_connect(self._connected)
        namespace.on_disconnect(self._disconnected)

    def added(self, runner: Runner) -> None:
        """Tell of a registration, with the profile alone (sockets-agents.md 3.2, step 2).

        What a surviving record knows beyond the profile follows at once: the browser puts the added runner in the place
        of the one it had.
        """
        if runner.user_id in self._rooms:
            self._rooms[runner.user_id].send(Packet.spliced(NAMESPACE, "runner_added", runner.added_json()))
            if runner.announce is not None or runner.warnings:
                self.updated(runner)

    def updated(self, runner: Runner) -> None:
        """Tell of changed skills, agents, plugins, services or warnings, with the real session count."""
        if runner.user_id in self._rooms and self._registry.get(runner.runner_id) is runner:
            info = runner.info_json(self._count(runner))
            # Of a browser that does not read, only the newest state of each runner is worth keeping.
            newest = Packet.spliced(NAMESPACE, "runner_updated", info, supersedes=("runner", runner.runner_id))
            self._rooms[runner.user_id].send(newest)

    def removed(self, runner: Runner) -> None:
        """Tell that a runner's socket closed."""
        room = self._rooms.get(runner.user_id)
        if room is not None:
            room.emit("runner_removed", {"runnerId": runner.runner_id})

    async def _connected(self, socket: Socket) -> None:
        if not isinstance(socket.data, Admission):
            return
        user_id = socket.data.user_id
        self._rooms.setdefault(user_id, Room()).add(socket)
        infos = [runner.info_json(self._count(runner)) for runner in self._registry.of_user(user_id)]
        socket.send(Packet.spliced(NAMESPACE, "runners", b'{"runners":[' + b",".join(infos) + b"]}"))

    async def _disconnected(self, socket: Socket, reason: str) -> None:
        if isinstance(socket.data, Admission):
            room = self._rooms.get(socket.data.user_id)
            if room is not None and not len(room):
                del self._rooms[socket.data.user_id]

    def _count(self, runner: Runner) -> int:
        return len(self._session_ids(runner.user_id, runner.runner_id))
