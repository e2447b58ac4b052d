"""Report the end of a killed child to its parent, since a killed worker reports nothing (rest-runners.md 14.1).

A worker that crashed is no different to its parent, though no runner reports it: it is told in the same words.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Final

from relay.clock import Clock
from relay.sessions.limits import SessionLimits
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.store import SessionStore
from relay.storage import StorageError
from relay.triggers.deliveries import Deliveries
from relay.triggers.delivery import hand_over
from relay.triggers.event import Event, Source
from relay.triggers.history import TriggerHistory
from relay.triggers.store import Delivery
from relay.triggers.wire import fresh_id, history_entry

log = logging.getLogger(__name__)

_COMPLETE: Final = "lifecycle:session_complete"
#: What a shell answers for a process that was interrupted; the worker's renderer says "was killed".
_EXIT_CODE: Final = 130


class KilledChildren:
    """Own the reports on killed children."""

    def __init__(
        self,
        registry: SessionRegistry,
        store: SessionStore,
        links: Links,
        deliveries: Deliveries,
        history: TriggerHistory,
        clock: Clock,
        limits: SessionLimits,
    ) -> None:
        self._registry = registry
        self._store = store
        self._links = links
        self._deliveries = deliveries
        self._history = history
        self._clock = clock
        self._limits = limits
        self._reports: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Tell whether a report is under way."""
        return bool(self._reports)

    def killed(self, user_id: str, session_id: str) -> None:
        """Hear from a runner that it killed a session, though not for its parent's cleanup."""
        self._begin(self._report(user_id, session_id))

    def vanished(self, user_id: str, session_id: str) -> None:
        """Hear that a worker is gone which nobody ended; one that has done its work went by itself."""
        self._begin(self._report(user_id, session_id, unless_completed=True))

    def _begin(self, report: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(report, name="report a killed child")
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def close(self) -> None:
        """Finish the reports under way."""
        await asyncio.gather(*self._reports, return_exceptions=True)

    async def _report(self, user_id: str, child_id: str, *, unless_completed: bool = False) -> None:
        try:
            if not (unless_completed and await self._deliveries.completed(child_id)):
                await self._publish(user_id, child_id)
        except StorageError:
            log.exception("killed child not reported", extra={"session_id": child_id})

    async def _publish(self, user_id: str, child_id: str) -> None:
        """Open a completion in the child's name; a parent that is away gets it when it registers."""
        parent_id, name = await self._parent_of(user_id, child_id)
        if parent_id is None or not self._links.is_child(parent_id, child_id):
            return
        if await self._deliveries.completion_open(child_id):
            return
        trigger_id, ts = fresh_id("dlv"), self._clock.now_iso()
        payload: dict[str, object] = {
            "summary": "The session was killed",
            "exitCode": _EXIT_CODE,
            "exitReason": "killed",
        }
        event = Event(_COMPLETE, payload, source=Source("session", child_id, name), expects=True, tracked=True)
        trigger = event.trigger(trigger_id, ts, target_id=parent_id, deliver_as="steer", name=name)
        await self._deliveries.open(
            Delivery(user_id, trigger_id, parent_id, child_id, trigger_id, _COMPLETE, trigger, ts)
        )
        parent = self._registry.owned(parent_id, user_id)
        if parent is not None:
            await hand_over(parent, trigger, self._limits.trigger_ack)
        await self._history.push([(parent_id, history_entry(trigger, ts))])
        log.info("killed child reported", extra={"session_id": child_id, "parent_id": parent_id})

    async def _parent_of(self, user_id: str, child_id: str) -> tuple[str | None, str | None]:
        live = self._registry.owned(child_id, user_id)
        if live is not None:
            return live.links.parent_id or live.links.linked_parent_id, live.name
        row = await self._store.row(child_id)
        if row is None or row.user_id != user_id:
            return None, None
        return row.parent_session_id or row.linked_parent_id, row.session_name
