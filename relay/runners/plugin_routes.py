"""Answer the HTTP calls about the plugins of a runner (rest-runners.md 5.12)."""

from __future__ import annotations

import re
from typing import Final

from relay.http.errors import (
    PLUGIN_CWD_OUTSIDE_ROOTS,
    PLUGIN_CWD_RELATIVE,
    PLUGIN_REFRESH_FAILED,
    PLUGIN_SCAN_FAILED,
    PLUGIN_SCAN_REFUSED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    ErrorSpec,
)
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import schemas
from relay.runners.door import RunnerDoor
from relay.runners.profile import Item
from relay.runners.roots import cwd_matches_roots
from relay.runners.runner import Runner

_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:[\\/]")


class PluginRoutes:
    """Serve the plugin endpoints."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        gated = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)
        scanned = (PLUGIN_CWD_RELATIVE, PLUGIN_CWD_OUTSIDE_ROOTS, PLUGIN_SCAN_REFUSED, PLUGIN_SCAN_FAILED)
        base = "/api/runners/{runnerId}/plugins"
        return [
            Route(
                "GET",
                base,
                self.list_plugins,
                "List the plugins of a runner, or with cwd those of a working directory",
                errors=(*gated, *scanned),
                shape=Shape(schemas.PluginList, query=schemas.CwdQuery),
            ),
            Route(
                "POST",
                f"{base}/refresh",
                self.refresh,
                "Let a runner look for its plugins again",
                errors=(*gated, PLUGIN_SCAN_REFUSED, PLUGIN_REFRESH_FAILED),
                shape=Shape(schemas.PluginsChanged),
            ),
        ]

    async def list_plugins(self, call: Call) -> Json:
        """Answer the cached plugins; those of `?cwd=` come from the runner and are not cached."""
        runner = self._door.gate(call)
        cwd = call.query.get("cwd", "")
        if not cwd:
            return {"plugins": _with_paths(runner.plugins)}
        if not _ABSOLUTE.match(cwd):
            raise PLUGIN_CWD_RELATIVE()
        if not cwd_matches_roots(runner.roots, cwd):
            raise PLUGIN_CWD_OUTSIDE_ROOTS()
        return {"plugins": await self._scan(runner, {"cwd": cwd}, PLUGIN_SCAN_FAILED)}

    async def refresh(self, call: Call) -> Json:
        """Let the runner look again; the answer becomes the cache."""
        runner = self._door.gate(call)
        return {"ok": True, "plugins": await self._scan(runner, {}, PLUGIN_REFRESH_FAILED)}

    async def _scan(self, runner: Runner, payload: Item, failure: ErrorSpec) -> list[object]:
        reply = await self._door.demand(
            runner,
            "list_plugins",
            payload,
            timeout=self._door.limits.plugins,
            refusal=PLUGIN_SCAN_REFUSED,
            failure=failure,
        )
        plugins = reply.get("plugins")
        return _with_paths(plugins if isinstance(plugins, list) else [])


def _with_paths(plugins: list[Item]) -> list[object]:
    """Answer the plugins with their `rootPath` also as `path`, the name of the published interface (11.1)."""
    return [
        {**plugin, "path": plugin["rootPath"]} if isinstance(plugin, dict) and "rootPath" in plugin else plugin
        for plugin in plugins
    ]
