"""Name what the viewers room needs from the rest of the house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from relay.clock import Clock
from relay.sessions.limits import SessionLimits
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionStore


class StateLoader(Protocol):
    """Read the stored state of a session that was restored after a start (sockets-agents.md 4.4)."""

    async def load(self, session: AgentSession) -> None:
        """Fill `session.transcript` unless it is loaded; raises StorageError when that cannot be done right now."""


@dataclass(frozen=True, slots=True)
class ViewerNeeds:
    """Hold the collaborators that the composition root provides.

    `hidden_models(user_id)` answers `provider/id` keys; `announce_for(session)` what the session's runner announced
    (6.4), None without one; `ended_by_person(session_id)` hears that a viewer ended a session (sockets-agents.md 2.10);
    `touch(session)` notes activity.
    """

    clock: Clock
    limits: SessionLimits
    store: SessionStore
    states: StateLoader
    hidden_models: Callable[[str], Awaitable[list[str]]]
    announce_for: Callable[[AgentSession], Mapping[str, object] | None]
    ended_by_person: Callable[[str], None]
    touch: Callable[[AgentSession], None]
