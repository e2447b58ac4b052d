"""Be a runner's side of the tunnel: serve local ports through a relay, in either framing (README.md).

For runners written in Python and for the tests. Reconnecting is the caller's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Coroutine
from typing import Final

import aiohttp
from aiohttp import WSCloseCode, WSMsgType
from multidict import CIMultiDict
from yarl import URL

from relay.jsontext import dumps
from relay.tunnel import binary, frames
from relay.tunnel.client_stream import ClientLimits, ClientStream
from relay.tunnel.frames import Frame
from relay.tunnel.request_headers import HOP_BY_HOP

log = logging.getLogger(__name__)

#: Largest piece of a body in one frame.
PIECE: Final = 64 * 1024
#: Credit is given back in steps of this many bytes.
GRANT: Final = 256 * 1024
_CREDENTIALS: Final = frozenset({"cookie", "authorization", "x-api-key"})
_AUTOMATIC: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_REGISTER_WITHIN: Final = 10.0
_LOST: Final = 1006


class RegistrationRefused(Exception):
    """Carry the relay's reason."""


class TunnelClient:
    """Serve the given ports of 127.0.0.1 over one tunnel socket."""

    def __init__(
        self,
        url: str,
        runner_id: str,
        api_key: str,
        ports: Collection[int],
        *,
        binary_framing: bool = True,
        limits: ClientLimits | None = None,
    ) -> None:
        """`url` is that of the relay, `http(s)` or `ws(s)`; `ports` may change while the client runs."""
        self._url = url.rstrip("/") + "/_tunnel"
        self._register: Frame = {"type": "register", "runnerId": runner_id, "apiKey": api_key}
        if binary_framing:
            self._register["framings"] = [binary.NAME]
        self._ports = ports
        self._limits = limits or ClientLimits()
        self._streams: dict[str, ClientStream] = {}
        self._numbers: dict[int, ClientStream] = {}
        self._window: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.registered = asyncio.Event()

    @property
    def streams(self) -> int:
        """Answer how many exchanges and sockets are open."""
        return len(self._streams)

    async def run(self) -> None:
        """Connect, register and serve until the socket closes.

        Raises RegistrationRefused, aiohttp.ClientError when there is no connection, and TimeoutError.
        """
        async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as http:
            self._http = http
            async with http.ws_connect(self._url, max_msg_size=0, compress=0) as ws:
                self._ws = ws
                try:
                    await self._sign_in()
                    await self._serve()
                finally:
                    await self._end()

    async def _sign_in(self) -> None:
        await self._send(self._register)
        answer = frames.decode((await self._ws.receive_str(timeout=_REGISTER_WITHIN)).encode()) or {}
        if answer.get("type") != "registered":
            raise RegistrationRefused(str(answer.get("message")))
        window = answer.get("window")
        if answer.get("framing") == binary.NAME and isinstance(window, int):
            self._window = window
        self.registered.set()

    async def _serve(self) -> None:
        async for message in self._ws:
            if message.type is WSMsgType.BINARY and binary.is_binary(message.data):
                kind, number = binary.head(message.data)
                stream = self._numbers.get(number)
                if stream is not None:
                    data = message.data[binary.HEAD_SIZE :]
                    await self._came(stream, data.decode("utf-8") if kind == binary.WS_TEXT else data, kind)
            elif message.type is WSMsgType.TEXT:
                frame = frames.decode(message.data.encode("utf-8"))
                if frame is not None:
                    await self._take(frame)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _take(self, frame: Frame) -> None:
        kind, stream_id = frame.get("type"), str(frame.get("id"))
        if kind == "ping":
            await self._send({"type": "pong"})
        elif kind in {"request-start", "ws-open"}:
            number = frame.get("stream")
            stream = ClientStream(stream_id, number if isinstance(number, int) else 0, self._window)
            self._streams[stream_id] = self._numbers[stream.number] = stream
            work = self._exchange if kind == "request-start" else self._bridge
            stream.task = self._own(work(stream, frame))
        elif (stream_or_none := self._streams.get(stream_id)) is not None:
            await self._continue(stream_or_none, str(kind), frame)

    async def _continue(self, stream: ClientStream, kind: str, frame: Frame) -> None:
        if kind == "request-data":
            await self._came(stream, frames.body_bytes(frame), binary.REQUEST_DATA)
        elif kind == "ws-data":
            await self._came(stream, frames.ws_message(frame), binary.WS_TEXT)
        elif kind == "request-data-end":
            stream.incoming.put(None)
        elif kind == "ws-close":
            stream.close = frames.close_code(frame)
            stream.incoming.put(None)
        elif kind == "window" and isinstance(size := frame.get("bytes"), int):
            stream.credit.grant(size)
        elif kind == "request-end" and stream.task is not None:
            stream.task.cancel()

    async def _came(self, stream: ClientStream, item: bytes | str, kind: int) -> None:
        """Queue a piece or message; what a slow service leaves lying is bounded."""
        incoming, limits = stream.incoming, self._limits
        incoming.put(item)
        if kind != binary.REQUEST_DATA:
            if incoming.size > limits.messages and len(incoming) > 1:
                await self._give_up(
                    stream, {"type": "ws-close", "code": WSCloseCode.TRY_AGAIN_LATER, "reason": "too slow"}
                )
            return
        idle = 0.0
        # The published framing has no other way to slow one sender down than to read nothing from anybody.
        while incoming.size > limits.body:
            if await incoming.taken(limits.speak_every):
                idle = 0.0
                continue
            idle += limits.speak_every
            if idle >= limits.stalled:
                await self._give_up(stream, {"type": "response-data-abort", "reason": "the service takes nothing"})
                return
            await self._send({"type": "pong"})

    async def _give_up(self, stream: ClientStream, last: Frame) -> None:
        """End a stream whose service is too slow, and say so."""
        self._forget(stream)
        await self._send({**last, "id": stream.id})
        if stream.task is not None:
            stream.task.cancel()

    # HTTP

    async def _exchange(self, stream: ClientStream, frame: Frame) -> None:
        """Ask the local service and send its answer; a failure before the head is an answer of its own (1.6)."""
        begun = False
        try:
            port = frame.get("port")
            if port not in self._ports:
                await self._plain(stream, 404, f"Port {port} is not exposed")
                return
            first = await stream.incoming.get()
            request = self._http.request(
                str(frame.get("method")),
                URL(f"http://127.0.0.1:{port}{frame.get('url')}", encoded=True),
                headers=_headers(frame),
                data=None if first is None else self._upload(stream, first),
                allow_redirects=False,
                skip_auto_headers=_AUTOMATIC,
                timeout=aiohttp.ClientTimeout(total=None),
            )
            async with request as response:
                begun = True
                await self._send(_head(stream, response))
                async for piece in response.content.iter_any():
                    await self._piece(stream, piece)
            await self._send({"type": "response-data-end", "id": stream.id})
        except (aiohttp.ClientError, OSError) as error:
            if begun:
                await self._send({"type": "response-data-abort", "id": stream.id, "reason": "request aborted"})
            else:
                log.info("local service failed", extra={"reason": str(error)})
                await self._plain(stream, 502, f"Local service not available on port {frame.get('port')}")
        finally:
            self._forget(stream)

    async def _upload(self, stream: ClientStream, first: bytes | str) -> AsyncIterator[bytes]:
        """Yield the request body; the relay may send as much again as the service has taken."""
        taken = 0
        piece: bytes | str | None = first
        while piece is not None:
            if isinstance(piece, bytes) and piece:
                yield piece
                taken += len(piece)
                if self._window is not None and taken >= GRANT:
                    await self._send({"type": "window", "id": stream.id, "bytes": taken})
                    taken = 0
            piece = await stream.incoming.get()

    async def _piece(self, stream: ClientStream, piece: bytes) -> None:
        if self._window is None:
            await self._send({"type": "response-data", "id": stream.id, "data": piece.decode("latin-1")})
            return
        for start in range(0, len(piece), PIECE):
            part = piece[start : start + PIECE]
            await stream.credit.take(len(part))
            await self._ws.send_bytes(binary.encode(binary.RESPONSE_DATA, stream.number, part))

    async def _plain(self, stream: ClientStream, status: int, text: str) -> None:
        head: Frame = {"type": "response-start", "id": stream.id, "statusCode": status, "statusMessage": ""}
        await self._send({**head, "headers": {}})
        await self._piece(stream, text.encode())
        await self._send({"type": "response-data-end", "id": stream.id})

    # WebSockets

    async def _bridge(self, stream: ClientStream, frame: Frame) -> None:
        """Open the local socket and pass messages both ways."""
        try:
            port, protocols = frame.get("port"), frame.get("protocols")
            if port not in self._ports:
                await self._send({"type": "ws-error", "id": stream.id, "message": f"Port {port} is not exposed"})
                return
            headers = {name: value for name, value in _headers(frame).items() if not name.startswith("sec-websocket-")}
            connecting = self._http.ws_connect(
                URL(f"http://127.0.0.1:{port}{frame.get('path')}", encoded=True),
                headers=headers,
                protocols=[str(one) for one in protocols] if isinstance(protocols, list) else (),
                max_msg_size=0,
                compress=0,
                autoclose=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_within),
            )
            async with connecting as local:
                opened: Frame = {"type": "ws-opened", "id": stream.id}
                if local.protocol:
                    opened["protocol"] = local.protocol
                await self._send(opened)
                await self._pass(stream, local)
        except (aiohttp.ClientError, OSError) as error:
            await self._send({"type": "ws-error", "id": stream.id, "message": str(error)})
        finally:
            self._forget(stream)

    async def _pass(self, stream: ClientStream, local: aiohttp.ClientWebSocketResponse) -> None:
        sender = self._own(_to_local(stream, local))
        try:
            while (message := await local.receive()).type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                await self._message(stream, message.data)
            if stream.close is None:
                code, reason = local.close_code or 0, ""
                if message.type is WSMsgType.CLOSE:
                    code, reason = await _answer_close(local, message.data, message.extra or "")
                await self._ws.send_str(frames.ws_close(stream.id, code, reason).decode())
            else:
                # The close that it sends ends the reading above before it is sent.
                await asyncio.wait({sender}, timeout=self._limits.close_within)
        finally:
            sender.cancel()

    async def _message(self, stream: ClientStream, message: str | bytes) -> None:
        if self._window is None:
            await self._ws.send_str(frames.ws_data(stream.id, message).decode())
        elif isinstance(message, str):
            await self._ws.send_bytes(binary.encode(binary.WS_TEXT, stream.number, message.encode()))
        else:
            await self._ws.send_bytes(binary.encode(binary.WS_BINARY, stream.number, message))

    # Both

    async def _send(self, frame: Frame) -> None:
        with contextlib.suppress(ConnectionError):
            await self._ws.send_frame(dumps(frame), WSMsgType.TEXT)

    def _forget(self, stream: ClientStream) -> None:
        stream.incoming.end()
        self._streams.pop(stream.id, None)
        if self._numbers.get(stream.number) is stream:
            del self._numbers[stream.number]

    def _own(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("tunnel stream failed", exc_info=error)


async def _to_local(stream: ClientStream, local: aiohttp.ClientWebSocketResponse) -> None:
    while (message := await stream.incoming.get()) is not None:
        if isinstance(message, str):
            await local.send_str(message)
        else:
            await local.send_bytes(message)
    code, reason = stream.close or (1000, "")
    await local.close(code=code, message=reason.encode())


async def _answer_close(local: aiohttp.ClientWebSocketResponse, code: int, reason: str) -> tuple[int, str]:
    """Answer a service's close with the same; 1006 must not be in one (RFC 6455 7.4.1), but aiohttp lets it pass."""
    if code == _LOST:
        code, reason = WSCloseCode.PROTOCOL_ERROR, ""
    await local.close(code=code or WSCloseCode.OK, message=reason.encode())
    return code, reason


def _headers(frame: Frame) -> dict[str, str]:
    """Answer the headers for the service: those of the frame, without credentials unless it has a host of its own."""
    given = frame.get("headers")
    dropped = HOP_BY_HOP if frame.get("preserveAuth") is True else HOP_BY_HOP | _CREDENTIALS
    headers = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    kept = {name: value for name, value in headers.items() if name not in dropped}
    host = frame.get("host")
    return {**kept, "accept-encoding": "identity", **({"host": host} if isinstance(host, str) else {})}


def _head(stream: ClientStream, response: aiohttp.ClientResponse) -> Frame:
    headers: dict[str, object] = {}
    received: CIMultiDict[str] = CIMultiDict(response.headers)
    for name in dict.fromkeys(key.lower() for key in received):
        if name not in HOP_BY_HOP:
            # Latin-1 in frames, whatever the service meant by its bytes (1.7, 9).
            values = [value.encode("utf-8", "surrogateescape").decode("latin-1") for value in received.getall(name)]
            headers[name] = values if len(values) > 1 or name == "set-cookie" else values[0]
    return {
        "type": "response-start",
        "id": stream.id,
        "statusCode": response.status,
        "statusMessage": response.reason or "",
        "headers": headers,
    }
