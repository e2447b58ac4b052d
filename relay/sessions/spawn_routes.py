"""Answer the HTTP calls that start a session (rest-runners.md 5.2, 14.5)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from relay.http.errors import (
    CWD_OUTSIDE_ROOTS,
    INVALID_AGENT_NAME,
    INVALID_EFFORT,
    MISSING_RUNNER_ID,
    MODEL_CHECK_FAILED,
    MODEL_HIDDEN,
    RUNNER_AWAY,
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    ApiError,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners.door import RunnerDoor
from relay.runners.folders import RecentFolders
from relay.runners.identities import RunnerIdentities
from relay.runners.models import hidden_keys, model_key
from relay.runners.registry import RunnerRegistry
from relay.runners.roots import cwd_matches_roots
from relay.runners.rpc import RunnerCallError, RunnerRpc
from relay.runners.runner import Runner
from relay.sessions import schemas
from relay.sessions.registry import SessionRegistry
from relay.sessions.spawn import Spawns
from relay.sessions.spawn_keys import SpawnKeys, read_key
from relay.sessions.spawn_order import Model, SpawnOrder, find_model, read_model, read_order
from relay.storage import StorageError

log = logging.getLogger(__name__)

#: The list of a runner's models is looked up this long, in seconds, to resolve a bare model id (5.2).
_LIST_MODELS_TIMEOUT: Final = 5.0

#: Answer a user's hidden models as `provider/id`; raises StorageError.
HiddenModelsOf = Callable[[str], Awaitable[Iterable[str]]]
#: Answer the relay's address as the caller of a request sees it, without a slash at the end.
PublicBase = Callable[[web.Request], str]


@dataclass(frozen=True, slots=True)
class Machines:
    """Gather what is known of runners: the connected ones, whose the others are, how to ask them, their folders.

    `door` leads HTTP callers to them.
    """

    registry: RunnerRegistry
    identities: RunnerIdentities
    rpc: RunnerRpc
    folders: RecentFolders
    door: RunnerDoor


class SpawnRoutes:
    """Serve the spawn endpoints."""

    def __init__(
        self,
        machines: Machines,
        sessions: SessionRegistry,
        spawns: Spawns,
        hidden_models: HiddenModelsOf,
        public_base: PublicBase,
        keys: SpawnKeys,
    ) -> None:
        self._machines = machines
        self._sessions = sessions
        self._spawns = spawns
        self._hidden_models = hidden_models
        self._public_base = public_base
        self._keys = keys

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        errors = (
            INVALID_AGENT_NAME,
            INVALID_EFFORT,
            MISSING_RUNNER_ID,
            RUNNER_AWAY,
            RUNNER_NOT_FOUND,
            RUNNER_FORBIDDEN,
            CWD_OUTSIDE_ROOTS,
            MODEL_CHECK_FAILED,
            MODEL_HIDDEN,
            RUNNER_CALL_FAILED,
        )
        return [
            Route(
                "POST",
                "/api/runners/spawn",
                self.spawn,
                "Start a session on a runner",
                body=Body.LENIENT,
                errors=errors,
                shape=Shape(schemas.Spawned, schemas.SpawnOrderBody),
            ),
            Route(
                "POST",
                "/api/runners/{runnerId}/spawn",
                self.spawn_on,
                "Start a session on the runner that the path names",
                body=Body.LENIENT,
                errors=errors,
                shape=Shape(schemas.Spawned, schemas.SpawnOptions),
            ),
        ]

    async def spawn(self, call: Call) -> Json:
        """Start a session on the runner that the body names."""
        runner_id = call.body.get("runnerId")
        return await self._spawn(call, runner_id.strip() if isinstance(runner_id, str) else "")

    async def spawn_on(self, call: Call) -> Json:
        """Start a session on the runner that the path names (14.5)."""
        return await self._spawn(call, call.params["runnerId"])

    async def _spawn(self, call: Call, runner_id: str) -> Json:
        order = read_order(call.body)
        if not runner_id:
            raise MISSING_RUNNER_ID()
        key = read_key(call.body.get("idempotencyKey"))
        if key is None:
            return await self._start(call, runner_id, order)
        return await self._keys.once(call.user.user_id, runner_id, key, lambda: self._start(call, runner_id, order))

    async def _start(self, call: Call, runner_id: str, order: SpawnOrder) -> dict[str, object]:
        user_id = call.user.user_id
        runner = await self._runner(runner_id, user_id)
        if order.cwd is not None and not cwd_matches_roots(runner.roots, order.cwd):
            raise CWD_OUTSIDE_ROOTS(cwd=order.cwd)
        order = await self._with_models(runner, user_id, order, call.body.get("model"))
        if not runner.connected:
            # It went while the models were looked up; that is as transient as having been away before.
            raise RUNNER_AWAY()
        parent = order.parent_session_id
        if parent is not None and self._sessions.owned(parent, user_id) is None:
            order = replace(order, parent_session_id=None)
        spawned = await self._spawns.spawn(runner, order)
        if not spawned.outcome.ok and not spawned.outcome.timed_out:
            raise ApiError(400, spawned.outcome.message)
        if order.cwd is not None and order.parent_session_id is None:
            await self._record_folder(user_id, runner_id, order.cwd)
        return {
            "ok": True,
            "runnerId": runner_id,
            "sessionId": spawned.session_id,
            "pending": spawned.outcome.timed_out,
            "shareUrl": f"{self._public_base(call.request)}/sessions/{spawned.session_id}",
        }

    async def _runner(self, runner_id: str, user_id: str) -> Runner:
        """Answer the connected runner; the caller's own that is away is 503, since 404 makes schedules give up."""
        runner = self._machines.registry.get(runner_id)
        if runner is not None and runner.user_id != user_id:
            raise RUNNER_FORBIDDEN()
        if runner is not None and runner.connected:
            return runner
        if runner is not None or await self._machines.identities.owner_of(runner_id) == user_id:
            raise RUNNER_AWAY()
        raise RUNNER_NOT_FOUND()

    async def _with_models(self, runner: Runner, user_id: str, order: SpawnOrder, wanted: object) -> SpawnOrder:
        model = read_model(wanted)
        if isinstance(model, str):
            model = await self._look_up(runner, model)
        try:
            hidden = tuple(await self._hidden_models(user_id))
        except StorageError as error:
            log.exception("hidden models not known", extra={"user_id": user_id})
            raise MODEL_CHECK_FAILED() from error
        if model is not None and model_key(model.provider, model.id) in hidden_keys(hidden):
            raise MODEL_HIDDEN()
        return replace(order, model=model, hidden_models=hidden)

    async def _look_up(self, runner: Runner, model_id: str) -> Model:
        """Find the provider of a bare model id; a lookup that fails is 502, because it may go well next time."""
        try:
            answer: Mapping[str, object] = await self._machines.rpc.call(
                runner, "list_models", {}, timeout=_LIST_MODELS_TIMEOUT
            )
        except RunnerCallError as error:
            raise ApiError(502, error.message) from error
        failure = answer.get("error")
        if isinstance(failure, str) and failure and not answer.get("models"):
            raise ApiError(502, failure)
        model = find_model(answer.get("models"), model_id)
        if model is None:
            raise MODEL_HIDDEN()
        return model

    async def _record_folder(self, user_id: str, runner_id: str, cwd: str) -> None:
        try:
            await self._machines.folders.record(user_id, runner_id, cwd)
        except StorageError:
            log.exception("folder not recorded", extra={"runner_id": runner_id})
