"""Keep the browsers that want to be told, in memory and on disk (rest-account.md 8.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from relay.accounts.steps import Steps
from relay.clock import Clock
from relay.events import Bus, UserRemoved
from relay.push.limits import PushLimits
from relay.push.store import PushStore, Subscription
from relay.storage import Storage

ALL_EVENTS: Final = "*"
#: The API reference's names of the events that are sent (8.3).
ALIASES: Final = {"question": "agent_needs_input", "completion": "agent_finished", "error": "agent_error"}


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """Hold what a browser sends to subscribe."""

    endpoint: str
    p256dh: str
    auth: str
    enabled_events: str = ALL_EVENTS


def wants(enabled_events: str, kind: str) -> bool:
    """Tell whether a user's choice, `*` or a comma list, names an event under its own name or its alias (8.3)."""
    if enabled_events == ALL_EVENTS:
        return True
    names = (name.strip() for name in enabled_events.split(","))
    return any(ALIASES.get(name, name) == kind for name in names)


class Subscriptions:
    """Own the subscriptions; what concerns an event is answered from memory. Changes raise StorageError."""

    def __init__(self, storage: Storage, clock: Clock, bus: Bus, limits: PushLimits) -> None:
        self._store = PushStore(storage)
        self._clock = clock
        self._limits = limits
        self._steps = Steps()
        # One change at a time, so that memory and rows go the same way.
        self._changing = asyncio.Lock()
        self._by_user: dict[str, dict[str, Subscription]] = {}
        bus.subscribe(UserRemoved, self._user_removed)

    async def load(self) -> None:
        """Read what is stored; call once, before the first event."""
        for subscription in await self._store.subscriptions():
            self._keep(subscription)

    def of(self, user_id: str) -> Sequence[Subscription]:
        """Answer a user's subscriptions, oldest first."""
        return list(self._by_user[user_id].values()) if user_id in self._by_user else ()

    async def subscribe(self, user_id: str, new: NewSubscription) -> str:
        """Store a subscription in the place of the user's earlier one for that endpoint; answer its id.

        Events are chosen anew, the choice about children stays: no client depends on its reset (8.2).
        """
        return await self._steps.run(self._subscribe(user_id, new))

    async def unsubscribe(self, user_id: str, endpoint: str) -> None:
        """Forget a user's subscription for an endpoint, if there is one."""
        await self._steps.run(self._remove(user_id, endpoint, None))

    async def drop(self, subscription: Subscription) -> None:
        """Forget a subscription that its push service does not know any more, unless it was replaced meanwhile."""
        await self._steps.run(self._remove(subscription.user_id, subscription.endpoint, subscription.id))

    async def choose_events(self, user_id: str, endpoint: str, enabled_events: str) -> bool:
        """Store which events a subscription wants; answer False when there is no such one."""
        return await self._steps.run(self._choose(user_id, endpoint, enabled_events=enabled_events))

    async def choose_child(self, user_id: str, endpoint: str, suppress: bool) -> bool:
        """Store whether children stay silent; answer False when there is no such subscription."""
        return await self._steps.run(self._choose(user_id, endpoint, suppress_child=suppress))

    async def close(self) -> None:
        """Wait for the changes under way; call it before the storage closes."""
        await self._steps.close()

    async def _subscribe(self, user_id: str, new: NewSubscription) -> str:
        async with self._changing:
            mine = self._by_user.get(user_id, {})
            earlier = mine.get(new.endpoint)
            made = Subscription(
                id=str(uuid4()),
                user_id=user_id,
                endpoint=new.endpoint,
                p256dh=new.p256dh,
                auth=new.auth,
                enabled_events=new.enabled_events,
                suppress_child=earlier.suppress_child if earlier is not None else None,
                created_at=self._clock.now_iso(),
            )
            others = [other for other in mine.values() if other is not earlier]
            crowded = others[: max(0, len(others) + 1 - self._limits.subscriptions)]
            if await self._store.replace(made, [old.id for old in crowded]):
                for old in crowded:
                    self._forget(old)
                if earlier is not None:
                    self._forget(earlier)
                self._keep(made)
            return made.id

    async def _remove(self, user_id: str, endpoint: str, only_id: str | None) -> None:
        async with self._changing:
            known = self._by_user.get(user_id, {}).get(endpoint)
            if known is not None and only_id in (None, known.id):
                await self._store.remove(known.id)
                self._forget(known)

    async def _choose(
        self, user_id: str, endpoint: str, *, enabled_events: str | None = None, suppress_child: bool | None = None
    ) -> bool:
        async with self._changing:
            known = self._by_user.get(user_id, {}).get(endpoint)
            if known is None:
                return False
            changed = replace(
                known,
                enabled_events=known.enabled_events if enabled_events is None else enabled_events,
                suppress_child=known.suppress_child if suppress_child is None else suppress_child,
            )
            await self._store.update(changed)
            if self._by_user.get(user_id, {}).get(endpoint) is known:
                self._by_user[user_id][endpoint] = changed
            return True

    def _user_removed(self, event: UserRemoved) -> None:
        self._by_user.pop(event.user_id, None)

    def _keep(self, subscription: Subscription) -> None:
        self._by_user.setdefault(subscription.user_id, {})[subscription.endpoint] = subscription

    def _forget(self, subscription: Subscription) -> None:
        mine = self._by_user.get(subscription.user_id)
        if mine is not None and mine.pop(subscription.endpoint, None) is not None and not mine:
            del self._by_user[subscription.user_id]
