"""Own the subscriptions of sessions: whom an event reaches, and when they end (rest-runners.md 8, 14.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final

from relay.clock import Clock, iso
from relay.events import Bus, SessionEndedForGood, UserRemoved
from relay.runners.registry import RunnerRegistry
from relay.sessions.ended import DELIBERATE
from relay.sessions.registry import SessionRegistry
from relay.storage import Storage, StorageError, Transaction
from relay.triggers.definitions import find_definition, is_allowed
from relay.triggers.filters import passes
from relay.triggers.index import Index
from relay.triggers.reconcile import Deltas
from relay.triggers.records import Json, Removed, Subscription
from relay.triggers.subscription_store import SubscriptionStore

log = logging.getLogger(__name__)

#: Subscriptions per user; a thousand subscribed sessions are many (../design.md, Numbers to reach).
MAX_PER_USER: Final = 10_000
#: A subscription may be older than the row of its session, which was only just spawned (sockets-agents.md 3.5), in ms.
_ORPHAN_AFTER_MS: Final = 600_000


class Subscriptions:
    """Keep every subscription in memory, as read at the start, and in the database before anybody is told.

    Changes wait for each other, so that runners hear of them in the order in which they were stored.
    """

    def __init__(
        self,
        storage: Storage,
        sessions: SessionRegistry,
        runners: RunnerRegistry,
        deltas: Deltas,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._store = SubscriptionStore(storage)
        self._sessions = sessions
        self._runners = runners
        self._deltas = deltas
        self._clock = clock
        self._index: Index[Subscription] = Index(_id_of, _keys_of)
        self._changing = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        bus.subscribe(SessionEndedForGood, self._ended)
        bus.subscribe(UserRemoved, self._forget_user)

    async def load(self) -> None:
        """Read what is stored, before the first socket can come. Raises StorageError."""
        for one in await self._store.all():
            self._index.put(one)
        await self.sweep()

    @property
    def busy(self) -> bool:
        """Tell whether the subscriptions of an ended session are being deleted."""
        return bool(self._ending)

    async def close(self) -> None:
        """Finish the deletions under way."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    # Reads

    def get(self, subscription_id: str, user_id: str) -> Subscription | None:
        """Answer a user's subscription."""
        found = self._index.get(subscription_id)
        return found if found is not None and found.user_id == user_id else None

    def of_session(self, session_id: str, user_id: str) -> list[Subscription]:
        """Answer a session's subscriptions in the order of creation."""
        return [one for one in self._index.under(("session", session_id)) if one.user_id == user_id]

    def of_user(self, user_id: str) -> list[Subscription]:
        """Answer a user's subscriptions in the order of creation."""
        return self._index.under(("user", user_id))

    def of_runner(self, runner_id: str, user_id: str) -> list[Subscription]:
        """Answer what a user has on a runner, whether or not the sessions are live."""
        return [one for one in self._index.under(("runner", runner_id)) if one.user_id == user_id]

    def is_full(self, user_id: str) -> bool:
        """Tell whether a user has as many subscriptions as are kept."""
        return self._index.count(("user", user_id)) >= MAX_PER_USER

    def matching(
        self, user_id: str, event_type: str, payload: Mapping[str, object], *, runner_id: str | None = None
    ) -> list[Subscription]:
        """Answer the subscriptions of a user's live sessions that an event passes (8.8), in the order of creation.

        Filters and mode scope are applied; a session with several fitting subscriptions is there as often.
        """
        found: list[Subscription] = []
        definitions: dict[str, Json | None] = {}
        for one in self._index.under(("type", user_id, event_type)):
            session = self._sessions.owned(one.session_id, user_id)
            if session is None or runner_id not in (None, one.runner_id):
                continue
            runner = self._runners.get(one.runner_id)
            if one.runner_id not in definitions:
                definitions[one.runner_id] = find_definition(runner, event_type)
            definition = definitions[one.runner_id]
            if runner is not None and definition is not None and not is_allowed(definition, runner, session.cwd):
                continue
            if passes(one.filters, one.filter_mode, payload):
                found.append(one)
        return found

    async def folders(self, user_id: str, runner_id: str) -> dict[str, str]:
        """Answer the stored folders of the user's sessions that subscribe on a runner. Raises StorageError."""
        return await self._store.folders(user_id, runner_id)

    # Changes

    async def create(self, new: Subscription, allowed: Callable[[], bool]) -> bool:
        """Store a subscription, then tell its runner and viewers; answer False when it is not `allowed` any more.

        `allowed` is asked again in turn, since the session may have ended meanwhile. Raises StorageError.
        """
        async with self._changing:
            if not allowed():
                return False
            await self._store.insert(new)
            self._index.put(new)
            self._deltas.subscribed(new)
            self._tell(new, "subscribe")
            return True

    async def change(
        self, subscription_id: str, user_id: str, edit: Callable[[Subscription], Subscription]
    ) -> Subscription | None:
        """Replace a subscription by what `edit` makes of the present one; None when there is none.

        The delta is sent whatever changed, because a runner may have dropped its copy (14.2). Raises StorageError and
        what `edit` raises.
        """
        async with self._changing:
            before = self.get(subscription_id, user_id)
            if before is None:
                return None
            after = edit(before)
            if not await self._store.update(after, self._clock.now_iso()) or subscription_id not in self._index:
                return None
            self._index.put(after)
            self._deltas.updated(before, after)
            if before.session_id != after.session_id:
                self._tell(before, "unsubscribe")
            self._tell(after, "update")
            return after

    async def remove(self, records: Sequence[Subscription]) -> list[Subscription]:
        """Delete subscriptions; answer those that were still there and of the same session. Raises StorageError."""
        async with self._changing:
            current = [self._index.get(one.subscription_id) for one in records]
            gone = [
                now
                for now, then in zip(current, records, strict=True)
                if now is not None and now.session_id == then.session_id
            ]
            if gone:
                await self._store.delete([one.subscription_id for one in gone])
            self.removed(*(Removed(one) for one in gone))
            return gone

    async def delete_in(self, tx: Transaction, subscription_id: str) -> Removed | None:
        """Delete a subscription in the caller's transaction (one-shots, 14.1); call `removed` once it is committed.

        Answers None when there is none. Raises StorageError.
        """
        found = await self._store.delete_in(tx, subscription_id)
        return None if found is None else Removed(found)

    def removed(self, *rows: Removed) -> None:
        """Forget rows that are deleted and tell runners and viewers; one forgotten already is passed over."""
        for row in rows:
            gone = self._index.pop(row.record.subscription_id) if isinstance(row.record, Subscription) else None
            if gone is not None:
                self._deltas.unsubscribed(gone)
                self._tell(gone, "unsubscribe")

    async def sweep(self) -> None:
        """Delete what its session left behind: a row deleted, or ended on purpose while we could not write (14.5).

        The sweep of sockets-agents.md 2.10 calls this. Raises StorageError.
        """
        ids = await self._store.orphans(iso(self._clock.now_ms() - _ORPHAN_AFTER_MS))
        live = [one for one in map(self._index.get, ids) if one is not None and not self._is_live(one)]
        if live:
            await self.remove(live)
            log.info("orphaned subscriptions deleted", extra={"count": len(live)})

    def _is_live(self, one: Subscription) -> bool:
        return self._sessions.owned(one.session_id, one.user_id) is not None

    def _ended(self, event: SessionEndedForGood) -> None:
        """Let what is not a schedule end with a session that was closed or killed (14.5); no other end does that."""
        if event.ended_by != DELIBERATE:
            return
        task = asyncio.create_task(self._end(event.session_id, event.user_id), name="end subscriptions")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, session_id: str, user_id: str) -> None:
        try:
            await self.remove([one for one in self.of_session(session_id, user_id) if not one.is_schedule])
        except StorageError:
            log.exception("subscriptions outlive their session until the next sweep", extra={"session_id": session_id})

    def _forget_user(self, event: UserRemoved) -> None:
        for one in self.of_user(event.user_id):
            self._index.pop(one.subscription_id)

    def _tell(self, one: Subscription, action: str) -> None:
        """Send `trigger_subscriptions_changed` to the session's viewers (8.11)."""
        session = self._sessions.owned(one.session_id, one.user_id)
        if session is not None:
            session.audience.emit("trigger_subscriptions_changed", {"triggerType": one.trigger_type, "action": action})


def _id_of(one: Subscription) -> str:
    return one.subscription_id


def _keys_of(one: Subscription) -> Iterable[Hashable]:
    return (
        ("session", one.session_id),
        ("runner", one.runner_id),
        ("user", one.user_id),
        ("type", one.user_id, one.trigger_type),
    )
