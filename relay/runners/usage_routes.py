"""Answer the HTTP call about what a runner's sessions cost (rest-runners.md 5.15)."""

from __future__ import annotations

from typing import Final

from relay.http.errors import RUNNER_CALL_FAILED, RUNNER_FORBIDDEN, RUNNER_NOT_FOUND, USAGE_RANGE_INVALID
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import machine_schemas as schemas
from relay.runners.door import RunnerDoor
from relay.runners.profile import Item

RANGES: Final = ("7d", "30d", "90d", "all")
DEFAULT_RANGE: Final = "90d"


class UsageRoutes:
    """Serve the usage endpoint."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the row of this concern."""
        errors = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN, USAGE_RANGE_INVALID, RUNNER_CALL_FAILED)
        summary = "Add up tokens and cost of a runner's sessions"
        return [
            Route(
                "GET",
                "/api/runners/{runnerId}/usage",
                self.usage,
                summary,
                errors=errors,
                shape=Shape(schemas.Usage, query=schemas.UsageQuery),
            )
        ]

    async def usage(self, call: Call) -> Json:
        """Answer the runner's figures, with the totals also at the top."""
        runner = self._door.gate(call)
        wanted = call.query.get("range", DEFAULT_RANGE)
        if wanted not in RANGES:
            raise USAGE_RANGE_INVALID()
        data = await self._door.ask(runner, "get_usage", {"range": wanted}, timeout=self._door.limits.usage)
        raise_error(data)
        return {**data, **flat(data)}


def raise_error(data: Item) -> None:
    """Raise ApiError 502 when what a runner answered as data is an error."""
    error = data.get("error")
    if error:
        raise RUNNER_CALL_FAILED(reason=error if isinstance(error, str) else "Runner command failed")


def flat(data: Item) -> Item:
    """Answer the totals in the published interface's form (11.1); what the runner does not know is 0 or empty."""
    found = data.get("summary")
    summary: Item = found if isinstance(found, dict) else {}
    sessions = data.get("recentSessions")
    return {
        "ok": True,
        "totalInputTokens": summary.get("totalInputTokens", 0),
        "totalOutputTokens": summary.get("totalOutputTokens", 0),
        "totalCostUsd": summary.get("totalCost", 0),
        "sessions": sessions if isinstance(sessions, list) else [],
    }
