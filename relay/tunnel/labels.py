"""Hand out host names of tunnels and know what they stand for (tunnel.md 5.4)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from typing import Final

from relay.clock import Clock
from relay.events import Bus, UserRemoved
from relay.storage import StorageError
from relay.tunnel.store import Label, LabelStore
from relay.tunnel.tokens import Claims

log = logging.getLogger(__name__)

#: Seconds: a label lives so long after its last authorised use, and so long at most.
IDLE: Final = 3600
LONGEST: Final = 12 * 3600
#: Labels per user; a page that mints for ever loses its oldest.
PER_USER: Final = 256
#: Bytes of randomness; hex makes 32 characters of it.
_BYTES: Final = 16
#: Seconds that the stored time of use may be behind.
_BEHIND: Final = 300


class Labels:
    """Own the labels: all in memory, all in the database, so that a restart cuts nobody off."""

    def __init__(self, store: LabelStore, clock: Clock, bus: Bus) -> None:
        self._store = store
        self._clock = clock
        self._labels: dict[str, Label] = {}
        self._stored: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        bus.subscribe(UserRemoved, self._user_removed)

    async def load(self) -> None:
        """Read what is stored; raises StorageError."""
        for label in await self._store.all():
            self._labels[label.label] = label
            self._stored[label.label] = label.used_at
        await self._store.delete([label.label for label in self._expired()])

    async def close(self) -> None:
        """Finish what is being written."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def mint(self, claims: Claims) -> str:
        """Answer a new label; raises StorageError. The user's oldest beyond the bound go."""
        now = int(self._clock.now())
        label = Label(secrets.token_hex(_BYTES), claims.user_id, claims.scope, claims.port, now + LONGEST, now)
        gone = [one.label for one in self._expired()]
        own = [one for one in self._labels.values() if one.user_id == claims.user_id]
        own.sort(key=lambda one: one.used_at)
        gone += [one.label for one in own[: max(0, len(own) + 1 - PER_USER)]]
        for name in gone:
            self._labels.pop(name, None)
            self._stored.pop(name, None)
        self._labels[label.label] = label
        self._stored[label.label] = now
        try:
            await self._store.replace(label, gone)
        except BaseException:
            self._labels.pop(label.label, None)
            raise
        return label.label

    def get(self, name: str) -> Label | None:
        """Answer what a label stands for, None for an unknown or expired one."""
        label = self._labels.get(name)
        return None if label is None or self._is_over(label) else label

    def touch(self, label: Label) -> None:
        """Let a label live on: an authorised request used it."""
        label.used_at = int(self._clock.now())
        if label.used_at - self._stored.get(label.label, 0) >= _BEHIND:
            self._stored[label.label] = label.used_at
            self._later(self._store.used(label.label, label.used_at))

    def _expired(self) -> list[Label]:
        over = [label for label in self._labels.values() if self._is_over(label)]
        for label in over:
            del self._labels[label.label]
            self._stored.pop(label.label, None)
        return over

    def _is_over(self, label: Label) -> bool:
        now = self._clock.now()
        return now > label.ends_at or now > label.used_at + IDLE

    def _user_removed(self, event: UserRemoved) -> None:
        # The rows go with the user's.
        for name in [label.label for label in self._labels.values() if label.user_id == event.user_id]:
            del self._labels[name]

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, StorageError):
                log.error("tunnel label task failed", exc_info=error)
            else:
                log.warning("could not note the use of a tunnel label", extra={"reason": str(error)})
