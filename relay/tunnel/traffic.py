"""Count what passes through the tunnels, for whoever looks later (docs/metrics.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TunnelTraffic:
    """Hold the counts of all runners' tunnels since the start; nobody ever takes away.

    `to_runners` and `from_runners` are the bytes of bodies and of WebSocket messages (characters of texts), without
    framing. `failed` are exchanges that did not end well: broken off, timed out, lost with the runner's socket.
    """

    exchanges: int = 0
    bridges: int = 0
    failed: int = 0
    to_runners: int = 0
    from_runners: int = 0
