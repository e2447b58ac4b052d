"""Say how the relay is (rest-account.md 13.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from relay.clock import Clock
from relay.http import schemas
from relay.http.errors import NOT_READY
from relay.http.routes import Auth, Call, Handler, Json, Route
from relay.http.shapes import Shape

#: The revision of the Socket.IO events; the web UI compares it as an integer.
SOCKET_PROTOCOL: Final = 1
#: The UI takes a server that is newer than itself for a reason to nag; null never is (rest-account.md 13.1).
COMPATIBLE_SERVER_VERSION: Final[str | None] = None
#: A database that takes longer for nothing is no use to anybody; supervisors ask every few seconds.
READY_WITHIN: Final = 2.0


def always() -> bool:
    """Be ready: the default of a part that is not there."""
    return True


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ask the parts whether they work: the database takes writes, sockets are accepted."""

    storage: Callable[[], bool] = always
    sockets: Callable[[], bool] = always
    #: Tell whether the database answers right now; raises nothing.
    answers: Callable[[], Awaitable[bool]] | None = None


class Health:
    """Answer the health routes; the uptime counts from here."""

    def __init__(
        self, clock: Clock, readiness: Readiness, version: str, build_timestamp: Callable[[], str | None] | None
    ) -> None:
        """`version` is the relay's own, `build_timestamp` answers that of the UI being served."""
        self._clock = clock
        self._readiness = readiness
        self._version = version
        self._build_timestamp = build_timestamp
        self._started = clock.monotonic()

    def report(self) -> dict[str, object]:
        """Answer the body; `redis` means that live state is ready, which it is as long as the process answers."""
        sockets = self._readiness.sockets()
        return {
            "status": "ok" if sockets and self._readiness.storage() else "degraded",
            "redis": True,
            "socketio": sockets,
            "uptime": int(self._clock.monotonic() - self._started),
            "version": {
                "server": COMPATIBLE_SERVER_VERSION,
                "socketProtocol": SOCKET_PROTOCOL,
                "buildTimestamp": self._build_timestamp() if self._build_timestamp is not None else None,
            },
            "relay": {"name": "relay", "version": self._version},
        }

    def routes(self) -> list[Route]:
        """Answer the rows: any method, no credentials, always 200."""

        async def health(call: Call) -> Json:
            return self.report()

        return [
            Route(
                "GET",
                "/ready",
                self.ready,
                "Tell whether requests can be served: the database answers and takes writes, no shutdown is under way",
                auth=Auth.NONE,
                origin_checked=False,
                shape=Shape(schemas.Ready),
                errors=(NOT_READY,),
            ),
            *self._reports(health),
        ]

    async def ready(self, call: Call) -> Json:
        """Answer 200 when requests can be served; raises ApiError 503. The server itself refuses during shutdown."""
        if not self._readiness.storage() or not self._readiness.sockets() or not await self._answers():
            raise NOT_READY()
        return {"ready": True}

    async def _answers(self) -> bool:
        if self._readiness.answers is None:
            return True
        try:
            async with asyncio.timeout(READY_WITHIN):
                return await self._readiness.answers()
        except TimeoutError:
            return False

    @staticmethod
    def _reports(health: Handler) -> list[Route]:
        return [
            Route(
                "*",
                path,
                health,
                "Say how the relay is",
                auth=Auth.NONE,
                # Only /api paths are behind the cross-origin gate (rest-account.md 1.6).
                origin_checked=path.startswith("/api/"),
                shape=Shape(schemas.HealthReport),
            )
            for path in ("/health", "/status", "/api/status")
        ]
