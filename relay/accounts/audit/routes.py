"""Answer `GET /api/audit`: the log of the caller's own account, page by page."""

from __future__ import annotations

from typing import Final

from relay.accounts.audit import schemas
from relay.accounts.audit.records import Entry
from relay.accounts.audit.store import AuditStore
from relay.http.errors import ErrorSpec
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape

INVALID_PAGE: Final = ErrorSpec(400, "{name} is a whole number from 1 to {most}")
_PAGE: Final = 50
_LONGEST_PAGE: Final = 200
_LAST_ID: Final = 2**53 - 1


class AuditRoutes:
    """Answer one row."""

    def __init__(self, store: AuditStore) -> None:
        self._store = store

    def table(self) -> list[Route]:
        """Answer the row."""
        return [
            Route(
                "GET",
                "/api/audit",
                self.page,
                "Show what happened to the caller's account and credentials, the newest first",
                shape=Shape(schemas.AuditPage, query=schemas.AuditQuery),
                errors=(INVALID_PAGE.filled(name="limit", most=_LONGEST_PAGE),),
            )
        ]

    async def page(self, call: Call) -> Json:
        """Answer one page; raises ApiError 400."""
        limit = _number(call, "limit", _LONGEST_PAGE) or _PAGE
        entries = await self._store.page(call.user.user_id, _number(call, "before", _LAST_ID), limit + 1)
        shown = entries[:limit]
        return {
            "entries": [_wire(entry) for entry in shown],
            "nextBefore": shown[-1].id if len(entries) > limit else None,
        }


def _number(call: Call, name: str, most: int) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most:
        return int(text)
    raise INVALID_PAGE(name=name, most=most)


def _wire(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at,
        "event": entry.event,
        "credentialId": entry.credential_id or None,
        "address": entry.address or None,
        "details": dict(entry.details),
    }
