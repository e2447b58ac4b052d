"""Know the newest published client version, for the UI's "update available" (rest-account.md 13.2).

Nothing is asked unless the operator names the document to ask: a relay works without the internet.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import aiohttp

from relay import jsontext
from relay.clock import Clock
from relay.http import schemas
from relay.http.routes import Auth, Call, Json, Route
from relay.http.shapes import Shape

log = logging.getLogger(__name__)

#: Times of rest-account.md 13.2, in seconds.
TIMEOUT: Final = 5.0
FRESH_FOR: Final = 900.0
RETRY_AFTER: Final = 60.0
#: The document is a small JSON object; more is not it.
MAX_BYTES: Final = 1_048_576


class LatestVersion:
    """Fetch the version in the background and answer what is known meanwhile, null when nothing is."""

    def __init__(self, url: str, clock: Clock) -> None:
        """`url` leads to a JSON object with a string `version`; empty means never to ask."""
        self._url = url
        self._clock = clock
        self._version: str | None = None
        self._ask_again = 0.0
        self._task: asyncio.Task[None] | None = None

    def current(self) -> str | None:
        """Answer the version known now, and look for a newer one in the background when it is time."""
        if self._url and self._task is None and self._clock.monotonic() >= self._ask_again:
            self._task = asyncio.get_running_loop().create_task(self._refresh())
            self._task.add_done_callback(self._done)
        return self._version

    async def settled(self) -> None:
        """Wait for the look that is under way, if one is."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=2 * TIMEOUT)

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)

    def routes(self) -> list[Route]:
        """Answer the row of `/api/version`."""

        async def version(call: Call) -> Json:
            return {"version": self.current()}

        return [
            Route(
                "GET",
                "/api/version",
                version,
                "Name the newest published client version",
                auth=Auth.NONE,
                shape=Shape(schemas.ClientVersion),
            )
        ]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None

    async def _refresh(self) -> None:
        self._ask_again = self._clock.monotonic() + RETRY_AFTER
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session,
                session.get(self._url) as response,
            ):
                response.raise_for_status()
                text = await response.content.read(MAX_BYTES)
                while len(text) < MAX_BYTES and (more := await response.content.read(MAX_BYTES - len(text))):
                    text += more
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.info("the newest version can't be found out", extra={"reason": str(error) or type(error).__name__})
            return
        version = _version_in(text)
        if version is not None:
            self._version = version
            self._ask_again = self._clock.monotonic() + FRESH_FOR


def _version_in(text: bytes) -> str | None:
    try:
        value = jsontext.loads(text)
    except ValueError:
        return None
    version = value.get("version") if isinstance(value, dict) else None
    return version if isinstance(version, str) else None
