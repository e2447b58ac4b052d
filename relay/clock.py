"""Tell the time, so that every wait of the relay can be tested without waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def iso(milliseconds: float) -> str:
    """Format epoch milliseconds as ISO 8601 UTC with milliseconds and ``Z``, always 24 characters wide.

    The fixed width makes string order chronological (rest-runners.md 1.2).
    """
    whole = int(milliseconds)
    moment = datetime.fromtimestamp(whole // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{whole % 1000:03d}Z"


def parse_iso(text: str) -> int | None:
    """Read an ISO 8601 timestamp as epoch milliseconds, or answer None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


class Clock:
    """Answer wall-clock and monotonic time; tests pass one that they move by hand."""

    def now(self) -> float:
        """Answer the wall clock in epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Answer a clock in seconds that never goes back."""
        return time.monotonic()

    def now_ms(self) -> int:
        """Answer the wall clock in epoch milliseconds."""
        return int(self.now() * 1000)

    def now_iso(self) -> str:
        """Answer the wall clock as the contract writes it: ISO 8601 UTC with milliseconds."""
        return iso(self.now() * 1000)
