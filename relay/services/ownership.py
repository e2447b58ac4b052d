"""Say which sessions a runner may speak to (sockets-agents.md 3.5)."""

from __future__ import annotations

from relay.runners.runner import Runner
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession


def owns(runner: Runner, session: AgentSession) -> bool:
    """Tell whether a session is the runner's: its record names it, or the runner proved it and no other is named."""
    if session.user_id != runner.user_id:
        return False
    if session.runner_id is None:
        return session.id in runner.owned_sessions
    return session.runner_id == runner.runner_id


def sessions_of(runner: Runner, sessions: SessionRegistry) -> list[AgentSession]:
    """Answer every session that the runner owns, each once."""
    found = {session.id: session for session in sessions.of_runner(runner.runner_id) if owns(runner, session)}
    for session_id in runner.owned_sessions:
        session = sessions.get(session_id)
        if session is not None and owns(runner, session):
            found.setdefault(session_id, session)
    return list(found.values())
