"""Answer upgrades of browsers, and pass messages between them and their bridges (tunnel.md 1.9, 4)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from http import HTTPStatus
from typing import Final

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from relay.http.errors import ApiError
from relay.http.server import error_response
from relay.tunnel import frames
from relay.tunnel.bridge import Bridge
from relay.tunnel.channel import Channel, LinkGone
from relay.tunnel.failures import DISCONNECTED, Failure
from relay.tunnel.frames import Frame
from relay.tunnel.proxy import Proxy
from relay.tunnel.request_headers import request_headers
from relay.tunnel.target import Mode, Target

log = logging.getLogger(__name__)

_NO_CODE: Final = 1005
_LOST: Final = 1006
_OPEN_TIMEOUT: Final = Failure("Tunnel WebSocket open timed out")


class Bridges:
    """Answer checked upgrades."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def carry(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Open the runner's side, then the browser's, and pass messages until one of them closes.

        Raises ApiError while the browser has no answer: an early failure is an ordinary HTTP response.
        """
        channel = self._proxy.channel(target)
        offered = offered_protocols(request)
        if not web.WebSocketResponse(protocols=offered).can_prepare(request).ok:
            raise ApiError(400, "Bad Request")
        frame = open_frame(request, target, offered)
        bridge = Bridge(channel, target.access)
        try:
            chosen = await self._open(channel, bridge, frame)
            return await self._live(request, channel, bridge, offered, chosen)
        except asyncio.CancelledError:
            # The browser's connection is gone.
            if bridge.opened.done() and not bridge.opened.cancelled():
                bridge.tell_closed(_LOST, "")
            else:
                bridge.tell_closed(WSCloseCode.GOING_AWAY, "cancelled")
            raise
        finally:
            bridge.tell_closed(WSCloseCode.GOING_AWAY, "")
            bridge.close()

    async def _open(self, channel: Channel, bridge: Bridge, frame: Frame) -> str | None:
        frame["id"] = bridge.id
        if channel.binary:
            frame["stream"] = bridge.number
        try:
            async with asyncio.timeout(channel.limits.open_within):
                await channel.send(frames.encode(frame))
                return await asyncio.shield(bridge.opened)
        except LinkGone as error:
            raise DISCONNECTED.error() from error
        except TimeoutError as error:
            bridge.tell_closed(WSCloseCode.GOING_AWAY, "open timeout")
            raise _OPEN_TIMEOUT.error() from error

    async def _live(
        self, request: web.Request, channel: Channel, bridge: Bridge, offered: tuple[str, ...], chosen: str | None
    ) -> web.StreamResponse:
        limits = channel.limits
        # A browser refuses an answer without a subprotocol when it offered some (4).
        answer = chosen if chosen in offered else (offered[0] if offered else None)
        ws = web.WebSocketResponse(
            protocols=() if answer is None else (answer,),
            compress=False,
            # aiohttp refuses a message of exactly its limit.
            max_msg_size=limits.bridge_message + 1,
            timeout=limits.bridge_close,
            autoclose=False,
        )
        await ws.prepare(request)
        # Not the channel's task: when the runner is lost it still has a close to send.
        sender = asyncio.get_running_loop().create_task(self._to_browser(ws, bridge, request, limits.bridge_ping))
        try:
            await self._from_browser(ws, bridge)
            await asyncio.wait({sender}, timeout=limits.bridge_close)
        finally:
            sender.cancel()
            await asyncio.wait({sender})
            if not sender.cancelled() and (error := sender.exception()) is not None:
                log.error("bridging failed", exc_info=error)
        return ws

    async def _from_browser(self, ws: web.WebSocketResponse, bridge: Bridge) -> None:
        """Pass the browser's messages on, as fast as the runner takes them."""
        while True:
            message = await ws.receive()
            if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                if bridge.closing is not None:
                    continue
                with contextlib.suppress(LinkGone):
                    await bridge.send(message.data)
                continue
            if message.type is WSMsgType.CLOSE:
                code, reason = message.data, message.extra or ""
                if code == _LOST:
                    # Says that no close came, so it must not be in one (RFC 6455 7.4.1); aiohttp lets it pass.
                    code, reason = WSCloseCode.PROTOCOL_ERROR, ""
                bridge.tell_closed(code or _NO_CODE, reason)
                # A page's own close comes back to it with the code that it gave, as its service would have it.
                await ws.close(code=code or WSCloseCode.OK, message=reason.encode("utf-8"), drain=False)
            elif message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
                bridge.tell_closed(message.data.code, "")
            else:
                code = ws.close_code
                bridge.tell_closed(_LOST if code is None else code, "")
            bridge.leave()
            return

    async def _to_browser(self, ws: web.WebSocketResponse, bridge: Bridge, request: web.Request, ping: float) -> None:
        """Pass the runner's messages on, then its close; an idle browser is pinged."""
        try:
            while True:
                try:
                    message = await bridge.receive(ping)
                except TimeoutError:
                    await ws.ping()
                    continue
                if message is None:
                    break
                if isinstance(message, str):
                    await ws.send_str(message)
                else:
                    await ws.send_bytes(message)
        except ConnectionError:
            log.debug("bridged browser left")
            return
        closing = bridge.closing
        if closing is not None and not ws.closed:
            await ws.close(code=closing.code, message=closing.reason.encode("utf-8"), drain=False)
            if request.transport is not None:
                request.transport.close()


def is_upgrade(request: web.Request) -> bool:
    """Tell whether a request wants to become a WebSocket (RFC 6455 4.2.1)."""
    headers = request.headers
    if request.method != "GET" or "upgrade" not in headers.get("Connection", "").lower():
        return False
    return "websocket" in headers.get("Upgrade", "").lower()


def offered_protocols(request: web.Request) -> tuple[str, ...]:
    """Answer the subprotocols that the browser offers, in its order."""
    values = request.headers.getall("Sec-WebSocket-Protocol", ())
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(name for name in names if frames.is_token(name))


def open_frame(request: web.Request, target: Target, offered: tuple[str, ...]) -> Frame:
    """Answer a `ws-open` without its id; absent is absent, never null (6.4 T1). Raises ApiError 400."""
    frame: Frame = {
        "type": "ws-open",
        "id": "",
        "port": target.port,
        "path": target.url,
        "headers": request_headers(request, target),
    }
    if offered:
        frame["protocols"] = list(offered)
    if target.mode is Mode.HOST:
        frame["preserveAuth"] = True
        frame["host"] = target.host
    return frame


def refusal(error: ApiError, mode: Mode) -> web.StreamResponse:
    """Answer a refused upgrade: plain text of the contract's words, the runner's never in the status line (4)."""
    if mode is Mode.HOST:
        return error_response(error)
    text = error.message
    if error.status not in {404, 502, 503}:
        text = HTTPStatus(error.status).phrase
    return web.Response(status=error.status, text=text, headers=error.headers)
