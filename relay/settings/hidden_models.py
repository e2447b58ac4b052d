"""Keep each user's hidden models, in memory once read (rest-account.md 7, rest-runners.md 3.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from relay.accounts.cache import Cache
from relay.accounts.steps import Steps
from relay.clock import Clock
from relay.events import Bus, HiddenModelsChanged, UserRemoved
from relay.settings.store import SettingsStore
from relay.storage import Storage

#: Users whose lists are kept in memory.
_REMEMBERED: Final = 1000


def model_key(provider: str, model_id: str) -> str | None:
    """Answer the key of a model, None when either part is empty."""
    provider, model_id = provider.strip(), model_id.strip()
    return f"{provider}/{model_id}" if provider and model_id else None


def is_hidden(entries: Iterable[str], provider: str, model_id: str) -> bool:
    """Tell whether a model is among the hidden ones; case-sensitive, every part of an entry trimmed (3.3)."""
    key = model_key(provider, model_id)
    if key is None:
        return False
    return any("/".join(part.strip() for part in entry.split("/")) == key for entry in entries)


class HiddenModels:
    """Own the hidden models; what was read is kept until it is replaced or the user goes."""

    def __init__(self, storage: Storage, clock: Clock, bus: Bus) -> None:
        self._store = SettingsStore(storage)
        self._clock = clock
        self._bus = bus
        self._steps = Steps()
        self._lists: Cache[tuple[str, ...]] = Cache(_REMEMBERED)
        self._replacing = asyncio.Lock()
        bus.subscribe(UserRemoved, lambda event: self._lists.drop_key(event.user_id))

    async def of(self, user_id: str) -> list[str]:
        """Answer a user's hidden models as sorted `provider/id` keys; raises StorageError."""
        known = self._lists.get(user_id)
        if known is None:
            ticket = self._lists.ticket
            known = tuple(await self._store.hidden_models(user_id))
            self._lists.put(user_id, known, ticket)
        return list(known)

    async def replace(self, user_id: str, keys: Iterable[str]) -> None:
        """Replace a user's list, trimmed, without doubles and empty entries, and tell the workers; raises StorageError.

        One replacement at a time, so that the news leave in the order of the writes.
        """
        kept = tuple(sorted({key.strip() for key in keys} - {""}))
        await self._steps.run(self._replace(user_id, kept))

    async def _replace(self, user_id: str, kept: tuple[str, ...]) -> None:
        async with self._replacing:
            await self._store.replace_hidden_models(user_id, kept, self._clock.now_iso())
            self._lists.drop_key(user_id)
            self._bus.publish(HiddenModelsChanged(user_id, kept))

    async def close(self) -> None:
        """Wait for the replacements under way; call it before the storage closes."""
        await self._steps.close()
