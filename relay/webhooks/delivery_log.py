"""Keep the log of deliveries, written behind in batches (rest-runners.md 9; issue: deliveries, replay)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from relay.clock import Clock, iso
from relay.storage import StorageError
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.nonces import Nonces
from relay.webhooks.records import Delivery
from relay.webhooks.store import WebhookStore

log = logging.getLogger(__name__)


class DeliveryLog:
    """Own the entries that are not written yet, and the numbers of each webhook's deliveries.

    Whoever reads gets what was added before: entries are written first.
    """

    def __init__(self, store: WebhookStore, nonces: Nonces, clock: Clock, limits: WebhookLimits) -> None:
        self._store = store
        self._nonces = nonces
        self._clock = clock
        self._limits = limits
        self._last: dict[str, int] = {}
        self._waiting: dict[tuple[str, int], Delivery] = {}
        self._bytes = 0
        #: Bytes of bodies that each webhook got since its oldest ones were last looked at.
        self._grown: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def load(self, webhook_id: str, last: int) -> None:
        """Go on after a webhook's last number."""
        self._last[webhook_id] = last

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="webhook deliveries")

    async def close(self) -> None:
        """Write what is left; call it before the storage closes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._try_flush()

    def forget(self, webhook_id: str) -> None:
        """Forget the numbers of a webhook that is gone."""
        self._last.pop(webhook_id, None)
        del self._grown[webhook_id]

    def number(self, webhook_id: str) -> int:
        """Answer the number of a webhook's next delivery."""
        n = self._last.get(webhook_id, 0) + 1
        self._last[webhook_id] = n
        return n

    def add(self, entry: Delivery) -> None:
        """Add an entry, or say how an earlier one with its number went on."""
        key = entry.webhook_id, entry.n
        earlier = self._waiting.get(key)
        grown = _size(entry) - (0 if earlier is None else _size(earlier))
        self._bytes += grown
        if entry.webhook_id in self._last:
            self._grown[entry.webhook_id] += grown
        self._waiting[key] = entry
        if len(self._waiting) > 4 * self._limits.waiting_rows or self._bytes > 4 * self._limits.waiting_bytes:
            # The database has failed for some time; the log is worth less than the memory.
            log.error("webhook deliveries not logged", extra={"count": len(self._waiting)})
            self._waiting, self._bytes = {}, 0
        self._news.set()

    async def settle(self) -> None:
        """Wait for the writer when too much is waiting to be written: that slows the senders down."""
        if len(self._waiting) > self._limits.waiting_rows or self._bytes > self._limits.waiting_bytes:
            await self._try_flush()

    async def flush(self) -> None:
        """Write everything that was added until now. Raises StorageError, and keeps it then."""
        async with self._writing:
            taken, self._waiting, self._bytes = self._waiting, {}, 0
            nonces = self._nonces.take_unsaved()
            if not taken and not nonces:
                return
            limits = self._limits
            trimmed = [one for one, grown in self._grown.items() if grown > limits.body_bytes // 8]
            for webhook_id in trimmed:
                del self._grown[webhook_id]
            try:
                await self._store.log(
                    taken.values(), nonces, trimmed, most_rows=limits.rows, most_bytes=limits.body_bytes
                )
            except StorageError:
                self._nonces.put_back(nonces)
                self._waiting = {**taken, **self._waiting}
                self._bytes = sum(_size(entry) for entry in self._waiting.values())
                raise

    async def page(self, webhook_id: str, before: int | None, limit: int) -> Sequence[Delivery]:
        """Answer entries with a number below `before`, newest first, without their bodies. Raises StorageError."""
        await self.flush()
        return await self._store.page(webhook_id, before, limit)

    async def find(self, webhook_id: str, n: int) -> Delivery | None:
        """Answer one entry with its body. Raises StorageError."""
        await self.flush()
        return await self._store.delivery(webhook_id, n)

    async def sweep(self) -> None:
        """Delete what is old; the sweep of sockets-agents.md 2.10 calls this. Raises StorageError."""
        now, limits = self._clock.now_ms(), self._limits
        self._nonces.sweep()
        await self._store.sweep(
            bodies_before=iso(now - limits.keep_bodies * 1000),
            rows_before=iso(now - limits.keep_rows * 1000),
            now=iso(now),
            now_ms=now,
        )

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._limits.behind)
            self._news.clear()
            await self._try_flush()

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except StorageError:
            log.exception("webhook deliveries not written; the next write tries again")


def _size(entry: Delivery) -> int:
    return len(entry.body or b"")
