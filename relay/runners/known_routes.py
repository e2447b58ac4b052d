"""Answer the HTTP calls about runners that are known, though away (sockets-agents.md 3.12)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from relay.http.errors import RUNNER_CONNECTED, RUNNER_FORBIDDEN, RUNNER_NOT_FOUND
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape
from relay.jsontext import dumps, loads
from relay.runners import schemas
from relay.runners.feed import SessionIds
from relay.runners.identities import RunnerIdentities
from relay.runners.profile import Item, RunnerProfile, clean_profile
from relay.runners.registry import RunnerRegistry
from relay.runners.store import RunnerIdentity

log = logging.getLogger(__name__)


class KnownRunners:
    """List the runners of a user that are away, and forget them."""

    def __init__(self, registry: RunnerRegistry, identities: RunnerIdentities, session_ids: SessionIds) -> None:
        self._registry = registry
        self._identities = identities
        self._session_ids = session_ids

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        errors = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN, RUNNER_CONNECTED)
        summary = "Forget a runner that is away, which frees its id"
        return [
            Route(
                "DELETE",
                "/api/runners/{runnerId}",
                self.forget,
                summary,
                errors=errors,
                shape=Shape(schemas.RunnerForgotten),
            )
        ]

    async def away(self, user_id: str) -> list[bytes]:
        """Answer the entries of the caller's runners that are not connected, as JSON text. Raises StorageError."""
        return [
            dumps(_entry(identity, self._session_ids(user_id, identity.runner_id)))
            for identity in await self._identities.of_user(user_id)
            if self._registry.get(identity.runner_id) is None
        ]

    async def forget(self, call: Call) -> Json:
        """Free the id of the caller's runner; one that is connected, or connects meanwhile, is 409."""
        runner_id, user_id = call.params["runnerId"], call.user.user_id
        runner = self._registry.get(runner_id)
        if runner is not None:
            raise (RUNNER_CONNECTED if runner.user_id == user_id else RUNNER_FORBIDDEN)()
        identity = await self._identities.find(runner_id)
        if identity is None:
            raise RUNNER_NOT_FOUND()
        if identity.user_id != user_id:
            raise RUNNER_FORBIDDEN()
        if self._registry.get(runner_id) is not None or self._identities.claiming(runner_id):
            raise RUNNER_CONNECTED()
        if not await self._identities.release(runner_id):
            raise RUNNER_NOT_FOUND()
        log.info("runner forgotten", extra={"runner_id": runner_id, "user_id": user_id})
        return {"ok": True, "runnerId": runner_id}


def _entry(identity: RunnerIdentity, sessions: Sequence[str]) -> Item:
    """Answer the entry of rest-runners.md 5.1, with the profile of the last registration and when it was there last."""
    return {
        "runnerId": identity.runner_id,
        **_profile(identity).json(),
        "id": identity.runner_id,
        "connected": False,
        "lastSeenAt": identity.last_seen_at,
        "sessionCount": len(sessions),
        "sessions": list(sessions),
    }


def _profile(identity: RunnerIdentity) -> RunnerProfile:
    """Read a stored profile; one that was too large to be kept leaves the name."""
    stored = loads(identity.profile) if identity.profile is not None else None
    return clean_profile(stored) if isinstance(stored, dict) else RunnerProfile(name=identity.name)
