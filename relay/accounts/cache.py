"""Keep verified credentials in bounded memory without ever serving one that was revoked.

There is no time to live: whoever revokes drops the entry in the same step, and a reader that fetched the row before the
drop can no longer put it in (../design.md, State and durability).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

V = TypeVar("V")
R = TypeVar("R")

#: Something is revoked during every one of so many reads only when somebody revokes without end.
_READS: Final = 8


class Cache(Generic[V]):
    """Map texts to values; the least recently used entry leaves when the bound is reached."""

    def __init__(self, bound: int) -> None:
        self._entries: OrderedDict[str, V] = OrderedDict()
        self._bound = bound
        self._drops = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> V | None:
        """Answer the entry and mark it as used."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    @property
    def ticket(self) -> int:
        """Answer what `put` wants to see; take it before the row is read."""
        return self._drops

    async def read(self, fetch: Callable[[], Awaitable[R]]) -> tuple[R, int]:
        """Answer what `fetch` reads, with its ticket; reads again when anything was dropped meanwhile.

        Without that a socket could be admitted on a row that was revoked while it was read, after the news of the
        revocation, and nobody would cut it.
        """
        for _ in range(_READS - 1):
            ticket = self._drops
            row = await fetch()
            if ticket == self._drops:
                return row, ticket
        ticket = self._drops
        return await fetch(), ticket

    def put(self, key: str, value: V, ticket: int) -> None:
        """Keep an entry unless anything was dropped since the ticket was taken: the row may be older than the drop."""
        if ticket != self._drops:
            return
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._bound:
            self._entries.popitem(last=False)

    def drop_key(self, key: str) -> None:
        """Remove one entry, and refuse rows that were read earlier."""
        self._drops += 1
        self._entries.pop(key, None)

    def drop(self, condition: Callable[[V], bool]) -> None:
        """Remove the entries that meet the condition, and refuse rows that were read earlier."""
        self._drops += 1
        for key in [key for key, value in self._entries.items() if condition(value)]:
            del self._entries[key]
