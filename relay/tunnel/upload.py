"""Send a request body to the runner piece by piece, as fast as the runner takes it (tunnel.md 8.3, item 5)."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from relay.http.errors import REQUEST_TIMEOUT, TUNNEL_BODY_UNREADABLE
from relay.tunnel import frames
from relay.tunnel.channel import Channel, LinkGone
from relay.tunnel.exchange import Exchange
from relay.tunnel.failures import DISCONNECTED, Failure
from relay.tunnel.limits import ExchangeLimits

_BROKEN: Final = Failure("The upload failed")


async def upload(request: web.Request, exchange: Exchange, channel: Channel) -> None:
    """Send the whole body and its end; what goes wrong ends the exchange.

    The browser is no longer read while the runner takes nothing, and the exchange's memory is two pieces.
    """
    limits = channel.limits
    try:
        while piece := await _read(request, limits):
            for start in range(0, len(piece), limits.piece):
                await exchange.send_piece(piece[start : start + limits.piece])
                if exchange.over:
                    return
        await channel.send(end_of(exchange))
        exchange.sent()
    except LinkGone:
        exchange.fail(DISCONNECTED)
    except TimeoutError:
        exchange.reject(REQUEST_TIMEOUT(headers={"Connection": "close"}))
    except (web.RequestPayloadError, ConnectionError) as error:
        exchange.reject(TUNNEL_BODY_UNREADABLE(reason=str(error), headers={"Connection": "close"}))
    except Exception:
        # Nobody else would end an exchange whose request is never whole; the channel logs the error.
        exchange.stop(_BROKEN)
        raise


def end_of(exchange: Exchange) -> bytes:
    """Answer the frame that ends a request; the runner sends nothing to the service before it (1.5)."""
    return frames.encode({"type": "request-data-end", "id": exchange.id})


async def _read(request: web.Request, limits: ExchangeLimits) -> bytes:
    async with asyncio.timeout(limits.upload_idle):
        return await request.content.readany()
