"""Answer the HTTP calls about a runner's sessions: reloads and analysis (rest-runners.md 5.10, 5.11, 5.16)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from relay.http.errors import (
    DEFINITION_CALL_FAILED,
    DEFINITION_SCAN_REFUSED,
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SESSION_FORBIDDEN,
    SESSION_NOT_FOUND,
)
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape
from relay.runners.definition_routes import SKILLS, Definitions, listing
from relay.runners.door import RunnerDoor
from relay.runners.runner import Runner
from relay.runners.schemas import FormatQuery, SkillsReloaded
from relay.runners.usage_routes import raise_error
from relay.sessions import schemas
from relay.sessions.registry import SessionRegistry
from relay.sessions.store import SessionStore

#: Make the event for one session's agent: its name and body.
Order = Callable[[], tuple[str, dict[str, object]]]


class MachineRoutes:
    """Serve the runner endpoints that need the runner's sessions."""

    def __init__(self, door: RunnerDoor, registry: SessionRegistry, store: SessionStore) -> None:
        self._door = door
        self._registry = registry
        self._store = store
        self._skills = Definitions(SKILLS, door)

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        base = "/api/runners/{runnerId}"
        gated = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)
        return [
            Route(
                "POST",
                f"{base}/skills/reload",
                self.reload_skills,
                "Let a runner read its skills again, and its sessions take them up",
                errors=(
                    *gated,
                    SKILLS.error(DEFINITION_SCAN_REFUSED),
                    DEFINITION_CALL_FAILED.filled(verb="refresh", noun=SKILLS.plural),
                ),
                shape=Shape(SkillsReloaded, query=FormatQuery),
            ),
            Route(
                "POST",
                f"{base}/mcp/reload",
                self.reload_mcp,
                "Let the sessions of a runner reload MCP",
                errors=gated,
                shape=Shape(schemas.Told),
            ),
            Route(
                "GET",
                f"{base}/analysis/{{sessionId}}",
                self.analysis,
                "Analyse the transcript of a session",
                errors=(*gated, SESSION_NOT_FOUND, SESSION_FORBIDDEN, RUNNER_CALL_FAILED),
                shape=Shape(schemas.Analysis),
            ),
        ]

    async def reload_skills(self, call: Call) -> Json:
        """Rescan, then tell every session; agents reload only on a command of their own, so that is what they get."""
        runner = self._door.gate(call)
        skills = await self._skills.rescan(runner)
        return {"ok": True, **listing(call, SKILLS, skills), **self._tell(runner, _skills_order)}

    async def reload_mcp(self, call: Call) -> Json:
        """Tell every session; what becomes of it, each shows itself."""
        return {"ok": True, **self._tell(self._door.gate(call), _mcp_order)}

    async def analysis(self, call: Call) -> Json:
        """Answer the runner's analysis of one of the caller's sessions, live or stored."""
        runner = self._door.gate(call)
        session_id = call.params["sessionId"]
        owner = await self._owner(session_id)
        if owner is None:
            raise SESSION_NOT_FOUND()
        if owner != call.user.user_id:
            raise SESSION_FORBIDDEN()
        data = await self._door.ask(
            runner, "analyze_session", {"sessionId": session_id}, timeout=self._door.limits.analysis
        )
        raise_error(data)
        return data

    async def _owner(self, session_id: str) -> str | None:
        session = self._registry.get(session_id)
        if session is not None:
            return session.user_id
        row = await self._store.row(session_id)
        return None if row is None else row.user_id

    def _tell(self, runner: Runner, order: Order) -> dict[str, object]:
        """Send an event to each agent of the runner that is connected; answer who got it and who did not."""
        told: list[str] = []
        failed: list[str] = []
        for session in self._registry.of_runner(runner.runner_id):
            if session.user_id != runner.user_id:
                continue
            socket = session.socket
            if socket is None or not socket.connected:
                # Awaited after a restart of the relay: it keeps what it has loaded.
                failed.append(session.id)
                continue
            socket.emit(*order())
            told.append(session.id)
        return {"reloaded": len(told), "failed": len(failed), "sessionIds": told, "failedSessionIds": failed}


def _skills_order() -> tuple[str, dict[str, object]]:
    return "input", {"text": "/skills reload", "attachments": [], "deliverAs": "followUp"}


def _mcp_order() -> tuple[str, dict[str, object]]:
    return "exec", {"type": "exec", "id": str(uuid4()), "command": "mcp", "action": "reload"}
