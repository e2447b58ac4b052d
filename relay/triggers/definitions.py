"""Look up trigger definitions in a runner's service catalogue, and whom they are for (rest-runners.md 2.2, 3.4)."""

from __future__ import annotations

from collections.abc import Iterable

from relay.runners.runner import Runner
from relay.triggers.records import Json


def has_catalogue(runner: Runner) -> bool:
    """Tell whether a runner announced any service, disabled ones included (2.2)."""
    return bool(runner.services("serviceIds") or runner.services("disabledServiceIds"))


def definitions(runner: Runner) -> list[Json]:
    """Answer a runner's trigger definitions."""
    return _objects(runner.services("triggerDefs"))


def find_definition(runner: Runner | None, trigger_type: str) -> Json | None:
    """Answer the definition of a type; None when there is none or no runner."""
    if runner is None:
        return None
    return next((one for one in definitions(runner) if one.get("type") == trigger_type), None)


def sigils(runner: Runner) -> list[Json]:
    """Answer a runner's sigil definitions, whole."""
    return _objects(runner.services("sigilDefs"))


def scope(definition: Json) -> list[str]:
    """Answer the modes that a definition is limited to, none when it is for everybody."""
    modes = definition.get("modes")
    return [mode for mode in modes if isinstance(mode, str)] if isinstance(modes, list) else []


def is_allowed(definition: Json, runner: Runner, cwd: str | None) -> bool:
    """Tell whether a session in `cwd` may use a definition: it has no scope, or one that holds the mode of `cwd`."""
    modes = definition.get("modes")
    if not isinstance(modes, list) or not modes:
        return True
    return mode_of(_objects(runner.services("sessionModes")), cwd) in scope(definition)


def mode_of(modes: Iterable[Json], cwd: str | None) -> str | None:
    """Answer the id of the mode with the longest workspace that is `cwd` or above it."""
    if not cwd:
        return None
    best, best_id = "", None
    for mode in modes:
        workspace, mode_id = mode.get("workspace"), mode.get("id")
        if not isinstance(workspace, str) or not isinstance(mode_id, str):
            continue
        path = workspace.rstrip("/")
        if path and (cwd == path or cwd.startswith(f"{path}/")) and len(workspace) > len(best):
            best, best_id = workspace, mode_id
    return best_id


def _objects(items: Iterable[object]) -> list[Json]:
    return [item for item in items if isinstance(item, dict)]
