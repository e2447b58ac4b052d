"""Lead an HTTP call to the caller's runner and its answer back, with the errors of the contract (rest-runners.md 5)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from relay.http.errors import RUNNER_ANSWER_UNREADABLE, RUNNER_CALL_FAILED, ApiError, ErrorSpec
from relay.http.routes import Call
from relay.runners.gate import gate
from relay.runners.limits import CommandLimits
from relay.runners.profile import Item, too_deep
from relay.runners.registry import RunnerRegistry
from relay.runners.rpc import Family, RunnerCallError, RunnerRpc
from relay.runners.runner import Runner

log = logging.getLogger(__name__)


class RunnerDoor:
    """Let callers through to their runner and turn what goes wrong on the way into HTTP errors."""

    def __init__(self, registry: RunnerRegistry, rpc: RunnerRpc, limits: CommandLimits) -> None:
        self.limits = limits
        self._registry = registry
        self._rpc = rpc

    def gate(self, call: Call) -> Runner:
        """Answer the runner that the path names; raises ApiError 404 or 403 (1.3)."""
        return gate(call, self._registry)

    async def ask(
        self,
        runner: Runner,
        event: str,
        payload: Mapping[str, object],
        *,
        timeout: float,
        family: Family = Family.GENERIC,
        failure: ErrorSpec | None = None,
    ) -> Item:
        """Answer the runner's reply to a command, whatever it says.

        Raises ApiError 502 when there is none: with the text of `failure`, or else with the reason.
        """
        try:
            reply = await self._rpc.call(runner, event, payload, timeout=timeout, family=family)
        except RunnerCallError as error:
            reason = type(error).__name__
            log.info("runner command failed", extra={"runner_id": runner.runner_id, "command": event, "reason": reason})
            raise (failure() if failure is not None else RUNNER_CALL_FAILED(reason=error.message)) from error
        if too_deep(reply):
            log.warning("runner answer refused", extra={"runner_id": runner.runner_id, "command": event})
            raise RUNNER_ANSWER_UNREADABLE()
        return reply

    async def demand(
        self,
        runner: Runner,
        event: str,
        payload: Mapping[str, object],
        *,
        timeout: float,
        refusal: ErrorSpec,
        family: Family = Family.GENERIC,
        failure: ErrorSpec | None = None,
    ) -> Item:
        """Answer the reply of a runner that did as asked; raises as `ask`, and `refusal` when its `ok` is not true."""
        reply = await self.ask(runner, event, payload, timeout=timeout, family=family, failure=failure)
        if not reply.get("ok"):
            raise refused(refusal, reply)
        return reply


def refused(spec: ErrorSpec, reply: Mapping[str, object]) -> ApiError:
    """Make the error of a reply without `ok`, with the runner's own message where it has one."""
    message = reply.get("message")
    return ApiError(spec.status, message if isinstance(message, str) and message else spec.message)
