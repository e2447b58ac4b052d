"""Hold what a viewer of a session must see: newest snapshot, metadata since, later events, newest cumulative events.

Everything is bytes: a transcript is a list of encoded messages, so that truncation, paging and the stored row are joins
(../design.md, How data flows). The rules for sequence numbers are *ours* of sockets-browsers.md 3.1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from relay import jsontext
from relay.sessions.chunks import ChunkAssembly
from relay.sessions.heads import join_array, join_object, split_array, split_object

#: A hydration sends at most this many messages; older ones are paged in (sockets-browsers.md 3.3).
TAIL_MESSAGES: Final = 50
#: Metadata that `session_metadata_update` and `capabilities` patch over the stored state (sockets-agents.md 2.6.3).
OVERLAY_KEYS: Final = frozenset(
    {
        "model",
        "sessionName",
        "thinkingLevel",
        "availableModels",
        "availableCommands",
        "todoList",
        "queuedMessages",
        "goal",
    }
)
_LISTS: Final = frozenset({"availableModels", "availableCommands", "todoList", "queuedMessages"})

Overlay = dict[str, object]


@dataclass(frozen=True, slots=True)
class CachedEvent:
    """Keep one published event with its viewer sequence number."""

    seq: int
    event: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Answer a slice of a transcript: `messages` is a JSON array, `oldest` the index of its first message."""

    messages: bytes
    oldest: int
    has_more: bool


class Snapshot:
    """Hold one complete state: the JSON of a `session_active.state` and the sequence number it was published under."""

    __slots__ = ("_event", "_head", "_messages", "seq", "state")

    def __init__(self, state: bytes | msgspec.Raw, seq: int | None = None, event: bytes | None = None) -> None:
        """Take the state's JSON; `event` is the published event when there was one (its bytes are shared)."""
        self.state = state
        self.seq = seq
        self._event = event
        self._messages: list[msgspec.Raw] | None = None
        self._head: dict[str, msgspec.Raw] | None = None

    @property
    def event(self) -> bytes:
        """Answer the whole `session_active` event, untruncated and without the overlay."""
        if self._event is None:
            return b'{"type":"session_active","state":' + bytes(self.state) + b"}"
        return self._event

    @property
    def messages(self) -> list[msgspec.Raw]:
        """Answer the messages, each as JSON text."""
        if self._messages is None:
            self._split()
        return self._messages or []

    @property
    def head(self) -> dict[str, msgspec.Raw]:
        """Answer the members of the state but its messages."""
        if self._head is None:
            self._split()
        return self._head or {}

    def _split(self) -> None:
        members = split_object(self.state) or {}
        messages = members.pop("messages", None)
        self._messages = (split_array(messages) if messages is not None else None) or []
        self._head = members

    def page(self, before: float, limit: float) -> Page:
        """Answer the messages in front of index `before`, at most `limit` of them (sockets-browsers.md 3.7)."""
        end = int(max(0, min(before, len(self.messages))))
        start = int(max(0, end - max(0, limit)))
        return Page(join_array(self.messages[start:end]), start, start > 0)

    def full(self, overlay: Overlay) -> bytes:
        """Answer the whole state with `overlay` applied, as JSON."""
        if not overlay:
            return bytes(self.state)
        members = self._overlaid(overlay)
        members["messages"] = join_array(self.messages)
        return join_object(members)

    def tail(self, overlay: Overlay) -> bytes:
        """Answer the state cut to its last messages, with `overlay` and the three paging fields."""
        total = len(self.messages)
        page = self.page(total, TAIL_MESSAGES)
        members = self._overlaid(overlay)
        members["messages"] = page.messages
        members["totalMessages"] = b"%d" % total
        members["hasMore"] = b"true" if page.has_more else b"false"
        members["oldestLoadedIndex"] = b"%d" % page.oldest
        return join_object(members)

    def _overlaid(self, overlay: Overlay) -> dict[str, bytes | msgspec.Raw]:
        members: dict[str, bytes | msgspec.Raw] = dict(self.head)
        for key, value in overlay.items():
            merged = value
            if key == "model" and "model" in members:
                merged = merge_model(_value(members["model"]), value)
            members[key] = jsontext.dumps(merged)
        return members


