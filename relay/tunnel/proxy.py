"""Carry one HTTP exchange between a browser and a service on a runner's machine (tunnel.md 1.8, 2, 8.3)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

from aiohttp import web

from relay.http.client_address import ClientAddress
from relay.http.errors import NOT_FOUND, TUNNEL_UNAVAILABLE
from relay.http.server import ON_PREPARE, send_continue
from relay.tunnel import frames
from relay.tunnel.channel import Channel, LinkGone
from relay.tunnel.exchange import Exchange
from relay.tunnel.failures import DISCONNECTED, ExchangeBroken, Failure
from relay.tunnel.frames import Frame
from relay.tunnel.links import TunnelLinks
from relay.tunnel.request_headers import request_headers
from relay.tunnel.response_headers import AmbiguousLength, declared_length, finish, response_headers
from relay.tunnel.rewrite import BrokenEncoding, RewriteContext, StreamRewriter, rewriter_for
from relay.tunnel.target import Mode, Target
from relay.tunnel.upload import end_of, upload

_AMBIGUOUS: Final = Failure("The service declared no clear length")
_WRONG_LENGTH: Final = Failure("The response is not as long as declared")
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_BODILESS: Final = frozenset({204, 205, 304})


class Proxy:
    """Answer checked requests with what the runner's service says."""

    def __init__(self, links: TunnelLinks, address: ClientAddress) -> None:
        self._links = links
        self._address = address

    def channel(self, target: Target) -> Channel:
        """Answer the runner's channel, if the runner's owner opened it (1.2); raises ApiError 503."""
        link = self._links.get(target.runner_id, target.access.user_id)
        if link is None or link.channel is None:
            raise TUNNEL_UNAVAILABLE()
        return link.channel

    async def carry(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Answer a request; raises ApiError while nothing was sent, and cuts the connection after that."""
        if target.mode is not Mode.HOST and request.headers.get("Service-Worker", "").strip().lower() == "script":
            # It would live on in the relay's own origin (6.2).
            raise NOT_FOUND()
        channel = self.channel(target)
        start = start_frame(request, target)
        if "Expect" in request.headers:
            await send_continue(request)
        exchange = Exchange(channel, target.access)
        uploading: asyncio.Task[None] | None = None
        try:
            start["id"] = exchange.id
            if channel.binary:
                start["stream"] = exchange.number
            try:
                if request.can_read_body:
                    await channel.send(frames.encode(start))
                    uploading = channel.own(upload(request, exchange, channel))
                else:
                    await channel.send(frames.encode(start), end_of(exchange))
                    exchange.sent()
            except LinkGone:
                exchange.fail(DISCONNECTED)
            return await self._answer(request, target, exchange)
        finally:
            exchange.close()
            if uploading is not None and not uploading.done():
                uploading.cancel()
                await asyncio.wait({uploading})

    async def _answer(self, request: web.Request, target: Target, exchange: Exchange) -> web.StreamResponse:
        head = await exchange.head
        context = None if target.mode is Mode.HOST else self._context(request, target)
        try:
            headers, declared = response_headers(head, context), declared_length(head)
        except AmbiguousLength:
            raise _AMBIGUOUS.error() from None
        rewriter = None if context is None else rewriter_for(head.status, request.method, dict(head.headers), context)
        bodiless = request.method == "HEAD" or head.status in _BODILESS
        if rewriter is None and not bodiless and exchange.uploaded:
            whole = exchange.body.take_whole(exchange.limits.small_answer)
            if whole is not None:
                if declared not in {None, len(whole)}:
                    raise _WRONG_LENGTH.error()
                request[ON_PREPARE] = lambda response: finish(response, head)
                return web.Response(status=head.status, headers=headers, body=whole)
        response = web.StreamResponse(status=head.status, headers=headers)
        if not exchange.uploaded:
            # The rest of the request will not be read once the answer is out.
            response.force_close()
        request[ON_PREPARE] = lambda response: finish(response, head)
        exchange.on_cut = lambda: break_off(request)
        await response.prepare(request)
        try:
            if bodiless:
                await response.write_eof()
            else:
                await _stream(exchange, response, rewriter, declared)
        except (ExchangeBroken, BrokenEncoding):
            break_off(request)
        return response

    def _context(self, request: web.Request, target: Target) -> RewriteContext:
        return RewriteContext(
            prefix=target.base,
            port=target.port,
            request_path="" if target.bare else target.url.partition("?")[0],
            mode="path" if target.mode is Mode.PATH else "token",
            relay_hosts=frozenset({self._address.host(request)}),
            fetch_dest=request.headers.get("Sec-Fetch-Dest"),
        )


def start_frame(request: web.Request, target: Target) -> Frame:
    """Answer a `request-start` without its id; raises ApiError 400 for what the runner would drop (1.5)."""
    frame: Frame = {
        "type": "request-start",
        "id": "",
        "port": target.port,
        "method": request.method,
        "url": target.url,
        "headers": request_headers(request, target),
    }
    if target.mode is Mode.HOST:
        frame["preserveAuth"] = True
        frame["host"] = target.host
    return frame


async def _stream(
    exchange: Exchange, response: web.StreamResponse, rewriter: StreamRewriter | None, declared: int | None
) -> None:
    """Write each piece when it comes; raises ExchangeBroken, or BrokenEncoding, when the body is not whole."""
    left = declared
    while (piece := await exchange.next_piece()) is not None:
        if left is not None:
            if len(piece) > left:
                raise ExchangeBroken("longer than declared")
            left -= len(piece)
        if rewriter is None:
            await response.write(piece)
            continue
        for done in rewriter.pieces(piece):
            await response.write(done)
            # Rewriting costs time, and a write that need not wait gives nobody else a turn.
            await asyncio.sleep(0)
    if left:
        raise ExchangeBroken("shorter than declared")
    await response.write_eof(b"" if rewriter is None else rewriter.finish())


def break_off(request: web.Request) -> None:
    """Drop the browser's connection so that it sees that the body is not whole (2.6).

    HTTP/1.0 tells the end of a body by the end of the connection, so there only a reset tells the difference.
    """
    transport = request.transport
    if transport is None:
        return
    if request.version < (1, 1):
        peer = transport.get_extra_info("socket")
        if peer is not None:
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
