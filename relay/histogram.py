"""Count how long things take, for whoever looks later (docs/metrics.md)."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

#: Upper bounds in seconds: a runner answers from memory within milliseconds, and no request waits longer than a minute.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Histogram:
    """Sort observations into buckets; `counts` has one more than `bounds`, for what is above the last."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        """`bounds` are upper bounds, the bound included, in rising order."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
