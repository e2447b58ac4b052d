"""Queue what a slow reader has not taken yet, within a bound (realtime.md, Speed and memory)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from relay.realtime.packet import Packet
from relay.realtime.traffic import Traffic

_MAX_PIECES: Final = 512
"""Pieces of one vectored write; Linux and macOS take 1,024 (IOV_MAX)."""


class Backlog:
    """Hold packets in order; pure bookkeeping, shared by both transports.

    A packet with a ``supersedes`` key pushes out the queued one with the same key and takes its place at the end;
    nothing else is ever reordered or lost. ``size`` and ``written`` (ever) are in bytes of finished frames. One packet
    that is larger than the bound does not count against it, so that a large snapshot always passes.
    """

    __slots__ = (
        "_bound",
        "_head",
        "_head_oversized",
        "_number",
        "_oversized",
        "_packets",
        "_traffic",
        "size",
        "written",
    )

    def __init__(self, bound: int, traffic: Traffic | None = None) -> None:
        """`traffic` counts what is pushed out."""
        self._bound = bound
        self._traffic = traffic or Traffic()
        # The rest of the packet that is being written; it can be replaced no more.
        self._head: memoryview | None = None
        self._packets: OrderedDict[Hashable, Packet] = OrderedDict()
        self._number = 0
        self._oversized: Packet | None = None
        self._head_oversized = False
        self.size = 0
        self.written = 0

    def __bool__(self) -> bool:
        return self.size > 0

    def add(self, packet: Packet) -> bool:
        """Queue a packet; answer False when the bound is exceeded and the connection should be cut."""
        key: Hashable
        if packet.supersedes is None:
            self._number += 1
            key = self._number
        else:
            key = (packet.supersedes,)
            old = self._packets.pop(key, None)
            if old is not None:
                self._remove(old)
                self._traffic.coalesced += 1
        self._packets[key] = packet
        length = len(packet.wire)
        self.size += length
        if length > self._bound and self._oversized is None and not self._head_oversized:
            self._oversized = packet
        return self.size - self._exempt() <= self._bound

    def put_back(self, rest: memoryview) -> None:
        """Queue the unwritten rest of a packet; nothing else may be queued yet."""
        self._head = rest
        self._head_oversized = len(rest) > self._bound
        self.size += len(rest)

    def gather(self, limit: int) -> list[memoryview]:
        """Answer the first ``limit`` bytes as pieces, without removing them."""
        pieces: list[memoryview] = []
        left = limit
        if self._head is not None:
            pieces.append(self._head[:left])
            left -= len(pieces[0])
        for packet in self._packets.values():
            if left <= 0 or len(pieces) >= _MAX_PIECES:
                break
            piece = memoryview(packet.wire)[:left]
            pieces.append(piece)
            left -= len(piece)
        return pieces

    def advance(self, length: int) -> None:
        """Remove the first ``length`` bytes, which were written; at most what is queued."""
        self.size -= length
        self.written += length
        while length:
            if self._head is None:
                _, packet = self._packets.popitem(last=False)
                self._head = memoryview(packet.wire)
                self._head_oversized = packet is self._oversized
                if self._head_oversized:
                    self._oversized = None
            head = self._head
            if length < len(head):
                self._head = head[length:]
                return
            length -= len(head)
            self._head = None
            self._head_oversized = False

    def take_packets(self, limit: int) -> list[Packet]:
        """Remove and answer packets from the front: as many as fit into ``limit`` bytes, one at least if there is
        any.
        """
        taken: list[Packet] = []
        total = 0
        while self._packets:
            key = next(iter(self._packets))
            total += len(self._packets[key].wire)
            if taken and total > limit:
                break
            packet = self._packets.pop(key)
            self._remove(packet)
            self.written += len(packet.wire)
            taken.append(packet)
        return taken

    def clear(self) -> None:
        """Forget everything; what was queued counts as dropped."""
        self._traffic.dropped += len(self._packets) + (self._head is not None)
        self._packets.clear()
        self._head = None
        self._oversized = None
        self._head_oversized = False
        self.size = 0

    def _exempt(self) -> int:
        """Answer the bytes of the one oversized packet that are still queued."""
        if self._head_oversized and self._head is not None:
            return len(self._head)
        return len(self._oversized.wire) if self._oversized is not None else 0

    def _remove(self, packet: Packet) -> None:
        self.size -= len(packet.wire)
        if packet is self._oversized:
            self._oversized = None
