"""Ask a runner something and match its answer by `requestId` (sockets-agents.md 3.4, rest-runners.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from uuid import uuid4

from relay.histogram import Histogram
from relay.realtime import Socket
from relay.runners.runner import Runner

#: Open requests of one runner and family; the number is upstream's per map (sockets-agents.md 3.13).
MAX_PENDING: Final = 1000
#: Commands whose work on the runner is worth stopping when nobody waits any more (rest-runners.md 4).
CANCELLABLE: Final = frozenset(("read_file",))


class Family(Enum):
    """Name a family of commands, with the noun of its texts and its default timeout in seconds."""

    SKILL = ("skill requests", "Skill command timed out", 10.0)
    AGENT = ("agent requests", "Agent command timed out", 10.0)
    GENERIC = ("runner commands", "Runner command timed out", 15.0)

    def __init__(self, noun: str, timed_out: str, timeout: float) -> None:
        self.noun = noun
        self.timed_out = timed_out
        self.timeout = timeout


class RunnerCallError(Exception):
    """Say why a request got no answer; `message` is the text that HTTP callers see, usually with 502."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RunnerOffline(RunnerCallError):
    """Say that the runner has no socket, or lost it while the request waited."""

    def __init__(self) -> None:
        super().__init__("Runner not found")


class RunnerTimeout(RunnerCallError):
    """Say that no answer came in time."""


class RunnerBusy(RunnerCallError):
    """Say that too many requests of this family are open at this runner."""


class RunnerRefused(RunnerCallError):
    """Carry the error that the runner answered."""


@dataclass(frozen=True, slots=True)
class _Pending:
    family: Family
    answer: asyncio.Future[dict[str, object]]


@dataclass(slots=True)
class CallStats:
    """Count the calls of one family; `seconds` measures those that the runner answered, refusals included."""

    seconds: Histogram = field(default_factory=Histogram)
    timeouts: int = 0
    lost: int = 0
    refused: int = 0


class RunnerRpc:
    """Keep the open requests of each runner socket.

    A request belongs to the socket it was sent on: only that socket can answer it, and it fails when the socket goes.
    """

    def __init__(self, *, max_pending: int = MAX_PENDING) -> None:
        self._max_pending = max_pending
        self._open: dict[Socket, dict[str, _Pending]] = {}
        self.stats = {family: CallStats() for family in Family}

    async def call(
        self,
        runner: Runner | None,
        event: str,
        payload: Mapping[str, object],
        *,
        timeout: float | None = None,
        family: Family = Family.GENERIC,
    ) -> dict[str, object]:
        """Emit `event` with the payload and a fresh `requestId`, and answer the reply without its `requestId`.

        `timeout` is in seconds, by default that of the family. A reply with `ok: false` is an answer, not an error.
        Raises RunnerOffline (no socket, or it closed), RunnerTimeout, RunnerBusy or RunnerRefused (the runner answered
        with an error event). When the caller is cancelled or the time is up, a file read is cancelled at the runner.
        """
        if runner is None or not runner.connected:
            raise RunnerOffline
        socket = runner.socket
        request_id = str(uuid4())
        pending = _Pending(family, asyncio.get_running_loop().create_future())
        self._add(socket, request_id, pending)
        try:
            socket.emit(event, {**payload, "requestId": request_id})
            async with asyncio.timeout(family.timeout if timeout is None else timeout):
                return await self._measured(family, pending.answer)
        except TimeoutError:
            self.stats[family].timeouts += 1
            raise RunnerTimeout(family.timed_out) from None
        finally:
            self._drop(socket, request_id)
            # A future is cancelled exactly when its waiter timed out or went away.
            if event in CANCELLABLE and pending.answer.cancelled() and socket.connected:
                socket.emit("cancel_file_request", {"requestId": request_id})

    async def _measured(self, family: Family, answer: asyncio.Future[dict[str, object]]) -> dict[str, object]:
        stats, loop = self.stats[family], asyncio.get_running_loop()
        asked = loop.time()
        try:
            result = await answer
        except RunnerRefused:
            stats.refused += 1
            stats.seconds.observe(loop.time() - asked)
            raise
        except RunnerOffline:
            stats.lost += 1
            raise
        stats.seconds.observe(loop.time() - asked)
        return result

    @property
    def waiting(self) -> int:
        """Answer how many requests wait for an answer, of all runners."""
        return sum(len(waiting) for waiting in self._open.values())

    def resolve(self, socket: Socket, family: Family, request_id: object, result: dict[str, object]) -> bool:
        """Hand a reply to its request; answer False when no open request of this socket and family has that id."""
        pending = self._find(socket, family, request_id)
        if pending is None:
            return False
        pending.answer.set_result(result)
        return True

    def reject(self, socket: Socket, family: Family, request_id: object, message: str) -> bool:
        """Fail a request with the runner's own error text; answer False as `resolve` does."""
        pending = self._find(socket, family, request_id)
        if pending is None:
            return False
        pending.answer.set_exception(RunnerRefused(message))
        return True

    def fail_socket(self, socket: Socket) -> int:
        """Fail all open requests of a socket that closed or was replaced; answer how many there were."""
        waiting = self._open.pop(socket, {})
        for pending in waiting.values():
            if not pending.answer.done():
                pending.answer.set_exception(RunnerOffline())
        return len(waiting)

    def pending(self, socket: Socket) -> int:
        """Answer how many requests wait for this socket."""
        return len(self._open.get(socket, ()))

    def _add(self, socket: Socket, request_id: str, pending: _Pending) -> None:
        waiting = self._open.setdefault(socket, {})
        family = pending.family
        if len(waiting) >= self._max_pending:
            taken = sum(other.family is family for other in waiting.values())
            if taken >= self._max_pending:
                raise RunnerBusy(f"Too many pending {family.noun} (max {self._max_pending})")
        waiting[request_id] = pending

    def _find(self, socket: Socket, family: Family, request_id: object) -> _Pending | None:
        if not isinstance(request_id, str):
            return None
        pending = self._open.get(socket, {}).get(request_id)
        if pending is None or pending.family is not family or pending.answer.done():
            return None
        return pending

    def _drop(self, socket: Socket, request_id: str) -> None:
        waiting = self._open.get(socket)
        if waiting is not None:
            waiting.pop(request_id, None)
            if not waiting:
                del self._open[socket]
