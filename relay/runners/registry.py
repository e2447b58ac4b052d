"""Find live runners by id, by user and by socket."""

from __future__ import annotations

from dataclasses import dataclass

from relay.realtime import Socket
from relay.runners.profile import RunnerProfile
from relay.runners.runner import Runner


@dataclass(frozen=True, slots=True)
class Registration:
    """Say whom a registered socket speaks for."""

    runner_id: str
    user_id: str
    user_name: str
    profile: RunnerProfile


class RunnerRegistry:
    """Own the live runners: at most one per id, each with exactly one registered socket.

    All methods are synchronous, so a change is never seen half done.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Runner] = {}
        self._by_user: dict[str, dict[str, Runner]] = {}
        self._by_socket: dict[Socket, Runner] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, runner_id: str) -> Runner | None:
        """Answer the runner that is registered now under an id."""
        return self._by_id.get(runner_id)

    def of_user(self, user_id: str) -> list[Runner]:
        """Answer a user's registered runners in the order of their registration."""
        return list(self._by_user.get(user_id, {}).values())

    def socket_runner(self, socket: Socket) -> Runner | None:
        """Answer the runner that this socket speaks for; None for one that never registered or was replaced."""
        return self._by_socket.get(socket)

    def install(self, registration: Registration, socket: Socket) -> tuple[Runner, Socket | None]:
        """Make `socket` the registered one of its runner id; answer the runner and the socket it replaced, if any.

        The replaced socket stays connected, but it is no runner's any more (sockets-agents.md 3.2). The caller has made
        sure that a live runner of this id belongs to the same user and that the socket holds no other id.
        """
        runner_id = registration.runner_id
        runner = self._by_id.get(runner_id)
        replaced: Socket | None = None
        if runner is None:
            runner = Runner(runner_id, registration.user_id, registration.user_name, registration.profile, socket)
            self._by_id[runner_id] = runner
            self._by_user.setdefault(runner.user_id, {})[runner_id] = runner
        else:
            if runner.socket is not socket:
                replaced = runner.socket
                self._by_socket.pop(replaced, None)
            runner.reconnect(registration.user_name, registration.profile, socket)
        self._by_socket[socket] = runner
        return runner, replaced

    def remove(self, runner: Runner) -> None:
        """Forget a runner; its id is free for the next registration."""
        if self._by_id.get(runner.runner_id) is not runner:
            return
        del self._by_id[runner.runner_id]
        self._by_socket.pop(runner.socket, None)
        of_user = self._by_user[runner.user_id]
        del of_user[runner.runner_id]
        if not of_user:
            del self._by_user[runner.user_id]
