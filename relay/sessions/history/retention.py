"""Forget ended sessions when their time is over: `history.retention` (../design.md, State and durability)."""

from __future__ import annotations

import logging
from typing import Final

from relay.attachments.attachments import Attachments
from relay.clock import Clock
from relay.sessions.history.history import History
from relay.sessions.history.store import HistoryStore
from relay.storage import Storage

log = logging.getLogger(__name__)

#: Rows deleted in one transaction; a state may have 50 MB, and other writers wait meanwhile.
_BATCH: Final = 50


class Retention:
    """Delete sessions whose `keep_until` has passed, unless they are pinned or live."""

    def __init__(self, storage: Storage, attachments: Attachments, history: History, clock: Clock) -> None:
        self._store = HistoryStore(storage)
        self._attachments = attachments
        self._history = history
        self._clock = clock

    async def sweep(self) -> list[str]:
        """Delete what is kept no longer, with states and attachments; answer the ids. Raises StorageError."""
        now = self._clock.now_iso()
        gone: list[str] = []
        while deleted := await self._store.delete_old(now, _BATCH):
            ids = [one.session_id for one in deleted]
            for user_id in {one.user_id for one in deleted}:
                self._history.touch(user_id)
            await self._attachments.forget_sessions(ids)
            gone += ids
        if gone:
            log.info("old sessions deleted", extra={"count": len(gone)})
        return gone
