"""Hold the links between sessions in memory, with their expiry (sockets-agents.md 2.11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from relay.clock import parse_iso
from relay.sessions.links.store import StoredLink


@dataclass(slots=True)
class Family:
    """Hold the children of one parent; the whole set ends at `expires`, in epoch milliseconds."""

    expires: int
    children: dict[str, None] = field(default_factory=dict)


class LinkBook:
    """Answer who belongs to whom at a given moment; what has expired counts as absent and goes with `prune`.

    Times are epoch milliseconds. A child may be in the sets of several parents, which only the next registration mends.
    """

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._parents: dict[str, dict[str, None]] = {}
        self._markers: dict[str, tuple[str, int]] = {}
        self._pending: dict[str, dict[str, int]] = {}

    def add(self, parent_id: str, child_id: str, now: int, expires: int) -> None:
        """Put a child into a parent's set, whose lifetime starts anew."""
        family = self._alive(parent_id, now)
        if family is None:
            self._disband(parent_id)
            family = self._families[parent_id] = Family(expires)
        family.expires = max(family.expires, expires)
        family.children[child_id] = None
        self._parents.setdefault(child_id, {})[parent_id] = None

    def remove(self, parent_id: str, child_id: str) -> bool:
        """Take a child out of a set; answer whether it was in it."""
        family = self._families.get(parent_id)
        if family is None or child_id not in family.children:
            return False
        del family.children[child_id]
        if not family.children:
            del self._families[parent_id]
        self._unparent(parent_id, child_id)
        return True

    def contains(self, parent_id: str, child_id: str, now: int) -> bool:
        """Tell whether a child is in a parent's set."""
        family = self._alive(parent_id, now)
        return family is not None and child_id in family.children

    def children(self, parent_id: str, now: int) -> list[str]:
        """Answer a parent's set, in the order of joining."""
        family = self._alive(parent_id, now)
        return list(family.children) if family is not None else []

    def parents(self, child_id: str, now: int) -> list[str]:
        """Answer the parents whose sets hold a child."""
        return [parent for parent in self._parents.get(child_id, ()) if self.contains(parent, child_id, now)]

    def renew(self, parent_id: str, now: int, expires: int) -> bool:
        """Start the lifetime of a set anew; answer False when there is none."""
        family = self._alive(parent_id, now)
        if family is None:
            return False
        family.expires = expires
        return True

    def mark(self, child_id: str, parent_id: str, expires: int) -> None:
        """Note that a parent severed a child."""
        self._markers[child_id] = (parent_id, expires)

    def marker(self, child_id: str, now: int) -> str | None:
        """Answer the parent that severed a child, None when none did."""
        marker = self._markers.get(child_id)
        return marker[0] if marker is not None and marker[1] > now else None

    def unmark(self, child_id: str) -> None:
        """Forget a marker."""
        self._markers.pop(child_id, None)

    def suspend(self, parent_id: str, child_id: str, expires: int) -> None:
        """Note that a severed child was not told yet."""
        self._pending.setdefault(parent_id, {})[child_id] = expires

    def settle(self, parent_id: str, child_id: str) -> None:
        """Forget that a severed child was still to be told."""
        waiting = self._pending.get(parent_id)
        if waiting is not None:
            waiting.pop(child_id, None)
            if not waiting:
                del self._pending[parent_id]

    def pending(self, parent_id: str, now: int) -> list[str]:
        """Answer the severed children of a parent that were not told yet."""
        return [child for child, expires in self._pending.get(parent_id, {}).items() if expires > now]

    def links(self, parent_ids: set[str], now: int) -> Iterator[tuple[str, str, int]]:
        """Answer (parent, child, expiry) of everything in the named sets."""
        for parent in parent_ids:
            family = self._alive(parent, now)
            if family is not None:
                for child in family.children:
                    yield parent, child, family.expires

    def prune(self, now: int) -> None:
        """Forget what has expired."""
        for parent in [key for key, family in self._families.items() if family.expires <= now]:
            self._disband(parent)
        for child in [key for key, (_, expires) in self._markers.items() if expires <= now]:
            del self._markers[child]
        for parent, waiting in list(self._pending.items()):
            for child in [key for key, expires in waiting.items() if expires <= now]:
                self.settle(parent, child)

    def _alive(self, parent_id: str, now: int) -> Family | None:
        family = self._families.get(parent_id)
        return family if family is not None and family.expires > now else None

    def _disband(self, parent_id: str) -> None:
        family = self._families.pop(parent_id, None)
        for child in family.children if family is not None else ():
            self._unparent(parent_id, child)

    def _unparent(self, parent_id: str, child_id: str) -> None:
        parents = self._parents.get(child_id)
        if parents is not None:
            parents.pop(parent_id, None)
            if not parents:
                del self._parents[child_id]


def restored(children: list[StoredLink], markers: list[StoredLink], pending: list[StoredLink], now: int) -> LinkBook:
    """Make the book that stored rows describe; a row with an unreadable time counts as expired."""
    book = LinkBook()
    for link in children:
        book.add(link.parent_id, link.child_id, now, _ms(link.expires_at))
    for link in markers:
        book.mark(link.child_id, link.parent_id, _ms(link.expires_at))
    for link in pending:
        book.suspend(link.parent_id, link.child_id, _ms(link.expires_at))
    return book


def _ms(text: str) -> int:
    return parse_iso(text) or 0
