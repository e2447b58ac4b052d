"""Keep each runner's own list of subscriptions equal to ours (rest-runners.md 8.9, sockets-agents.md 3.11).

The runner believes the snapshot that follows its registration, and drops every schedule that is not in it. What changes
later reaches it as deltas, whose revisions grow for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.runners.subscriptions import SubscriptionRevisions
from relay.triggers.records import Json, Listener, Subscription

Record = Subscription | Listener


class Held(Protocol):
    """Answer what is stored for a runner of a user."""

    def of_runner(self, runner_id: str, user_id: str) -> Iterable[Record]: ...


def entry(record: Record) -> Json:
    """Answer a record as its runner keeps it; a listener is the subscription of a pseudo-session, without filters."""
    if isinstance(record, Listener):
        body = identity(record)
    else:
        body = identity(record)
        if record.filters:
            body["filters"] = [one.json() for one in record.filters]
        if record.filter_mode == "or":
            body["filterMode"] = record.filter_mode
    if record.params is not None:
        body["params"] = record.params
    return body


def identity(record: Record) -> Json:
    """Answer what tells the runner which entry is meant."""
    return {
        "subscriptionId": record.listener_id if isinstance(record, Listener) else record.subscription_id,
        "sessionId": record.session_id,
        "triggerType": record.trigger_type,
        "runnerId": record.runner_id,
    }


class Deltas:
    """Tell runners what changed, once it is stored; one that is away hears of it in its next snapshot."""

    def __init__(self, runners: RunnerRegistry, revisions: SubscriptionRevisions) -> None:
        self._runners = runners
        self._revisions = revisions

    def subscribed(self, record: Record) -> None:
        """Tell of a new record."""
        self._send(record, "subscribe", entry(record))

    def unsubscribed(self, record: Record) -> None:
        """Tell of a removed record, by its own id."""
        self._send(record, "unsubscribe", identity(record))

    def updated(self, before: Record, after: Record) -> None:
        """Tell of a changed record.

        An update leaves the next fire time of a cron as it was saved and the type as the runner routed it, so a new
        cron or another type is a new beginning under the same id.
        """
        if before.trigger_type == after.trigger_type and _cron(before) == _cron(after):
            self._send(after, "update", entry(after))
        else:
            self.unsubscribed(before)
            self.subscribed(after)

    def _send(self, record: Record, action: str, body: Json) -> None:
        runner = self._runners.get(record.runner_id)
        if runner is not None and runner.connected and runner.user_id == record.user_id:
            runner.emit(
                "trigger_subscription_delta",
                {"revision": self._revisions.next(), "action": action, "subscription": body},
            )


class Snapshots:
    """Send the authoritative snapshot; a hook of a runner's registration, awaited after `runner_registered`.

    What is held in memory is all that is stored, since the relay takes no socket before it has read that. Reserving the
    revision and reading are one step, so that no delta can fall between them.
    """

    def __init__(self, revisions: SubscriptionRevisions, held: Iterable[Held]) -> None:
        self._revisions = revisions
        self._held = tuple(held)

    async def __call__(self, runner: Runner) -> None:
        """Send everything that the runner's owner has on it, the subscriptions of absent sessions included."""
        revision = self._revisions.next()
        entries = [entry(record) for held in self._held for record in held.of_runner(runner.runner_id, runner.user_id)]
        runner.emit(
            "trigger_subscriptions_snapshot", {"revision": revision, "isReconnect": True, "subscriptions": entries}
        )


def _cron(record: Record) -> object:
    return None if record.params is None else record.params.get("cron")
