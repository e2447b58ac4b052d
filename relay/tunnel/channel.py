"""Carry exchanges and bridged sockets over one runner's registered socket (tunnel.md 1.5 to 1.9, 8.3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, Protocol

from relay.http.errors import TUNNEL_BUSY
from relay.tunnel import binary, frames
from relay.tunnel.access_record import Access
from relay.tunnel.failures import DISCONNECTED, Failure
from relay.tunnel.flow import Flow
from relay.tunnel.frames import BadFrame, Frame
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLink
from relay.tunnel.spill import SpillBudget
from relay.tunnel.traffic import TunnelTraffic

log = logging.getLogger(__name__)

_RETRY: Final = {"Retry-After": "1"}


class LinkGone(Exception):
    """Say that the runner's socket is closed, so nothing can be sent."""


class Stream(Protocol):
    """Be one exchange or bridged socket, named by `id` and, in the binary framing, by `number`."""

    @property
    def id(self) -> str:
        """Answer the id in frames."""

    @property
    def access(self) -> Access:
        """Answer on whose behalf it runs."""

    @property
    def alone_holds(self) -> bool:
        """Tell whether it may hold up the socket while it is the only one: nobody else waits, itself included."""

    def on_frame(self, kind: str, frame: Frame) -> None:
        """Take a frame of the runner's for this id; raises BadFrame."""

    def on_bytes(self, kind: int, data: bytes) -> None:
        """Take a binary frame's bytes; raises BadFrame."""

    def fail(self, failure: Failure) -> None:
        """End, because of what happened to the runner's socket."""

    def stop(self, failure: Failure) -> None:
        """End, and tell the runner."""

    def cut(self, failure: Failure) -> None:
        """End, tell the runner, and drop the browser even if it does not read."""


class Channel:
    """Own the streams of one registered socket; ends with it."""

    def __init__(
        self,
        link: TunnelLink,
        limits: ExchangeLimits,
        budget: SpillBudget,
        *,
        binary_framing: bool,
        traffic: TunnelTraffic | None = None,
    ) -> None:
        """`traffic` counts what passes."""
        self.traffic = traffic or TunnelTraffic()
        self.limits = limits
        self.budget = budget
        self.binary = binary_framing
        self.flow = Flow(limits, self._alone)
        self._link = link
        self._streams: dict[str, Stream] = {}
        self._numbers: dict[int, Stream] = {}
        self._next_number = 1
        self._counts: dict[type, int] = {}
        self._freed = asyncio.Event()
        self._sending = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: Failure | None = None

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def tasks(self) -> int:
        """Answer how many tasks work for this channel."""
        return len(self._tasks)

    @property
    def streams(self) -> list[Stream]:
        """Answer the exchanges and bridged sockets that are open."""
        return list(self._streams.values())

    def open(self, kind: type[Stream]) -> int:
        """Count the streams of a kind, those included whose browser has not read everything yet."""
        return self._counts.get(kind, 0)

    async def finished(self, kind: type[Stream]) -> None:
        """Wait until no stream of a kind is left."""
        while self.open(kind):
            self._freed.clear()
            await self._freed.wait()

    def enter(self, stream: Stream, most: int) -> int:
        """List a stream, at most so many of its kind; answer its number. Raises ApiError 503."""
        if self._failure is not None:
            raise self._failure.error()
        kind = type(stream)
        if self._counts.get(kind, 0) >= most:
            raise TUNNEL_BUSY(headers=_RETRY)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        number = self._next_number
        while number in self._numbers:
            number = number % binary.MAX_NUMBER + 1
        self._next_number = number % binary.MAX_NUMBER + 1
        self._streams[stream.id] = stream
        self._numbers[number] = stream
        self.flow.changed()
        return number

    def leave(self, stream: Stream, number: int) -> None:
        """Unlist a stream; frames that still come for it are dropped unread. It counts until it is freed."""
        if self._streams.get(stream.id) is stream:
            del self._streams[stream.id]
            self._numbers.pop(number, None)
            self.flow.changed()

    def free(self, stream: Stream) -> None:
        """Stop counting a stream: its browser is done with it."""
        self._counts[type(stream)] -= 1
        self._freed.set()

    async def send(self, *ready: bytes) -> None:
        """Send frames one after the other, when it is this sender's turn; waits until the runner takes them.

        Raises LinkGone.
        """
        async with self._sending:
            for frame in ready:
                if self._failure is not None:
                    raise LinkGone
                try:
                    await self._link.write(frame)
                except ConnectionError as error:
                    raise LinkGone from error

    def post(self, frame: bytes) -> None:
        """Send a frame without waiting; lost with the socket."""
        if self._failure is None:
            self.own(self._posted(frame))

    def own(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start a task that ends, at the latest, with the channel."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def ping(self, frame: bytes) -> None:
        """Send a heartbeat, unless others are waiting to send: then the runner is slow, and hears from us anyway."""
        if not self._sending.locked():
            await self._posted(frame)

    async def serve(self, first: bytes, other: Callable[[Frame], Awaitable[None]]) -> None:
        """Take `first` and read the socket until it closes, then fail what is open.

        `other` takes frames that belong to no stream.
        """
        data: bytes | None = first
        try:
            while data is not None:
                self._link.heard()
                frame = self._take(data)
                if frame is not None:
                    await other(frame)
                if self.flow.busy:
                    await self.flow.settle()
                    self._link.heard()
                data = await self._link.receive()
        finally:
            self.fail(DISCONNECTED)

    def fail(self, failure: Failure) -> None:
        """End every stream; the first failure counts."""
        if self._failure is not None:
            return
        self._failure = failure
        for stream in list(self._streams.values()):
            stream.fail(failure)
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Wait for the tasks after `fail`."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _take(self, data: bytes) -> Frame | None:
        """Hand a frame to its stream; answer it when it is not for a stream."""
        if self.binary and binary.is_binary(data):
            kind, number = binary.head(data)
            stream = self._numbers.get(number)
            if stream is not None:
                try:
                    stream.on_bytes(kind, data[binary.HEAD_SIZE :])
                except BadFrame as error:
                    self._bad(stream, str(error))
            return None
        frame = frames.decode(data)
        if frame is None:
            return None
        stream_id = frame.get("id")
        if not isinstance(stream_id, str):
            return frame
        stream = self._streams.get(stream_id)
        type_ = frame.get("type")
        # Late frames of what is over, and frames of somebody else's exchange, are dropped unread (1.6, 8.3).
        if stream is not None and isinstance(type_, str):
            try:
                stream.on_frame(type_, frame)
            except BadFrame as error:
                self._bad(stream, str(error))
        return None

    def _bad(self, stream: Stream, reason: str) -> None:
        log.warning("invalid tunnel frame", extra={"runner_id": self._link.runner_id, "reason": reason})
        stream.stop(Failure(reason))

    def _alone(self) -> bool:
        if len(self._streams) != 1:
            return False
        return next(iter(self._streams.values())).alone_holds

    async def _posted(self, frame: bytes) -> None:
        try:
            await self.send(frame)
        except LinkGone:
            log.debug("frame lost with its socket", extra={"runner_id": self._link.runner_id})

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("tunnel task failed", exc_info=error, extra={"runner_id": self._link.runner_id})
