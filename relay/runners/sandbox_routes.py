"""Answer the HTTP calls about the sandbox of a runner (rest-runners.md 5.14)."""

from __future__ import annotations

from typing import Final

from relay.http.errors import (
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SANDBOX_LIST_INVALID,
    SANDBOX_MODE_INVALID,
    SANDBOX_STATUS_REFUSED,
    SANDBOX_UPDATE_REFUSED,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import machine_schemas as schemas
from relay.runners.door import RunnerDoor
from relay.runners.profile import Item, strings

MODES: Final = ("none", "basic", "full")
#: The lists of a sandbox configuration, by their group.
LISTS: Final = {
    "filesystem": ("denyRead", "allowWrite", "denyWrite"),
    "network": ("allowedDomains", "deniedDomains"),
}


class SandboxRoutes:
    """Serve the sandbox endpoints."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        asked = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN, RUNNER_CALL_FAILED)
        return [
            Route(
                "GET",
                "/api/runners/{runnerId}/sandbox-status",
                self.status,
                "Read the sandbox of a runner",
                errors=(*asked, SANDBOX_STATUS_REFUSED),
                shape=Shape(schemas.SandboxStatus),
            ),
            Route(
                "PUT",
                "/api/runners/{runnerId}/sandbox-config",
                self.configure,
                "Change the sandbox of a runner",
                body=Body.STRICT,
                guard=self._door.gate,
                errors=(*asked, SANDBOX_MODE_INVALID, SANDBOX_LIST_INVALID, SANDBOX_UPDATE_REFUSED),
                shape=Shape(schemas.RunnerSaid, schemas.SandboxConfig),
            ),
        ]

    async def status(self, call: Call) -> Json:
        """Answer the runner's reply, with the lists in force also at the top."""
        runner = self._door.gate(call)
        reply = await self._door.demand(
            runner, "sandbox_get_status", {}, timeout=self._door.limits.sandbox, refusal=SANDBOX_STATUS_REFUSED
        )
        return {**lifted(reply), **reply}

    async def configure(self, call: Call) -> Json:
        """Forward a checked configuration whole; `network: null` is legal and clears."""
        runner = self._door.gate(call)
        check(call.body)
        return await self._door.demand(
            runner,
            "sandbox_update_config",
            {"config": call.body},
            timeout=self._door.limits.sandbox,
            refusal=SANDBOX_UPDATE_REFUSED,
        )


def check(config: Item) -> None:
    """Raise ApiError 400 for an unknown mode, or for a list that is something else; absent and null are legal."""
    if "mode" in config and config["mode"] not in MODES:
        raise SANDBOX_MODE_INVALID()
    for group, names in LISTS.items():
        members = config.get(group)
        if not isinstance(members, dict):
            continue
        for name in names:
            if not _is_list_or_nothing(members.get(name)):
                raise SANDBOX_LIST_INVALID(field=f"{group}.{name}")


def lifted(status: Item) -> Item:
    """Answer `filesystem` and `network` in force: those of `config.srtConfig`, else of `rawConfig`, else empty."""
    config, raw = status.get("config"), status.get("rawConfig")
    resolved = config.get("srtConfig") if isinstance(config, dict) else None
    source: Item = resolved if isinstance(resolved, dict) else raw if isinstance(raw, dict) else {}
    answer: Item = {}
    for group, names in LISTS.items():
        members = source.get(group)
        answer[group] = {name: strings(members.get(name) if isinstance(members, dict) else None) for name in names}
    return answer


def _is_list_or_nothing(value: object) -> bool:
    # Clients may send any of JavaScript's empty values for "not set"; an empty object is none of them.
    if value is None or value is False or value in ("", 0):
        return True
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
