"""Count what passes through the realtime layer, for whoever looks later (docs/metrics.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Hold the counts of one server since its start; its connections add to them, nobody ever takes away.

    `received` and `sent` are Engine.IO messages. `coalesced` are packets that a newer one pushed out of the backlog of
    a slow reader, `dropped` those that went with a connection that was cut, `cut` is the number of such connections.
    """

    opened: int = 0
    received: int = 0
    sent: int = 0
    coalesced: int = 0
    dropped: int = 0
    cut: int = 0
