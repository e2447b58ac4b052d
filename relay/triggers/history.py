"""Remember the triggers of each session and tell its viewers of changes (rest-runners.md 2.6, 8.5)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from relay.clock import Clock, iso
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.storage import Storage, StorageError
from relay.triggers.store import MAX_ENTRIES, TriggerStore
from relay.triggers.wire import Json, linked_entry, response_entry

log = logging.getLogger(__name__)

#: A history lives this long after its last push, in milliseconds (8.5).
LIFE_MS: Final = 24 * 3_600_000


class TriggerHistory:
    """Own the trigger histories. What happened is delivered already, so a failing database is logged and not raised."""

    def __init__(self, storage: Storage, registry: SessionRegistry, clock: Clock) -> None:
        self._store = TriggerStore(storage)
        self._registry = registry
        self._clock = clock

    async def push(self, entries: Sequence[tuple[str, Json]]) -> None:
        """Add (session id, entry) pairs in one write, and tell the viewers of each session."""
        try:
            await self._store.push(entries, self._clock.now_iso())
        except StorageError:
            log.exception("trigger history not written", extra={"count": len(entries)})
        for session_id, entry in entries:
            self.tell(session_id, {"triggerId": entry["triggerId"]})

    async def linked(self, child: AgentSession) -> None:
        """Note a new child in its parent's history; a hook of `Registration.when_linked`."""
        if child.links.parent_id is not None:
            await self.push([(child.links.parent_id, linked_entry(child, self._clock.now_iso()))])

    async def respond(self, session_id: str, trigger_id: str, response: object, action: str | None) -> None:
        """Put a response into the session's entry of a trigger, if there is one, and tell its viewers."""
        entry = response_entry(response, action, self._clock.now_iso())
        try:
            await self._store.respond(session_id, trigger_id, entry)
        except StorageError:
            log.exception("trigger response not written", extra={"session_id": session_id})
        self.tell(session_id, {"triggerId": trigger_id})

    async def page(self, session_id: str, limit: int = MAX_ENTRIES) -> bytes:
        """Answer the newest entries as one JSON array, newest first; none 24 h after the last push.

        Raises StorageError.
        """
        return (await self._store.page(session_id, iso(self._clock.now_ms() - LIFE_MS), limit)).encode()

    async def clear(self, session_id: str) -> None:
        """Delete a history and tell the viewers. Raises StorageError."""
        await self._store.clear(session_id)
        self.tell(session_id, {"cleared": True})

    def tell(self, session_id: str, change: Json) -> None:
        """Send `trigger_delivered` to the viewers of a session."""
        session = self._registry.get(session_id)
        if session is not None:
            session.audience.emit("trigger_delivered", change)
