"""Carry the few domain events between rooms that do not know each other.

The bus is synchronous and in order. It is for news that needs no answer and no order against the
emitter's next line, and never for every agent event (../design.md, The house).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionAdded:
    """Announce a session that registered; `info` is its SessionInfo (sockets-browsers.md 4.2)."""

    user_id: str
    session_id: str
    info: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SessionRemoved:
    """Announce that a session is no longer live, for whatever reason (sockets-agents.md 2.10)."""

    user_id: str
    session_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """Announce changed list fields of a live session; `fields` is the hub's `session_status` body."""

    user_id: str
    session_id: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SessionEndedForGood:
    """Announce that a session will not come back (sockets-agents.md 2.10, *away or ended for good*)."""

    user_id: str
    session_id: str
    ended_by: str


@dataclass(frozen=True, slots=True)
class QuestionOverdue:
    """Announce that nobody answered a child's question in the time that the child stated (rest-runners.md 14.3).

    `session_id` is the parent, `trigger_id` the id of the question in its history. The question stays answerable.
    """

    user_id: str
    session_id: str
    child_id: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class RunnerConnected:
    """Announce that a runner registered."""

    user_id: str
    runner_id: str


@dataclass(frozen=True, slots=True)
class RunnerDisconnected:
    """Announce that the registered socket of a runner closed."""

    user_id: str
    runner_id: str


@dataclass(frozen=True, slots=True)
class HiddenModelsChanged:
    """Announce the new hidden models of a user, as `provider/id` keys (rest-account.md 7)."""

    user_id: str
    hidden_models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubagentModelChanged:
    """Announce the model that a user chose for subagents, `provider/id` or None (rest-account.md 7)."""

    user_id: str
    model: str | None


@dataclass(frozen=True, slots=True)
class UserRemoved:
    """Announce that an account was deleted: its live connections must go."""

    user_id: str


@dataclass(frozen=True, slots=True)
class CredentialsRevoked:
    """Announce revoked credentials: sockets that were admitted with one of these key or session ids must go.

    `credential_ids` empty means every credential of the user.
    """

    user_id: str
    credential_ids: frozenset[str]


Event = (
    SessionAdded
    | SessionRemoved
    | SessionStatus
    | SessionEndedForGood
    | QuestionOverdue
    | RunnerConnected
    | RunnerDisconnected
    | HiddenModelsChanged
    | SubagentModelChanged
    | UserRemoved
    | CredentialsRevoked
)

E = TypeVar("E", bound=Event)


class Bus:
    """Deliver domain events to their listeners at once, in the order of subscription."""

    def __init__(self) -> None:
        self._listeners: dict[type, list[Callable[[Event], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> None:
        """Call `listener` with every later event of exactly this kind."""

        def deliver(event: Event) -> None:
            if isinstance(event, kind):
                listener(event)

        self._listeners[kind].append(deliver)

    def publish(self, event: Event) -> None:
        """Hand `event` to its listeners; one that fails is logged and never reaches the caller."""
        for listener in self._listeners[type(event)]:
            try:
                listener(event)
            except Exception:
                log.exception("listener failed", extra={"news": type(event).__name__})
