"""Hold a WebSocket of the runner's machine for a browser: frames, queue, close (tunnel.md 1.9, 4)."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from dataclasses import dataclass

from aiohttp import WSCloseCode

from relay.tunnel import binary, frames
from relay.tunnel.access_record import Access
from relay.tunnel.channel import Channel
from relay.tunnel.failures import Failure
from relay.tunnel.frames import BadFrame, Frame


@dataclass(frozen=True, slots=True)
class Closing:
    """Say how the browser's socket is to be closed."""

    code: int
    reason: str


class Bridge:
    """Hold one bridged socket between its runner and its browser's handler."""

    def __init__(self, channel: Channel, access: Access) -> None:
        """Enter the channel; raises ApiError 503."""
        self.id = str(uuid.uuid4())
        self.access = access
        self.opened: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.closing: Closing | None = None
        self._channel = channel
        self._messages: deque[str | bytes] = deque()
        self._size = 0
        self._waiter = asyncio.Event()
        self._told = False
        self._closed = False
        self.number = channel.enter(self, channel.limits.bridges)
        channel.traffic.bridges += 1

    @property
    def alone_holds(self) -> bool:
        """Never hold up the runner's socket: this one's other direction and its close come over it too."""
        return False

    # What the browser's handler does

    async def send(self, message: str | bytes) -> None:
        """Send a message of the browser's; waits for the runner. Raises LinkGone."""
        self._channel.traffic.to_runners += len(message)
        if not self._channel.binary:
            await self._channel.send(frames.ws_data(self.id, message))
        elif isinstance(message, str):
            await self._channel.send(binary.encode(binary.WS_TEXT, self.number, message.encode("utf-8")))
        else:
            await self._channel.send(binary.encode(binary.WS_BINARY, self.number, message))

    async def receive(self, within: float) -> str | bytes | None:
        """Answer the next message for the browser, None when it is to be closed; raises TimeoutError."""
        while not self._messages:
            if self.closing is not None:
                return None
            self._waiter.clear()
            async with asyncio.timeout(within):
                await self._waiter.wait()
        message = self._messages.popleft()
        self._size -= len(message)
        return message

    def tell_closed(self, code: int | None, reason: str) -> None:
        """Tell the runner, once and only if it does not know, that the browser's side is closed."""
        if not self._told:
            self._told = True
            self._channel.post(frames.ws_close(self.id, code, reason))
            self._leave()

    def leave(self) -> None:
        """Take nothing more from the runner: the browser's side is closed."""
        if self.closing is None:
            self.closing = Closing(WSCloseCode.OK, "")
        self._messages.clear()
        self._waiter.set()

    def close(self) -> None:
        """Forget the bridge."""
        if self._closed:
            return
        self._closed = True
        self._leave()
        self._channel.free(self)
        self._messages.clear()
        if not self.opened.done():
            self.opened.cancel()
        elif not self.opened.cancelled():
            # Whoever fails before its handler looks has told the log nothing.
            self.opened.exception()

    # What the runner does

    def on_frame(self, kind: str, frame: Frame) -> None:
        """Take one of the runner's frames; raises BadFrame."""
        if self.closing is not None:
            return
        if kind == "ws-data":
            self._message(frames.ws_message(frame))
        elif kind == "ws-opened":
            protocol = frame.get("protocol")
            if not self.opened.done():
                self.opened.set_result(protocol if isinstance(protocol, str) and protocol else None)
        elif kind == "ws-close":
            self._told = True
            code, reason = frames.close_code(frame)
            self._end(Closing(code, reason), Failure(reason or "closed before it was open"))
        elif kind == "ws-error":
            self._told = True
            message = frame.get("message")
            self.fail(Failure(message if isinstance(message, str) else "WebSocket error"))

    def on_bytes(self, kind: int, data: bytes) -> None:
        """Take a message in the binary framing; raises BadFrame."""
        if self.closing is not None:
            return
        if kind == binary.WS_BINARY:
            self._message(data)
        elif kind == binary.WS_TEXT:
            try:
                self._message(data.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise BadFrame("text that is no UTF-8") from error

    def fail(self, failure: Failure) -> None:
        """Close the browser's socket with 1011, or answer its upgrade with the failure."""
        self._end(Closing(WSCloseCode.INTERNAL_ERROR, frames.cut_reason(failure.text)), failure)

    def stop(self, failure: Failure) -> None:
        """Fail, and close the runner's side too."""
        self.tell_closed(WSCloseCode.INTERNAL_ERROR, failure.text)
        self.fail(failure)

    def cut(self, failure: Failure) -> None:
        """Close both sides; a browser that does not read is dropped when its time to close is over."""
        self.stop(failure)

    def _message(self, message: str | bytes) -> None:
        self._channel.traffic.from_runners += len(message)
        self._messages.append(message)
        self._size += len(message)
        if self._size > self._channel.limits.bridge_queue and len(self._messages) > 1:
            # A slow browser must not hold up the runner's other exchanges, nor take the relay's memory (8.3).
            self._messages.clear()
            self._size = 0
            self.tell_closed(WSCloseCode.TRY_AGAIN_LATER, "too slow")
            self._end(Closing(WSCloseCode.TRY_AGAIN_LATER, "too slow"), Failure("too slow"))
        self._waiter.set()

    def _end(self, closing: Closing, failure: Failure) -> None:
        if self.closing is None:
            self.closing = closing
            if not self.opened.done():
                self.opened.set_exception(failure.error())
            self._leave()
            self._waiter.set()

    def _leave(self) -> None:
        self._channel.leave(self, self.number)
