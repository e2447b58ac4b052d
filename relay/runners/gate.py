"""Let a request through to the caller's own, registered runner (rest-runners.md 1.3)."""

from __future__ import annotations

from relay.http.errors import RUNNER_FORBIDDEN, RUNNER_NOT_FOUND
from relay.http.routes import Call
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner


def gate(call: Call, registry: RunnerRegistry, runner_id: str | None = None) -> Runner:
    """Answer the runner that the path names (`{runnerId}`), or `runner_id` where it stands elsewhere.

    Raises ApiError 401 without a caller, 404 for a runner that is not registered, 403 for another user's.
    """
    user = call.user
    runner = registry.get(call.params["runnerId"] if runner_id is None else runner_id)
    if runner is None:
        raise RUNNER_NOT_FOUND()
    if runner.user_id != user.user_id:
        raise RUNNER_FORBIDDEN()
    return runner
