"""Answer the HTTP calls about runners (rest-runners.md 5.1, 5.3, 5.5, 5.7, 5.8)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from aiohttp import web

from relay.http.errors import (
    MISSING_PATH,
    MISSING_RUNNER_ID,
    RUNNER_FORBIDDEN,
    RUNNER_NO_SOCKET,
    RUNNER_NOT_FOUND,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Ok, Shape
from relay.runners import schemas
from relay.runners.feed import SessionIds
from relay.runners.folders import RecentFolders
from relay.runners.gate import gate
from relay.runners.known_routes import KnownRunners
from relay.runners.models import visible_models
from relay.runners.profile import Item
from relay.runners.registry import RunnerRegistry
from relay.runners.rpc import RunnerCallError, RunnerRpc
from relay.runners.runner import ANNOUNCE_LISTS
from relay.storage import StorageError

log = logging.getLogger(__name__)

#: Answer a user's hidden models as `provider/id`; raises StorageError.
HiddenModelsOf = Callable[[str], Awaitable[Iterable[str]]]

_LIST_MODELS_TIMEOUT: Final = 15.0
_GATED: Final = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)


class RunnerRoutes:
    """Serve the runner endpoints that need the machine alone."""

    def __init__(
        self,
        registry: RunnerRegistry,
        rpc: RunnerRpc,
        folders: RecentFolders,
        known: KnownRunners,
        session_ids: SessionIds,
        hidden_models: HiddenModelsOf,
    ) -> None:
        self._registry = registry
        self._rpc = rpc
        self._folders = folders
        self._known = known
        self._session_ids = session_ids
        self._hidden_models = hidden_models

    def table(self) -> list[Route]:
        """Answer the rows of this room."""
        commanded = (MISSING_RUNNER_ID, *_GATED, RUNNER_NO_SOCKET)
        return [
            Route(
                "GET",
                "/api/runners",
                self.list_runners,
                "List the caller's runners, with all=1 the ones away too",
                shape=Shape(list[schemas.RunnerEntry] | schemas.RunnerList, query=schemas.RunnersQuery),
            ),
            Route(
                "POST",
                "/api/runners/restart",
                self.restart,
                "Restart a runner",
                body=Body.LENIENT,
                errors=commanded,
                shape=Shape(Ok, schemas.RunnerName),
            ),
            Route(
                "POST",
                "/api/runners/stop",
                self.stop,
                "Stop a runner",
                body=Body.LENIENT,
                errors=commanded,
                shape=Shape(Ok, schemas.RunnerName),
            ),
            Route(
                "GET",
                "/api/runners/{runnerId}/models",
                self.models,
                "List the models of a runner",
                errors=_GATED,
                shape=Shape(schemas.ModelList),
            ),
            Route(
                "GET",
                "/api/runners/{runnerId}/services",
                self.services,
                "List the services of a runner",
                errors=_GATED,
                shape=Shape(schemas.ServiceLists),
            ),
            *self._folder_rows(),
        ]

    def _folder_rows(self) -> list[Route]:
        folders = "/api/runners/{runnerId}/recent-folders"
        return [
            Route(
                "GET",
                folders,
                self.recent_folders,
                "List folders used on a runner",
                errors=_GATED,
                shape=Shape(schemas.FolderList),
            ),
            Route(
                "DELETE",
                folders,
                self.forget_folder,
                "Forget a folder used on a runner",
                body=Body.LENIENT,
                errors=(*_GATED, MISSING_PATH),
                shape=Shape(schemas.FolderForgotten, schemas.PathName),
            ),
        ]

    async def list_runners(self, call: Call) -> web.StreamResponse:
        """Answer the caller's connected runners: an array, with `?format=object` under `runners` (5.1).

        `?all=1` adds those that are away, after the connected ones.
        """
        user_id = call.user.user_id
        query: Mapping[str, str] = call.query if call.request.query_string else {}
        away = await self._known.away(user_id) if query.get("all") == "1" else ()
        sessions = self._session_ids
        present = (
            runner.listed_json(sessions(user_id, runner.runner_id)) for runner in self._registry.of_user(user_id)
        )
        entries = b",".join((*present, *away))
        body = b'{"runners":[%b]}' % entries if query.get("format") == "object" else b"[%b]" % entries
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def restart(self, call: Call) -> Json:
        """Tell a runner to restart; its supervisor starts it again (5.3)."""
        return self._command(call, "restart", "restart")

    async def stop(self, call: Call) -> Json:
        """Tell a runner to exit for good (5.3)."""
        return self._command(call, "shutdown", "stop")

    async def models(self, call: Call) -> Json:
        """Answer the models of a runner without the caller's hidden ones; a runner that fails has none (5.7)."""
        runner = gate(call, self._registry)
        try:
            answer = await self._rpc.call(runner, "list_models", {}, timeout=_LIST_MODELS_TIMEOUT)
        except RunnerCallError:
            return {"models": []}
        hidden: Iterable[str] = ()
        try:
            hidden = await self._hidden_models(call.user.user_id)
        except StorageError:
            log.exception("hidden models not known, nothing is left out")
        return {"models": visible_models(answer.get("models"), hidden)}

    async def services(self, call: Call) -> Json:
        """Answer the last service announce of a runner, all six lists (5.8)."""
        runner = gate(call, self._registry)
        answer: Item = {key: runner.services(key) for key in ANNOUNCE_LISTS}
        answer["panels"] = [_panel(panel) for panel in runner.services("panels")]
        return answer

    async def recent_folders(self, call: Call) -> Json:
        """Answer the folders that the caller used on a runner (5.5)."""
        runner = gate(call, self._registry)
        return {"folders": await self._folders.list(call.user.user_id, runner.runner_id)}

    async def forget_folder(self, call: Call) -> Json:
        """Forget one folder (5.5)."""
        runner = gate(call, self._registry)
        path = call.body.get("path")
        if not isinstance(path, str) or not path.strip():
            raise MISSING_PATH()
        deleted = await self._folders.delete(call.user.user_id, runner.runner_id, path.strip())
        return {"ok": True, "deleted": deleted}

    def _command(self, call: Call, event: str, word: str) -> Item:
        runner_id = call.body.get("runnerId")
        if not isinstance(runner_id, str) or not runner_id:
            raise MISSING_RUNNER_ID()
        runner = gate(call, self._registry, runner_id)
        if not runner.connected:
            raise RUNNER_NO_SOCKET()
        runner.emit(event, {})
        log.info("runner command", extra={"runner_id": runner_id, "command": word})
        return {"ok": True}


def _panel(panel: object) -> object:
    """Answer a panel with the two names that the published interface has for its fields (rest-runners.md 11.1)."""
    if not isinstance(panel, dict):
        return panel
    return {**panel, "id": panel.get("serviceId"), "title": panel.get("label")}
