"""Own the listeners of runners: each starts a session when its trigger fires (rest-runners.md 2.7, 5.19, 10.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final

from relay.clock import Clock
from relay.events import Bus, UserRemoved
from relay.storage import Storage, Transaction
from relay.triggers.filters import param_filters, passes
from relay.triggers.index import Index
from relay.triggers.reconcile import Deltas
from relay.triggers.records import Listener, Removed
from relay.triggers.subscription_store import ListenerStore

#: Listeners per user; people have a handful.
MAX_PER_USER: Final = 10_000


class Listeners:
    """Keep every listener in memory, as read at the start, and in the database before anybody is told.

    All lookups are within one user, because a runner id may pass to another account. Changes wait for each other.
    """

    def __init__(self, storage: Storage, deltas: Deltas, bus: Bus, clock: Clock) -> None:
        self._store = ListenerStore(storage)
        self._deltas = deltas
        self._clock = clock
        self._index: Index[Listener] = Index(_id_of, _keys_of)
        self._changing = asyncio.Lock()
        bus.subscribe(UserRemoved, self._forget_user)

    async def load(self) -> None:
        """Read what is stored, before the first socket can come. Raises StorageError."""
        for one in await self._store.all():
            self._index.put(one)

    # Reads

    def get(self, listener_id: str, user_id: str) -> Listener | None:
        """Answer a user's listener."""
        found = self._index.get(listener_id)
        return found if found is not None and found.user_id == user_id else None

    def of_runner(self, runner_id: str, user_id: str) -> list[Listener]:
        """Answer a user's listeners on a runner, the most recently changed last."""
        return [one for one in self._index.under(("runner", runner_id)) if one.user_id == user_id]

    def of_target(self, runner_id: str, user_id: str, target: str) -> list[Listener]:
        """Answer the listener with this id, or else all of this type, on one runner; ids contain colons too (5.19)."""
        here = self.of_runner(runner_id, user_id)
        by_id = [one for one in here if one.listener_id == target]
        return by_id or [one for one in here if one.trigger_type == target]

    def is_full(self, user_id: str) -> bool:
        """Tell whether a user has as many listeners as are kept."""
        return self._index.count(("user", user_id)) >= MAX_PER_USER

    def matching(
        self, user_id: str, event_type: str, payload: Mapping[str, object], *, runner_id: str | None = None
    ) -> list[Listener]:
        """Answer a user's listeners whose params an event passes (3.7)."""
        return [
            one
            for one in self._index.under(("type", user_id, event_type))
            if runner_id in (None, one.runner_id) and passes(param_filters(one.params or {}), "and", payload)
        ]

    # Changes

    async def create(self, new: Listener) -> None:
        """Store a listener, then tell its runner. Raises StorageError."""
        async with self._changing:
            await self._store.insert(new)
            self._index.put(new)
            self._deltas.subscribed(new)

    async def change(self, listener_id: str, user_id: str, edit: Callable[[Listener], Listener]) -> Listener | None:
        """Replace a listener by what `edit` makes of the present one; None when there is none.

        Raises StorageError and what `edit` raises.
        """
        async with self._changing:
            before = self.get(listener_id, user_id)
            if before is None:
                return None
            after = edit(before)
            if not await self._store.update(after, self._clock.now_iso()) or listener_id not in self._index:
                return None
            self._index.put(after, last=True)
            self._deltas.updated(before, after)
            return after

    async def remove(self, records: Sequence[Listener]) -> list[Listener]:
        """Delete listeners; answer those that were still there. Raises StorageError."""
        async with self._changing:
            gone = [one for one in records if one.listener_id in self._index]
            if gone:
                await self._store.delete([one.listener_id for one in gone])
            self.removed(*(Removed(one) for one in gone))
            return gone

    async def delete_in(self, tx: Transaction, listener_id: str) -> Removed | None:
        """Delete a listener in the caller's transaction (one-shots, 14.1); call `removed` once it is committed.

        Answers None when there is none. Raises StorageError.
        """
        found = await self._store.delete_in(tx, listener_id)
        return None if found is None else Removed(found)

    def removed(self, *rows: Removed) -> None:
        """Forget rows that are deleted and tell their runners; a row that was forgotten already is passed over."""
        for row in rows:
            gone = self._index.pop(row.record.listener_id) if isinstance(row.record, Listener) else None
            if gone is not None:
                self._deltas.unsubscribed(gone)

    def _forget_user(self, event: UserRemoved) -> None:
        for one in self._index.under(("user", event.user_id)):
            self._index.pop(one.listener_id)


def _id_of(one: Listener) -> str:
    return one.listener_id


def _keys_of(one: Listener) -> Iterable[Hashable]:
    return (("runner", one.runner_id), ("user", one.user_id), ("type", one.user_id, one.trigger_type))
