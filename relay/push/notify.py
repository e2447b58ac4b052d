"""Decide who is told of an agent's event (rest-account.md 8.4, 8.5)."""

from __future__ import annotations

from typing import Final, Protocol

from relay.events import Bus, QuestionOverdue
from relay.push.messages import Message, message_for, overdue
from relay.push.store import Subscription
from relay.push.subscriptions import Subscriptions, wants
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

#: Events that may call a person; no other one is looked at.
_KINDS: Final = frozenset({"agent_end", "cli_error", "tool_execution_start"})


class Send(Protocol):
    """Take a message for one subscription; it must not wait."""

    def __call__(self, subscription: Subscription, message: Message) -> None:
        """Take it."""


class Notifier:
    """Turn events into messages for the subscriptions that want them; owns no state."""

    def __init__(
        self, registry: SessionRegistry, links: Links, subscriptions: Subscriptions, send: Send, bus: Bus
    ) -> None:
        self._registry = registry
        self._links = links
        self._subscriptions = subscriptions
        self._send = send
        bus.subscribe(QuestionOverdue, self._overdue)

    def observe(self, session: AgentSession, kind: str, event: bytes) -> None:
        """Take an event that went through the pipeline; everything is decided here and now, sending comes later."""
        if kind not in _KINDS:
            return
        # Any tab that shows the session, even a hidden one, tells its person by itself (8.5).
        if not self._subscriptions.of(session.user_id) or len(session.audience):
            return
        message = message_for(session, kind, event)
        if message is not None:
            self._tell(session, message)

    def _overdue(self, event: QuestionOverdue) -> None:
        """Call for somebody when a child's question ran out of time; it stays answerable in its parent's session."""
        session = self._registry.get(event.session_id)
        if session is not None and not len(session.audience):
            self._tell(session, overdue(session))

    def _tell(self, session: AgentSession, message: Message) -> None:
        child = self._is_linked_child(session)
        for subscription in self._subscriptions.of(session.user_id):
            # None and True are silence: children push only where somebody has asked for it (8.5).
            silent = child and subscription.suppress_child is not False
            if not silent and wants(subscription.enabled_events, message.kind):
                self._send(subscription, message)

    def _is_linked_child(self, session: AgentSession) -> bool:
        """Tell whether a session has a parent to report to; that stays while the parent is away for a moment (8.5)."""
        parent_id = session.links.linked_parent_id or session.links.parent_id
        if parent_id is None or self._links.severed_by(session.id) == parent_id:
            return False
        return session.id in self._links.children(parent_id) or self._registry.get(parent_id) is not None
