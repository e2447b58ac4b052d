"""Keep records findable by several keys at once, in memory and in one step."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

R = TypeVar("R")


class Index(Generic[R]):
    """Own records by their id and by every key that `keys_of` answers, each list in the order of `put`."""

    def __init__(self, id_of: Callable[[R], str], keys_of: Callable[[R], Iterable[Hashable]]) -> None:
        self._id_of = id_of
        self._keys_of = keys_of
        self._records: dict[str, R] = {}
        self._by_key: dict[Hashable, dict[str, R]] = {}

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._records

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._records.values()))

    def get(self, record_id: str) -> R | None:
        """Answer a record."""
        return self._records.get(record_id)

    def put(self, record: R, *, last: bool = False) -> None:
        """Add a record or replace that of its id, in its place or, with `last`, as the newest."""
        record_id = self._id_of(record)
        keys = tuple(self._keys_of(record))
        former = self._records.get(record_id)
        if former is not None:
            for key in self._keys_of(former):
                if last or key not in keys:
                    self._drop(key, record_id)
            if last:
                del self._records[record_id]
        self._records[record_id] = record
        for key in keys:
            self._by_key.setdefault(key, {})[record_id] = record

    def pop(self, record_id: str) -> R | None:
        """Take a record out; answer it, or None when there was none."""
        record = self._records.pop(record_id, None)
        if record is not None:
            for key in self._keys_of(record):
                self._drop(key, record_id)
        return record

    def under(self, key: Hashable) -> list[R]:
        """Answer the records of a key."""
        return list(self._by_key.get(key, {}).values())

    def count(self, key: Hashable) -> int:
        """Answer how many records a key has."""
        return len(self._by_key.get(key, {}))

    def _drop(self, key: Hashable, record_id: str) -> None:
        members = self._by_key[key]
        members.pop(record_id, None)
        if not members:
            del self._by_key[key]
