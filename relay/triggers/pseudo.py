"""Treat a listener as the session that its runner takes it for (rest-runners.md 8.3)."""

from __future__ import annotations

import logging
from typing import Final

from relay.http.errors import LISTENER_NOT_FOUND, LISTENER_NOT_STORED
from relay.runners.identities import RunnerIdentities
from relay.runners.registry import RunnerRegistry
from relay.storage import StorageError
from relay.triggers.listeners import Listeners
from relay.triggers.records import PSEUDO_SESSION

log = logging.getLogger(__name__)

_PREFIX: Final = "listener:"


class PseudoSessions:
    """Retire listeners by the id of their pseudo-session, as the time service does with one-shots."""

    def __init__(self, listeners: Listeners, runners: RunnerRegistry, identities: RunnerIdentities) -> None:
        self._listeners = listeners
        self._runners = runners
        self._identities = identities

    async def remove(self, session_id: str, user_id: str) -> int:
        """Delete the listener of a pseudo-session and answer how many there were.

        Raises ApiError 404 for an id that is none or a runner that is not the user's, and StorageError.
        """
        listener_id = session_id[len(PSEUDO_SESSION) :]
        found = self._listeners.get(listener_id, user_id)
        if found is None:
            if not await self._owns(listener_id, user_id):
                raise LISTENER_NOT_FOUND(target=listener_id)
            return 0
        try:
            return len(await self._listeners.remove([found]))
        except StorageError as error:
            log.exception("listener not deleted", extra={"runner_id": found.runner_id})
            raise LISTENER_NOT_STORED() from error

    async def _owns(self, listener_id: str, user_id: str) -> bool:
        if not listener_id.startswith(_PREFIX):
            return False
        runner_id = listener_id.removeprefix(_PREFIX).partition(":")[0]
        runner = self._runners.get(runner_id)
        if runner is not None:
            return runner.user_id == user_id
        return await self._identities.owner_of(runner_id) == user_id
