"""Say who owns a session for subscription work, though it be not yet or no longer live (rest-runners.md 8.4, 8.6)."""

from __future__ import annotations

from dataclasses import dataclass

from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.store import SessionStore
from relay.triggers.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Owned:
    """Describe a session of the caller: its runner and folder as far as they are known."""

    session_id: str
    user_id: str
    runner_id: str | None
    cwd: str | None


class SessionOwners:
    """Look sessions up for their owner; another user's is as unknown as one that never was."""

    def __init__(
        self, registry: SessionRegistry, store: SessionStore, links: RunnerLinks, subscriptions: Subscriptions
    ) -> None:
        self._registry = registry
        self._store = store
        self._links = links
        self._subscriptions = subscriptions

    def present(self, session_id: str, user_id: str) -> Owned | None:
        """Answer a session that is live, or was spawned here and has not registered yet (8.6, check 1)."""
        session = self._registry.get(session_id)
        if session is not None:
            if session.user_id != user_id:
                return None
            return Owned(session_id, user_id, session.runner_id, session.cwd)
        if self._links.is_recent(session_id, user_id):
            return Owned(session_id, user_id, self._links.recent_runner(session_id, user_id), None)
        return None

    async def resolve(self, session_id: str, user_id: str) -> Owned | None:
        """Answer a session that is live, just spawned, stored, or of which subscriptions are left (8.4).

        Raises StorageError.
        """
        if self._registry.get(session_id) is not None:
            return self.present(session_id, user_id)
        if not usable_id(session_id):
            return None
        row = await self._store.row(session_id)
        if row is not None and row.user_id == user_id:
            return Owned(session_id, user_id, row.runner_id, row.cwd)
        left = self._subscriptions.of_session(session_id, user_id)
        if left:
            return Owned(session_id, user_id, left[0].runner_id, None)
        return self.present(session_id, user_id)