class EventCache:
    """Keep the newest published events, bounded in number and bytes; sequence numbers are contiguous."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._entries: deque[CachedEvent] = deque()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._snapshot_seq: int | None = None
        self._snapshot_bytes = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def counted_bytes(self) -> int:
        """Answer the bytes held, the newest snapshot not counted."""
        return self._bytes - self._snapshot_bytes

    @property
    def first_seq(self) -> int | None:
        """Answer the sequence number of the oldest event held."""
        return self._entries[0].seq if self._entries else None

    def append(self, seq: int, event: bytes, *, snapshot: bool = False) -> None:
        """Add an event; a snapshot takes the place of the one that did not count so far."""
        self._entries.append(CachedEvent(seq, event))
        self._bytes += len(event)
        if snapshot:
            self._snapshot_seq, self._snapshot_bytes = seq, len(event)
        while len(self._entries) > self._max_entries or (
            self.counted_bytes > self._max_bytes and len(self._entries) > 1
        ):
            dropped = self._entries.popleft()
            self._bytes -= len(dropped.event)
            if dropped.seq == self._snapshot_seq:
                self._snapshot_seq, self._snapshot_bytes = None, 0

    def after(self, seq: int) -> Iterator[CachedEvent]:
        """Answer the events held with a number above `seq`, oldest first."""
        if not self._entries:
            return iter(())
        skip = max(0, seq + 1 - self._entries[0].seq)
        return (self._entries[index] for index in range(skip, len(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._snapshot_seq = None
        self._snapshot_bytes = self._bytes = 0


class Transcript:
    """Own the content of one session (sockets-browsers.md 3.1)."""

    def __init__(self, seq: int, cache: EventCache) -> None:
        """Start with the sequence counter at `seq`, which goes on over re-registration and relay restart."""
        self.seq = seq
        self.cache = cache
        self.snapshot: Snapshot | None = None
        self.overlay: Overlay = {}
        self.chunks: ChunkAssembly | None = None
        self.newest_update: bytes | None = None
        self.tool_updates: dict[str, bytes] = {}

    def publish(self, event: bytes) -> int:
        """Give `event` the next sequence number and cache it; answer the number."""
        self.seq += 1
        self.cache.append(self.seq, event)
        return self.seq

    def publish_snapshot(self, event: bytes, state: bytes | msgspec.Raw) -> int:
        """Take a complete state: number it, cache it, and drop the overlay that it replaces; answer the number."""
        self.seq += 1
        self.cache.append(self.seq, event, snapshot=True)
        self.snapshot = Snapshot(state, self.seq, event)
        self.overlay = {}
        return self.seq

    def patch(self, changes: Overlay) -> Overlay:
        """Lay metadata over the stored state and over a chunk stream under way; answer what was kept of `changes`."""
        kept = {key: value for key, value in changes.items() if key in OVERLAY_KEYS and _fits(key, value)}
        for key, value in kept.items():
            self.overlay[key] = merge_model(self.overlay.get("model"), value) if key == "model" else value
        if self.chunks is not None:
            self.chunks.patch(kept)
        return kept

    def cumulative(self) -> list[bytes]:
        """Answer the newest cumulative events, to be sent again after a snapshot (3.1, rule 4)."""
        newest = list(self.tool_updates.values())
        if self.newest_update is not None:
            newest.append(self.newest_update)
        return newest

    def forget_cumulative(self) -> None:
        """Drop the newest cumulative events (3.1, rule 3)."""
        self.newest_update = None
        self.tool_updates.clear()

    def start_over(self) -> None:
        """Empty what a new registration discards; the counter and the newest complete state stay."""
        self.cache.clear()
        self.chunks = None
        self.forget_cumulative()
        if self.snapshot is not None:
            self.snapshot.seq = None


def merge_model(old: object, new: object) -> object:
    """Merge two models: equal provider and id keep what the newer one does not say, else the newer one wins (2.6.3)."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    if old.get("provider") != new.get("provider") or old.get("id") != new.get("id"):
        return new
    return {**old, **{key: value for key, value in new.items() if value is not None}}


def _fits(key: str, value: object) -> bool:
    if key in _LISTS:
        return isinstance(value, list)
    if key == "model":
        return value is None or isinstance(value, dict)
    return True


def _value(text: bytes | msgspec.Raw) -> object:
    try:
        return jsontext.loads(bytes(text))
    except ValueError:
        return None
