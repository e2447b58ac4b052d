"""Answer the HTTP calls about sessions, live and stored (rest-runners.md 7.1 to 7.3)."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from relay import jsontext
from relay.http.errors import SESSION_NOT_FOUND
from relay.http.routes import Auth, Call, Json, Route
from relay.http.shapes import REFUSAL, Shape
from relay.sessions import schemas
from relay.sessions.history.history import History
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
_EXCLUDE: Final = frozenset({"0", "false", "no"})
_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]+)")
_NONE_STORED: Final = b'"persistedSessions":[],"nextCursor":null'
_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}


class HistoryRoutes:
    """Serve the session lists and the pins."""

    def __init__(self, registry: SessionRegistry, history: History) -> None:
        self._registry = registry
        self._history = history

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        pin = "/api/sessions/{sessionId}/pin"
        return [
            Route(
                "GET",
                "/api/sessions",
                self.list_sessions,
                "List the caller's live and stored sessions",
                shape=Shape(schemas.SessionLists, query=schemas.SessionQuery),
            ),
            Route(
                "GET",
                "/api/sessions/pinned",
                self.list_pinned,
                "List the caller's pinned sessions",
                shape=Shape(schemas.PinnedSessions),
            ),
            Route("PUT", pin, self.pin, "Pin a session", errors=(SESSION_NOT_FOUND,), shape=Shape(schemas.Pinned)),
            Route(
                "DELETE", pin, self.unpin, "Unpin a session", errors=(SESSION_NOT_FOUND,), shape=Shape(schemas.Pinned)
            ),
            Route("*", pin, _not_allowed, "Refuse other methods on a pin", auth=Auth.NONE, shape=REFUSAL),
        ]

    async def list_sessions(self, call: Call) -> web.StreamResponse:
        """Answer live sessions, the newest first, and one page of stored ones (7.1)."""
        user_id = call.user.user_id
        live = sorted(self._registry.of_user(user_id), key=_started, reverse=True)
        stored: bytes | None = None
        if not call.request.query_string:
            stored = self._history.cached(user_id, DEFAULT_LIMIT)
        if stored is None:
            stored = await self._stored(call, user_id)
        body = b'{"sessions":%b,%b}' % (jsontext.dumps([_listed(session) for session in live]), stored)
        return web.Response(body=body, headers=_HEADERS)

    async def list_pinned(self, call: Call) -> Json:
        """Answer every pinned session (7.2)."""
        return {"pinnedSessions": await self._history.pinned(call.user.user_id)}

    async def pin(self, call: Call) -> Json:
        """Pin a session (7.3)."""
        return await self._set_pin(call, pinned=True)

    async def unpin(self, call: Call) -> Json:
        """Unpin a session (7.3)."""
        return await self._set_pin(call, pinned=False)

    async def _set_pin(self, call: Call, *, pinned: bool) -> Json:
        if not await self._history.pin(call.user.user_id, call.params["sessionId"], pinned=pinned):
            raise SESSION_NOT_FOUND()
        return {"ok": True, "isPinned": pinned}

    async def _stored(self, call: Call, user_id: str) -> bytes:
        query = call.query
        if query.get("includePersisted", "").strip().lower() in _EXCLUDE:
            return _NONE_STORED
        return await self._history.page(user_id, read_limit(query.get("limit")), query.get("cursor"))


def read_limit(text: str | None) -> int:
    """Answer the number that a text begins with: 20 when it is none or below 1, at most 100."""
    match = _INTEGER.match(text or "")
    # More digits than these are above the maximum anyway, and Python refuses to read thousands of them.
    number = int(match.group(1)[:12]) if match is not None else 0
    return min(number, MAX_LIMIT) if number >= 1 else DEFAULT_LIMIT


def _started(session: AgentSession) -> str:
    return session.started_at


def _listed(session: AgentSession) -> dict[str, object]:
    return {**session.info(), "status": "running" if session.is_active else "idle"}


async def _not_allowed(call: Call) -> web.StreamResponse:
    return web.Response(status=405, text="Method Not Allowed", headers={"Allow": "PUT, DELETE"})
