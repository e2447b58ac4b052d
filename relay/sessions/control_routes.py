"""Answer the HTTP calls that steer a live session: model, abort, thinking (rest-runners.md 7.4).

Services next to a runner call them with an API key; browsers use the socket events of the same effect.
"""

from __future__ import annotations

import logging
import secrets
from typing import Final

from relay.http.errors import (
    SESSION_AGENT_AWAY,
    SESSION_MODEL_HIDDEN,
    SESSION_MODEL_MISSING,
    SESSION_NOT_LIVE,
    SESSION_NOT_SHARED,
    THINKING_LEVEL_INVALID,
)
from relay.http.routes import Body, Call, Handler, Json, Route
from relay.http.shapes import Ok, Shape
from relay.runners.models import hidden_keys, model_key
from relay.sessions import schemas
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.spawn_order import EFFORTS
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import StorageError

log = logging.getLogger(__name__)

#: Random bytes of a command's id: 16 hex digits (7.4).
_ID_BYTES: Final = 8


class ControlRoutes:
    """Serve the controls of a live session."""

    def __init__(self, registry: SessionRegistry, hidden_models: HiddenModelsOf) -> None:
        self._registry = registry
        self._hidden_models = hidden_models

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        base = "/api/sessions/{sessionId}"
        errors = (SESSION_NOT_LIVE, SESSION_NOT_SHARED, SESSION_AGENT_AWAY)

        def strict(path: str, handler: Handler, summary: str, shape: Shape) -> Route:
            more = (SESSION_MODEL_MISSING, SESSION_MODEL_HIDDEN) if path == "model" else (THINKING_LEVEL_INVALID,)
            return Route(
                "POST",
                f"{base}/{path}",
                handler,
                summary,
                body=Body.STRICT,
                guard=self._session,
                errors=(*errors, *more),
                shape=shape,
            )

        return [
            strict(
                "model",
                self.set_model,
                "Switch the model of a live session",
                Shape(schemas.ModelChosen, schemas.ModelChoice),
            ),
            strict(
                "thinking",
                self.set_thinking,
                "Set how hard a live session's model thinks",
                Shape(schemas.ThinkingChosen, schemas.ThinkingChoice),
            ),
            Route(
                "POST", f"{base}/abort", self.abort, "Stop what a live session is doing", errors=errors, shape=Shape(Ok)
            ),
        ]

    async def set_model(self, call: Call) -> Json:
        """Switch the model; one that the caller hides is refused."""
        session = self._session(call)
        provider, model_id = _text(call, "provider"), _text(call, "modelId")
        if not provider or not model_id:
            raise SESSION_MODEL_MISSING()
        if await self._is_hidden(call.user.user_id, provider, model_id):
            raise SESSION_MODEL_HIDDEN()
        _deliver(session, "model_set", {"provider": provider, "modelId": model_id})
        return {"ok": True, "provider": provider, "modelId": model_id}

    async def set_thinking(self, call: Call) -> Json:
        """Set the thinking level."""
        session, level = self._session(call), _text(call, "level")
        if level not in EFFORTS:
            raise THINKING_LEVEL_INVALID()
        _deliver(session, "exec", {**_command("think", "set_thinking_level"), "level": level})
        return {"ok": True, "level": level}

    async def abort(self, call: Call) -> Json:
        """Stop the turn that is under way."""
        _deliver(self._session(call), "exec", _command("abort", "abort"))
        return {"ok": True}

    def _session(self, call: Call) -> AgentSession:
        """Answer the caller's live session; another user's is as unknown as one that never was."""
        session = self._registry.owned(call.params["sessionId"], call.user.user_id)
        if session is None:
            raise SESSION_NOT_LIVE()
        if not session.collab_mode:
            raise SESSION_NOT_SHARED()
        return session

    async def _is_hidden(self, user_id: str, provider: str, model_id: str) -> bool:
        try:
            hidden = await self._hidden_models(user_id)
        except StorageError:
            log.exception("hidden models not known, the agent decides")
            return False
        return model_key(provider, model_id) in hidden_keys(hidden)


def _deliver(session: AgentSession, event: str, body: dict[str, object]) -> None:
    socket = session.socket
    if socket is None or not socket.connected:
        raise SESSION_AGENT_AWAY()
    socket.emit(event, body)


def _command(prefix: str, command: str) -> dict[str, object]:
    return {"type": "exec", "id": f"{prefix}_{secrets.token_hex(_ID_BYTES)}", "command": command}


def _text(call: Call, key: str) -> str:
    value = call.body.get(key)
    return value.strip() if isinstance(value, str) else ""
