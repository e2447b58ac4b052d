"""Number the trigger subscription messages to runners, and tell a runner that it has none (sockets-agents.md 3.11)."""

from __future__ import annotations

from relay.clock import Clock
from relay.runners.runner import Runner


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


class NoSubscriptions:
    """Answer each registration with an empty snapshot, which is the whole truth while no room keeps subscriptions."""

    def __init__(self, revisions: SubscriptionRevisions) -> None:
        self._revisions = revisions

    async def __call__(self, runner: Runner) -> None:
        """Send the authoritative snapshot to a runner that was just told that it is registered."""
        runner.emit(
            "trigger_subscriptions_snapshot",
            {"revision": self._revisions.next(), "isReconnect": True, "subscriptions": []},
        )
