"""Assemble a snapshot that arrives in chunks (sockets-agents.md 2.6.2)."""

from __future__ import annotations

from typing import Final

import msgspec

from relay import jsontext
from relay.sessions.heads import join_object, split_array, split_object

#: Members of the header's state that describe the transfer and not the session.
_TRANSFER: Final = frozenset({"messages", "chunked", "snapshotId", "totalMessages"})
#: A stream claims how many chunks it has; more than this is no snapshot of any agent (6 MiB each).
MAX_CHUNKS: Final = 10_000
#: Bytes of one snapshot under way; the largest seen are 50 MB (sockets-browsers.md 1.1).
MAX_BYTES: Final = 512 * 2**20


class ChunkAssembly:
    """Collect the chunks of one stream; it never touches the stored state before it is complete."""

    def __init__(self, snapshot_id: str, state: bytes | msgspec.Raw, nonce: str | None, now: float) -> None:
        """Start with the header's state; `now` is monotonic seconds."""
        members = split_object(state) or {}
        self.snapshot_id = snapshot_id
        self.nonce = nonce
        self.last_activity = now
        self._head: dict[str, bytes | msgspec.Raw] = {
            key: value for key, value in members.items() if key not in _TRANSFER
        }
        self._chunks: dict[int, bytes] = {}
        self._bytes = 0
        self._expected = 0
        self._final_seen = False

    def patch(self, changes: dict[str, object]) -> None:
        """Lay metadata that arrives meanwhile over the header's."""
        for key, value in changes.items():
            self._head[key] = jsontext.dumps(value)

    def add(self, index: int, total: int, messages: bytes | msgspec.Raw, *, final: bool, now: float) -> None:
        """Take one chunk; a repeated index only counts for its `final`, an impossible one for nothing."""
        self.last_activity = now
        self._final_seen |= final
        if 0 < total <= MAX_CHUNKS:
            self._expected = total
        if index in self._chunks or not 0 <= index < MAX_CHUNKS:
            return
        items = split_array(messages)
        inner = b"" if not items else bytes(messages).strip()[1:-1]
        if self._bytes + len(inner) > MAX_BYTES:
            return
        self._chunks[index] = inner
        self._bytes += len(inner)

    @property
    def complete(self) -> bool:
        """Tell whether the final chunk was seen and none is missing."""
        return (
            self._final_seen
            and self._expected > 0
            and len(self._chunks) >= self._expected
            and all(index in self._chunks for index in range(self._expected))
        )

    def stale(self, now: float, after: float) -> bool:
        """Tell whether the stream has paused for longer than `after` seconds."""
        return now - self.last_activity > after

    def assembled(self) -> bytes:
        """Answer the complete state as JSON."""
        parts = [self._chunks[index] for index in range(self._expected) if self._chunks[index]]
        return join_object({**self._head, "messages": b"[" + b",".join(parts) + b"]"})
