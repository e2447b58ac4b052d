"""Decide and remember which session is whose child (sockets-agents.md 2.11).

Everything is answered from memory and written through to the database before it matters. Only renewed lifetimes are
written behind, with the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from relay.clock import Clock, iso
from relay.sessions.limits import SessionLimits
from relay.sessions.links.book import LinkBook, restored
from relay.sessions.links.store import LinkStore, Registration, StoredLink
from relay.sessions.registry import SessionRegistry
from relay.storage import Storage

#: A session id is a UUID in practice; it becomes a key of tables.
MAX_ID: Final = 256


class ParentState(Enum):
    """Say what is known of a candidate parent: no record, another user's, or present."""

    ABSENT = "absent"
    FOREIGN = "foreign"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class LinkOutcome:
    """Say how a registration ended for the link; `newly_linked` asks for a history entry (2.3, step 7)."""

    parent_id: str | None = None
    linked_parent_id: str | None = None
    was_delinked: bool = False
    newly_linked: bool = False


class Linked(Protocol):
    """What a registration knows of the child: an AgentSession has it, and so has a registration under way."""

    @property
    def id(self) -> str: ...
    @property
    def user_id(self) -> str: ...


class Links:
    """Own children sets, delink markers and unconfirmed delinks.

    A live record that names a parent counts as membership, hence `registry`. Methods that change something durable
    raise StorageError; memory is changed first, in one step.
    """

    def __init__(self, storage: Storage, clock: Clock, limits: SessionLimits, registry: SessionRegistry) -> None:
        self._store = LinkStore(storage)
        self._clock = clock
        self._limits = limits
        self._registry = registry
        self._book = LinkBook()
        self._renewed: set[str] = set()

    async def load(self) -> None:
        """Read the stored links; call once, before the first agent registers."""
        now = self._clock.now_ms()
        stored = await self._store.load(iso(now))
        self._book = restored(stored.children, stored.markers, stored.pending, now)

    async def resolve(
        self, child: Linked, candidate: str | None, former: Collection[str], parent_state: Callable[[str], ParentState]
    ) -> LinkOutcome:
        """Link a child that registers to the parent it names, or refuse (the algorithm of 2.11).

        `former` are the parents that its earlier live record named; `parent_state` judges the candidate by the live and
        awaited sessions. A candidate that is not among them counts as present when its row has the same owner and no
        end, so that children may register before their parent after a restart.
        """
        wanted = candidate if candidate is not None and usable_id(candidate) and candidate != child.id else None
        left_behind = frozenset(parent for parent in former if parent != wanted and usable_id(parent))
        if wanted is None:
            await self._commit(child.id, left_behind)
            return LinkOutcome()
        state = parent_state(wanted)
        if state is ParentState.ABSENT:
            state = await self._stored_state(wanted, child.user_id)
        severed = self._book.marker(child.id, self._now()) == wanted
        if state is ParentState.FOREIGN:
            await self._commit(child.id, left_behind, left=wanted)
            return LinkOutcome()
        if severed:
            await self._commit(child.id, left_behind, left=wanted)
            return LinkOutcome(was_delinked=True)
        known = wanted in former or self._book.contains(wanted, child.id, self._now())
        if state is ParentState.ABSENT:
            await self._commit(child.id, left_behind, joined=wanted)
            return LinkOutcome(linked_parent_id=wanted)
        await self._commit(child.id, left_behind, joined=wanted, confirmed=True)
        return LinkOutcome(parent_id=wanted, linked_parent_id=wanted, newly_linked=not known)

    def is_child(self, parent_id: str, child_id: str) -> bool:
        """Tell whether routing between the two is allowed; a live record that names the parent mends the set."""
        now = self._now()
        if self._book.contains(parent_id, child_id, now):
            return True
        if self._book.marker(child_id, now) == parent_id:
            return False
        record = self._registry.get(child_id)
        if record is None or parent_id not in (record.links.parent_id, record.links.linked_parent_id):
            return False
        self._book.add(parent_id, child_id, now, now + _ms(self._limits.link_life))
        self._renewed.add(parent_id)
        return True

    def children(self, parent_id: str) -> list[str]:
        """Answer the members of a parent's set, in the order of joining."""
        return self._book.children(parent_id, self._now())

    def unconfirmed(self, parent_id: str) -> list[str]:
        """Answer the children that a parent severed and that were not told yet."""
        return self._book.pending(parent_id, self._now())

    def severed_by(self, child_id: str) -> str | None:
        """Answer the parent whose delink marker a child carries, None without one."""
        return self._book.marker(child_id, self._now())

    def refresh(self, parent_id: str) -> None:
        """Start the lifetime of a parent's set anew, as each trigger does."""
        now = self._now()
        if self._book.renew(parent_id, now, now + _ms(self._limits.link_life)):
            self._renewed.add(parent_id)

    async def remove_child(self, parent_id: str, child_id: str) -> None:
        """Take a child out of a parent's set."""
        if self._book.remove(parent_id, child_id):
            await self._store.remove([(parent_id, child_id)])

    async def confirm_terminal(self, child_id: str) -> None:
        """Take a session that ended for good out of every parent's set (2.10, row 4)."""
        pairs = [(parent, child_id) for parent in self._book.parents(child_id, self._now())]
        for parent, child in pairs:
            self._book.remove(parent, child)
        if pairs:
            await self._store.remove(pairs)

    async def delink(self, parent_id: str, children: Sequence[str]) -> None:
        """Sever children: markers first, then the note that they are still to be told, then membership."""
        if not children:
            return
        now = self._now()
        marker_until, pending_until = now + _ms(self._limits.marker_life), now + _ms(self._limits.link_life)
        for child in children:
            self._book.mark(child, parent_id, marker_until)
            self._book.suspend(parent_id, child, pending_until)
            self._book.remove(parent_id, child)
        await self._store.delink(parent_id, children, iso(marker_until), iso(pending_until))

    async def told(self, parent_id: str, children: Sequence[str]) -> None:
        """Note that severed children know it."""
        if not children:
            return
        for child in children:
            self._book.settle(parent_id, child)
        await self._store.told(parent_id, children)

    async def sweep(self) -> None:
        """Forget what has expired and write renewed lifetimes; the sweep of 2.10 calls this, and shutdown."""
        now = self._now()
        self._book.prune(now)
        renewed, self._renewed = self._renewed, set()
        rows = [StoredLink(parent, child, iso(until)) for parent, child, until in self._book.links(renewed, now)]
        try:
            await self._store.tidy(rows, iso(now))
        except BaseException:
            self._renewed |= renewed
            raise

    async def _stored_state(self, parent_id: str, user_id: str) -> ParentState:
        stored = await self._store.owner_of_open(parent_id)
        if stored is None:
            return ParentState.ABSENT
        owner, is_open = stored
        if owner != user_id:
            return ParentState.FOREIGN
        return ParentState.PRESENT if is_open else ParentState.ABSENT

    async def _commit(
        self,
        child_id: str,
        former: frozenset[str],
        *,
        joined: str | None = None,
        left: str | None = None,
        confirmed: bool = False,
    ) -> None:
        now = self._now()
        expires = now + _ms(self._limits.link_life)
        for parent in former:
            self._book.remove(parent, child_id)
            self._book.settle(parent, child_id)
        if left is not None:
            self._book.remove(left, child_id)
        if joined is not None:
            self._book.add(joined, child_id, now, expires)
        forgiven = self._book.marker(child_id, now) if confirmed else None
        if confirmed:
            self._book.unmark(child_id)
        if forgiven is not None:
            self._book.settle(forgiven, child_id)
        if former or left is not None or joined is not None:
            await self._store.register(
                Registration(child_id, former, joined, left, confirmed, forgiven, iso(now), iso(expires))
            )

    def _now(self) -> int:
        return self._clock.now_ms()


def usable_id(session_id: str) -> bool:
    """Tell whether a session id can be a key: not empty, short, without the lone surrogates that SQLite refuses."""
    return 0 < len(session_id) <= MAX_ID and not any("\ud800" <= char <= "\udfff" for char in session_id)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
