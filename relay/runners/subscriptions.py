"""Number the trigger subscription messages to runners (sockets-agents.md 3.11)."""

from __future__ import annotations

from relay.clock import Clock


class SubscriptionRevisions:
    """Count revisions upwards, over relay restarts too: a revision is never below the epoch milliseconds.

    A daemon replays the changes it remembers above a snapshot's revision, so a counter that started again at 1 would
    bring back or drop subscriptions.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """Reserve the next revision; reserve it before reading what it describes."""
        self._last = max(self._last + 1, self._clock.now_ms())
        return self._last
