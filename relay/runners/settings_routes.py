"""Answer the HTTP calls about the settings of a runner (rest-runners.md 6.1, 6.2).

Settings hold secrets: nothing of them is kept or logged here.
"""

from __future__ import annotations

from typing import Final, get_args

from relay.http.errors import (
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SETTINGS_READ_REFUSED,
    SETTINGS_SECTION_INVALID,
    SETTINGS_UPDATE_REFUSED,
    SETTINGS_VALUE_MISSING,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import machine_schemas as schemas
from relay.runners.door import RunnerDoor

SECTIONS: Final[tuple[str, ...]] = get_args(schemas.SettingsSectionName)


class SettingsRoutes:
    """Serve the settings endpoints."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        path = "/api/runners/{runnerId}/settings"
        asked = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN, RUNNER_CALL_FAILED)
        return [
            Route(
                "GET",
                path,
                self.read,
                "Read the settings of a runner",
                errors=(*asked, SETTINGS_READ_REFUSED),
                shape=Shape(schemas.RunnerSaid),
            ),
            Route(
                "PUT",
                path,
                self.update,
                "Replace one section of a runner's settings",
                body=Body.STRICT,
                guard=self._door.gate,
                errors=(*asked, SETTINGS_SECTION_INVALID, SETTINGS_VALUE_MISSING, SETTINGS_UPDATE_REFUSED),
                shape=Shape(schemas.RunnerSaid, schemas.SettingsSection),
            ),
        ]

    async def read(self, call: Call) -> Json:
        """Answer the settings as the runner gives them, its secrets masked by itself."""
        runner = self._door.gate(call)
        return await self._door.demand(
            runner, "settings_get_config", {}, timeout=self._door.limits.settings, refusal=SETTINGS_READ_REFUSED
        )

    async def update(self, call: Call) -> Json:
        """Replace one section; `value: null` is a value, a missing `value` is not."""
        runner = self._door.gate(call)
        section = call.body.get("section")
        if section not in SECTIONS:
            raise SETTINGS_SECTION_INVALID(sections=", ".join(SECTIONS))
        if "value" not in call.body:
            raise SETTINGS_VALUE_MISSING()
        return await self._door.demand(
            runner,
            "settings_update_section",
            {"section": section, "value": call.body["value"]},
            timeout=self._door.limits.settings,
            refusal=SETTINGS_UPDATE_REFUSED,
        )
