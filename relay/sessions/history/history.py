"""Answer lists of stored sessions as ready JSON, the first page of each user from memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from relay import jsontext
from relay.sessions.history.cursor import Cursor, read_cursor
from relay.sessions.history.store import HistoryStore
from relay.storage import Storage

#: Users whose first pages are kept, the most recently asked for; some tens of KB each at most.
MAX_USERS: Final = 256
#: First pages kept per user; clients use two or three different limits.
_MAX_PAGES: Final = 4


class History:
    """Read stored sessions; pages are JSON text: `"persistedSessions":[...],"nextCursor":...` without braces."""

    def __init__(self, storage: Storage) -> None:
        self._store = HistoryStore(storage)
        self._first: OrderedDict[str, dict[int, bytes]] = OrderedDict()
        self._changes = 0

    def touch(self, user_id: str) -> None:
        """Forget a user's first pages; call it when rows of the user changed in the database."""
        self._changes += 1
        self._first.pop(user_id, None)

    def cached(self, user_id: str, limit: int) -> bytes | None:
        """Answer the first page when it is in memory."""
        pages = self._first.get(user_id)
        return pages.get(limit) if pages is not None else None

    async def page(self, user_id: str, limit: int, cursor: str | None) -> bytes:
        """Answer a page of at most `limit` rows; a cursor that cannot be read begins anew. Raises StorageError."""
        after = read_cursor(cursor)
        if after is None:
            known = self.cached(user_id, limit)
            if known is not None:
                return known
        changes = self._changes
        rows = await self._store.page(user_id, after, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        following = Cursor(rows[-1].is_pinned, rows[-1].last_active_at, rows[-1].id).text() if more else None
        text = b'"persistedSessions":%b,"nextCursor":%b' % (
            jsontext.dumps([row.json() for row in rows]),
            jsontext.dumps(following),
        )
        if after is None and changes == self._changes:
            self._remember(user_id, limit, text)
        return text

    async def pinned(self, user_id: str) -> list[object]:
        """Answer all pinned sessions of a user. Raises StorageError."""
        return [row.json() for row in await self._store.pinned(user_id)]

    async def pin(self, user_id: str, session_id: str, *, pinned: bool) -> bool:
        """Pin or unpin a session; answer False when the user has none with this id. Raises StorageError."""
        try:
            return await self._store.pin(user_id, session_id, pinned=pinned)
        finally:
            self.touch(user_id)

    def _remember(self, user_id: str, limit: int, text: bytes) -> None:
        pages = self._first.setdefault(user_id, {})
        self._first.move_to_end(user_id)
        pages[limit] = text
        if len(pages) > _MAX_PAGES:
            del pages[next(iter(pages))]
        if len(self._first) > MAX_USERS:
            self._first.popitem(last=False)
