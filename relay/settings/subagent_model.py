"""Keep each user's model for subagents, in memory once read (rest-account.md 7)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from relay.accounts.cache import Cache
from relay.accounts.steps import Steps
from relay.clock import Clock
from relay.events import Bus, SubagentModelChanged, UserRemoved
from relay.settings.store import SettingsStore
from relay.storage import Storage

#: The name of the preference, as upstream has it.
_PREFERENCE: Final = "subagent-model"
#: Only the first slash separates the provider; model ids may have more.
_MODEL: Final = re.compile(r"[^\s/]+/\S+")
_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class _Known:
    model: str | None


class InvalidModel(ValueError):
    """Say that a text is no `provider/id`."""


class SubagentModel:
    """Own the setting; what was read is kept until it changes or the user goes."""

    def __init__(self, storage: Storage, clock: Clock, bus: Bus) -> None:
        self._store = SettingsStore(storage)
        self._clock = clock
        self._bus = bus
        self._steps = Steps()
        self._models: Cache[_Known] = Cache(_REMEMBERED)
        self._changing = asyncio.Lock()
        bus.subscribe(UserRemoved, lambda event: self._models.drop_key(event.user_id))

    async def of(self, user_id: str) -> str | None:
        """Answer a user's model as `provider/id`, None for the automatic choice; raises StorageError."""
        known = self._models.get(user_id)
        if known is None:
            ticket = self._models.ticket
            known = _Known(await self._store.preference(user_id, _PREFERENCE))
            self._models.put(user_id, known, ticket)
        return known.model

    async def choose(self, user_id: str, wanted: object) -> str | None:
        """Store a choice, tell the workers and answer it; what is no text, or an empty one, clears it.

        Raises InvalidModel and StorageError. One change at a time, so that the news leave in the order of the writes.
        """
        model = wanted.strip() if isinstance(wanted, str) else ""
        if model and not _MODEL.fullmatch(model):
            raise InvalidModel(model)
        await self._steps.run(self._choose(user_id, model or None))
        return model or None

    async def _choose(self, user_id: str, model: str | None) -> None:
        async with self._changing:
            await self._store.set_preference(user_id, _PREFERENCE, model, self._clock.now_iso())
            self._models.drop_key(user_id)
            self._bus.publish(SubagentModelChanged(user_id, model))

    async def close(self) -> None:
        """Wait for the changes under way; call it before the storage closes."""
        await self._steps.close()
