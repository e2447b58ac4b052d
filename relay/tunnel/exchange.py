"""Follow one HTTP exchange from its request to the end of its response (tunnel.md 1.8)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from enum import Enum

from relay.tunnel import binary, frames
from relay.tunnel.access_record import Access
from relay.tunnel.body import Body
from relay.tunnel.channel import Channel
from relay.tunnel.failures import ENDED_EARLY, RUNNER_ABORTED, TIMED_OUT, TOO_SLOW, ExchangeBroken, Failure
from relay.tunnel.frames import BadFrame, Frame, ResponseHead
from relay.tunnel.limits import ExchangeLimits


class _State(Enum):
    WAITING = "no head yet"
    ANSWERING = "the head is here, the body comes"
    OVER = "the runner or we have said the last word"


class Exchange:
    """Hold one exchange; its handler must `close` it."""

    def __init__(self, channel: Channel, access: Access) -> None:
        """Enter the channel; raises ApiError 503."""
        self.id = str(uuid.uuid4())
        self.access = access
        self.head: asyncio.Future[ResponseHead] = asyncio.get_running_loop().create_future()
        self.uploaded = False
        #: Called when the browser must be cut off at once, whatever its handler waits for.
        self.on_cut: Callable[[], None] | None = None
        self._channel = channel
        self._state = _State.WAITING
        self._timer: asyncio.TimerHandle | None = None
        self._credit = channel.limits.window
        self._credited = asyncio.Event()
        self._consumed = 0
        self._closed = False
        self.body = Body(channel.limits, channel.flow, channel.budget, self._overflow)
        self.number = channel.enter(self, channel.limits.exchanges)
        channel.traffic.exchanges += 1

    @property
    def limits(self) -> ExchangeLimits:
        """Answer the bounds of the channel's exchanges."""
        return self._channel.limits

    @property
    def over(self) -> bool:
        """Tell whether the runner has said its last word on this exchange, or has been told to stop."""
        return self._state is _State.OVER

    @property
    def alone_holds(self) -> bool:
        """Hold up the socket as long as it takes once everything was sent: a browser may read only after that (8.3)."""
        return self.uploaded

    # What the browser's handler does

    def sent(self) -> None:
        """Note that the request is sent; the head must come in time from now on (1.8)."""
        self.uploaded = True
        self._channel.flow.changed()
        if self._state is _State.WAITING:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._channel.limits.answer_within, self.stop, TIMED_OUT)

    async def send_piece(self, piece: bytes) -> None:
        """Send a piece of the request body; waits for the runner, in the binary framing also for its credit.

        Raises LinkGone.
        """
        self._channel.traffic.to_runners += len(piece)
        if not self._channel.binary:
            await self._channel.send(frames.request_data(self.id, piece))
            return
        while self._credit <= 0 and self._state is not _State.OVER:
            self._credited.clear()
            await self._credited.wait()
        self._credit -= len(piece)
        await self._channel.send(binary.encode(binary.REQUEST_DATA, self.number, piece))

    async def next_piece(self) -> bytes | None:
        """Answer the next piece of the response body, None at its end; raises ExchangeBroken."""
        piece = await self.body.get()
        if piece is not None and self._channel.binary and not self.over:
            self._consumed += len(piece)
            if self._consumed >= self._channel.limits.low_water:
                grant: Frame = {"type": "window", "id": self.id, "bytes": self._consumed}
                self._consumed = 0
                self._channel.post(frames.encode(grant))
        return piece

    def close(self) -> None:
        """Forget the exchange; a runner that is still at it is told to stop."""
        if self._closed:
            return
        self._closed = True
        self._tell_runner()
        self._finish()
        self._channel.free(self)
        self.body.close()
        if self.head.done():
            # Whoever fails before its handler looks has told the log nothing.
            if not self.head.cancelled():
                self.head.exception()
        else:
            self.head.cancel()

    def stop(self, failure: Failure) -> None:
        """End the exchange from our side, the runner's part included."""
        self._tell_runner()
        self.fail(failure)

    def cut(self, failure: Failure) -> None:
        """End the exchange and its browser's connection, even if the browser doesn't read."""
        self.stop(failure)
        if self.on_cut is not None:
            self.on_cut()

    # What the runner does

    def on_frame(self, kind: str, frame: Frame) -> None:
        """Take one of the runner's frames; what does not fit the state is ignored (6.4 T11). Raises BadFrame."""
        if self._state is _State.OVER:
            return
        if kind == "response-data":
            if self._state is _State.ANSWERING:
                self._take(frames.body_bytes(frame))
        elif kind == "response-start":
            if self._state is _State.WAITING:
                self._begin(frames.response_head(frame))
        elif kind == "response-data-end":
            if self._state is _State.WAITING:
                self.fail(ENDED_EARLY)
            else:
                self._finish()
                self.body.end()
        elif kind == "response-data-abort":
            reason = frame.get("reason")
            self.fail(Failure(reason if isinstance(reason, str) and reason else "Remote stream aborted"))
        elif kind == "request-end":
            self.fail(RUNNER_ABORTED)
        elif kind == "window":
            self._grant(frame.get("bytes"))

    def on_bytes(self, kind: int, data: bytes) -> None:
        """Take a piece of the response body in the binary framing."""
        if kind == binary.RESPONSE_DATA and self._state is _State.ANSWERING:
            self._take(data)

    def fail(self, failure: Failure) -> None:
        """End the exchange: before the head with an answer, after it by breaking off."""
        if self._state is _State.OVER:
            return
        waiting = self._state is _State.WAITING
        self._channel.traffic.failed += 1
        self._finish()
        if waiting and not self.head.done():
            self.head.set_exception(failure.error())
        self.body.end(ExchangeBroken(failure.text))

    def reject(self, error: Exception) -> None:
        """End the exchange before its head, with an answer of the relay's own."""
        self._tell_runner()
        waiting = self._state is _State.WAITING
        self._finish()
        if waiting and not self.head.done():
            self.head.set_exception(error)
        self.body.end(ExchangeBroken(str(error)))

    def _take(self, piece: bytes) -> None:
        self._channel.traffic.from_runners += len(piece)
        self.body.put(piece)

    def _begin(self, head: ResponseHead) -> None:
        self._state = _State.ANSWERING
        self._stop_timer()
        if not self.head.done():
            self.head.set_result(head)

    def _grant(self, size: object) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
            raise BadFrame("window without a size")
        self._credit += size
        self._credited.set()

    def _overflow(self) -> None:
        self.cut(TOO_SLOW)

    def _finish(self) -> None:
        self._state = _State.OVER
        self._stop_timer()
        self._credited.set()
        self._channel.leave(self, self.number)

    def _tell_runner(self) -> None:
        if self._state is not _State.OVER:
            self._channel.post(frames.encode({"type": "request-end", "id": self.id}))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
