"""Read the stored state of a session only when somebody needs it; a start must not read every transcript."""

from __future__ import annotations

from collections.abc import Callable

from relay import jsontext
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionStore
from relay.sessions.transcript import Snapshot


class StateLoader:
    """Read the stored state of an awaited session when somebody first needs it."""

    def __init__(self, store: SessionStore, saved: Callable[[AgentSession], None]) -> None:
        """`saved` hears that a session's state is what the database holds, so that nobody writes it again."""
        self._store = store
        self._saved = saved

    async def load(self, session: AgentSession) -> None:
        """Give the session its stored state and overlay, unless it has a newer one by now."""
        if session.state_loaded:
            return
        stored = await self._store.state(session.id)
        # A second look: the agent may have sent a newer state meanwhile.
        if _loaded(session) or stored is None:
            session.state_loaded = True
            return
        session.state_loaded = True
        session.transcript.snapshot = Snapshot(stored.state)
        self._saved(session)
        if stored.overlay is not None:
            overlay = jsontext.loads(stored.overlay)
            if isinstance(overlay, dict):
                session.transcript.overlay = {**overlay, **session.transcript.overlay}


def _loaded(session: AgentSession) -> bool:
    # A registration makes a new record over the same transcript: its newer state does not show in this one's flag.
    return session.state_loaded or session.transcript.snapshot is not None
