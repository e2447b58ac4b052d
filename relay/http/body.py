"""Read request bodies within their limits (rest-account.md 12.4, rest-runners.md 1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from aiohttp import web

from relay import jsontext
from relay.http.errors import (
    BODY_BROKEN_OFF,
    INVALID_JSON,
    JSON_CONTENT_TYPE_REQUIRED,
    PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    ApiError,
)
from relay.http.routes import Body

#: A JSON body of at most 1 MiB that takes longer than this comes from nobody who is still waiting.
READ_TIMEOUT: Final = 60.0


def has_body(request: web.Request) -> bool:
    """Tell whether the request announces a body that is not empty."""
    headers = request.headers
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0").strip("0") != ""


def check_length(request: web.Request, limit: int | None) -> None:
    """Raise ApiError 413 when the announced length is over `limit` bytes; the parser refused malformed ones before."""
    announced = request.headers.get("Content-Length")
    if limit is not None and announced is not None and int(announced) > limit:
        raise too_large(limit)


def too_large(limit: int) -> ApiError:
    """Make the 413 that names `limit`; the connection ends with it, because the rest of the body is not wanted."""
    return PAYLOAD_TOO_LARGE(limit=limit, headers={"Connection": "close"})


async def chunks(request: web.Request, limit: int | None) -> AsyncGenerator[bytes, None]:
    """Yield the body as it arrives, counting.

    Raises ApiError: 413 as soon as more than `limit` bytes came, 400 when the client broke off.
    """
    total = 0
    try:
        async for chunk in request.content.iter_any():
            total += len(chunk)
            if limit is not None and total > limit:
                raise too_large(limit)
            yield chunk
    except (web.RequestPayloadError, ConnectionError) as error:
        raise BODY_BROKEN_OFF() from error


async def read(request: web.Request, limit: int, timeout: float = READ_TIMEOUT) -> bytes:
    """Read a whole body of at most `limit` bytes; raises ApiError 413, 400 or, after `timeout` seconds, 408."""
    try:
        async with asyncio.timeout(timeout):
            return b"".join([chunk async for chunk in chunks(request, limit)])
    except TimeoutError as error:
        raise REQUEST_TIMEOUT(headers={"Connection": "close"}) from error


async def read_json(request: web.Request, policy: Body, limit: int, timeout: float = READ_TIMEOUT) -> dict[str, object]:
    """Read a JSON object; anything else is {} under Body.LENIENT and ApiError 400 under Body.STRICT.

    A request that a browser can send across sites without asking first must not be read as JSON: with `Origin` or
    `Sec-Fetch-*` the content type has to say JSON, else ApiError 415 (rest-account.md 4.1).
    """
    if not has_body(request):
        return _object(b"", policy)
    if not _says_json(request) and _from_browser(request):
        raise JSON_CONTENT_TYPE_REQUIRED()
    return _object(await read(request, limit, timeout), policy)


def _object(text: bytes, policy: Body) -> dict[str, object]:
    try:
        value = jsontext.loads(text)
    except ValueError as error:
        if policy is Body.STRICT:
            raise INVALID_JSON() from error
        return {}
    if isinstance(value, dict):
        return value
    if policy is Body.STRICT:
        raise INVALID_JSON()
    return {}


def _says_json(request: web.Request) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _from_browser(request: web.Request) -> bool:
    return any(key == "origin" or key.startswith("sec-fetch-") for key in (name.lower() for name in request.headers))
