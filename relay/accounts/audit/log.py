"""Write down security events behind the request that caused them, in order, within bounds."""

from __future__ import annotations

import asyncio
import logging

from relay.accounts.attempts import address_key
from relay.accounts.audit.records import AuditEvent, AuditLimits, Entry
from relay.accounts.audit.store import AuditStore
from relay.clock import Clock, iso
from relay.http.client_ip import client_ip
from relay.storage import Storage, StorageError

log = logging.getLogger(__name__)


class AuditLog:
    """Own the log. `note` never waits and never fails; the address is that of the request being served."""

    def __init__(self, storage: Storage, clock: Clock, limits: AuditLimits) -> None:
        self.store = AuditStore(storage)
        self.dropped = 0
        self._clock = clock
        self._limits = limits
        self._waiting: list[Entry] = []
        self._writing: asyncio.Task[None] | None = None
        self._write_lock = asyncio.Lock()
        self._known: dict[str, set[str]] = {}
        self._swept = float("-inf")

    @property
    def waiting(self) -> int:
        """Answer how many entries are not stored yet."""
        return len(self._waiting)

    async def load(self) -> None:
        """Read from where keys were used before; raises StorageError."""
        for key_id, address in await self.store.addresses():
            self._remember(key_id, address)

    def note(self, event: AuditEvent, user_id: str = "", credential_id: str = "", **details: object) -> None:
        """Append an entry; it is stored within a fraction of a second."""
        address = client_ip.get()
        # A detail is free to be called "name", which a log record keeps for itself.
        fields = {f"audit_{name}": value for name, value in details.items()}
        log.info("audit", extra={"audit": event.value, "user_id": user_id, "address": address, **fields})
        if len(self._waiting) >= self._limits.waiting:
            self.dropped += 1
            return
        self._waiting.append(Entry(self._clock.now_iso(), event, user_id, credential_id, address, details))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon(), name="audit log")

    def key_used(self, key_id: str, user_id: str) -> None:
        """Note the use of a key when it comes from an address that the log does not know for it."""
        address = client_ip.get()
        if not address:
            return
        known = self._known.get(key_id)
        if known is not None and address in known:
            return
        self._used_from(key_id, user_id, address)

    def _used_from(self, key_id: str, user_id: str, address: str) -> None:
        # An IPv6 host changes its address by the hour; its network does not.
        network = address_key(address)
        if network in self._known.get(key_id, ()):
            self._remember(key_id, address)
            return
        self._remember(key_id, address)
        self._remember(key_id, network)
        self.note(AuditEvent.KEY_NEW_ADDRESS, user_id, key_id)

    def _remember(self, key_id: str, address: str) -> None:
        known = self._known.setdefault(key_id, set())
        if len(known) >= self._limits.addresses:
            known.clear()
        known.add(address)
        known.add(address_key(address))

    def forget_key(self, key_id: str) -> None:
        """Drop what memory holds of a key that is gone."""
        self._known.pop(key_id, None)

    async def sweep(self) -> None:
        """Delete what is too old or too much, at most once an hour; raises StorageError."""
        now = self._clock.monotonic()
        if now - self._swept < self._limits.sweep_every:
            return
        self._swept = now
        before = iso(self._clock.now_ms() - self._limits.retention * 1000)
        gone = await self.store.trim(before, self._limits.entries)
        if gone:
            log.info("old audit entries deleted", extra={"count": gone})

    async def flush(self) -> None:
        """Store what waits; what cannot be stored stays."""
        async with self._write_lock:
            entries, self._waiting = self._waiting, []
            if not entries:
                return
            try:
                await self.store.append(entries)
            except StorageError:
                self._waiting = entries + self._waiting
                raise

    async def close(self) -> None:
        """Store what waits and stop."""
        if self._writing is not None and not self._writing.done():
            self._writing.cancel()
            await asyncio.wait({self._writing})
        try:
            await self.flush()
        except StorageError:
            log.exception("the last audit entries were not stored", extra={"count": len(self._waiting)})

    async def _write_soon(self) -> None:
        pause = self._limits.behind
        # What is being written comes back when that fails.
        while self._waiting or self._write_lock.locked():
            await asyncio.sleep(pause)
            try:
                await self.flush()
            except StorageError:
                # The next entry, or the next second, tries again.
                log.warning("audit entries could not be stored yet", exc_info=True)
                pause = 1.0
