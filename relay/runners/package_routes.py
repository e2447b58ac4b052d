"""Answer the HTTP calls about the packages of a runner (rest-runners.md 6.4)."""

from __future__ import annotations

from typing import Final

from relay.http.errors import (
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    PACKAGE_REFUSED,
    PACKAGE_SOURCE_INVALID,
    PACKAGE_SOURCE_NO_STRING,
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    ApiError,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import REFUSAL, Shape
from relay.runners import machine_schemas as schemas
from relay.runners.door import RunnerDoor, refused
from relay.runners.profile import Item

_GATED: Final = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)
_ASKED: Final = (*_GATED, RUNNER_CALL_FAILED, PACKAGE_REFUSED)


class PackageRoutes:
    """Serve the package endpoints.

    A runner's refusal is 502 with `ok: false`: passed through with 200, as upstream does, browsers show a failed
    install as a success.
    """

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        base = "/api/runners/{runnerId}/packages"
        return [
            Route(
                "GET",
                base,
                self.list_packages,
                "List the packages of a runner",
                errors=_ASKED,
                shape=Shape(schemas.RunnerSaid, error=schemas.PackageFailure),
            ),
            Route(
                "POST",
                base,
                self.no_such_call,
                "Refuse a change that names no action",
                errors=(*_GATED, NOT_FOUND),
                shape=REFUSAL,
            ),
            self._others(base),
            *self._changes(base),
        ]

    def _changes(self, base: str) -> list[Route]:
        source, choice = schemas.PackageSource, schemas.PackageChoice
        rows = []
        for action, handler, summary, request, invalid in (
            ("install", self.install, "Install a package on a runner", source, PACKAGE_SOURCE_INVALID),
            ("remove", self.remove, "Remove a package from a runner", source, PACKAGE_SOURCE_INVALID),
            ("update", self.update, "Update one package of a runner, or all", choice, PACKAGE_SOURCE_NO_STRING),
        ):
            change = Route(
                "POST",
                f"{base}/{action}",
                handler,
                summary,
                body=Body.STRICT,
                guard=self._door.gate,
                errors=(*_ASKED, invalid),
                shape=Shape(schemas.RunnerSaid, request, error=schemas.PackageFailure),
            )
            rows += [change, self._others(change.path)]
        return rows

    def _others(self, path: str) -> Route:
        errors = (*_GATED, METHOD_NOT_ALLOWED)
        return Route("*", path, self.not_allowed, "Refuse other methods", errors=errors, shape=REFUSAL)

    async def list_packages(self, call: Call) -> Json:
        """Answer the configured packages as the runner gives them."""
        return await self._demand(call, "packages_list", {}, self._door.limits.package_list)

    async def install(self, call: Call) -> Json:
        """Install a package; the answer comes when the runner is done."""
        return await self._change(call, "packages_install", _source(call))

    async def remove(self, call: Call) -> Json:
        """Remove a package."""
        return await self._change(call, "packages_remove", _source(call))

    async def update(self, call: Call) -> Json:
        """Update the package that `source` names, or every one without it."""
        payload: Item = {}
        if "source" in call.body:
            payload["source"] = call.body["source"]
            if not isinstance(payload["source"], str):
                raise PACKAGE_SOURCE_NO_STRING()
        return await self._change(call, "packages_update", payload)

    async def no_such_call(self, call: Call) -> Json:
        """Answer 404: packages are changed below this path."""
        self._door.gate(call)
        raise NOT_FOUND()

    async def not_allowed(self, call: Call) -> Json:
        """Answer 405, the one place besides pins that does."""
        self._door.gate(call)
        bare = call.request.path.endswith("/packages")
        raise METHOD_NOT_ALLOWED(headers={"Allow": "GET" if bare else "POST"})

    async def _change(self, call: Call, event: str, payload: Item) -> Json:
        return await self._demand(call, event, payload, self._door.limits.package_change)

    async def _demand(self, call: Call, event: str, payload: Item, timeout: float) -> Json:
        reply = await self._door.ask(self._door.gate(call), event, payload, timeout=timeout)
        if not reply.get("ok"):
            error = refused(PACKAGE_REFUSED, reply)
            raise ApiError(error.status, error.message, extra={"ok": False})
        return reply


def _source(call: Call) -> Item:
    source = call.body.get("source")
    if not isinstance(source, str) or not source:
        raise PACKAGE_SOURCE_INVALID()
    return {"source": source, "local": call.body.get("local") is True}
