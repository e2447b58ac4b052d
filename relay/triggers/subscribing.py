"""Check what a caller wants of a subscription, and make or change it; the one engine behind both faces (8.6, 14.2)."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from relay.clock import Clock
from relay.http.errors import (
    SESSION_NOT_FOUND,
    SUBSCRIPTION_NOT_STORED,
    SUBSCRIPTIONS_FULL,
    TRIGGER_CATALOGUE_MISSING,
    TRIGGER_PARAMS_INVALID,
    TRIGGER_RUNNER_MISSING,
    TRIGGER_TYPE_SCOPED,
    TRIGGER_TYPE_UNAVAILABLE,
)
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.links.links import usable_id
from relay.storage import StorageError
from relay.triggers.definitions import find_definition, has_catalogue, is_allowed, scope
from relay.triggers.owners import Owned, SessionOwners
from relay.triggers.params import check_params, read_filters, read_mode, schedule_problem
from relay.triggers.records import Filter, Json, Subscription
from relay.triggers.subscriptions import Subscriptions

log = logging.getLogger(__name__)

_Edit = Callable[[Subscription], Subscription]

_BASE36: Final = string.digits + string.ascii_lowercase
_RANDOM: Final = 8
#: What the checks of a new subscription may answer, for the route tables.
CREATE_ERRORS: Final = (
    SESSION_NOT_FOUND,
    TRIGGER_RUNNER_MISSING,
    TRIGGER_CATALOGUE_MISSING,
    TRIGGER_TYPE_UNAVAILABLE,
    TRIGGER_TYPE_SCOPED,
    TRIGGER_PARAMS_INVALID,
    SUBSCRIPTIONS_FULL,
    SUBSCRIPTION_NOT_STORED,
)


class Subscribing:
    """Validate against the runner's catalogue, then store."""

    def __init__(
        self, subscriptions: Subscriptions, owners: SessionOwners, runners: RunnerRegistry, clock: Clock
    ) -> None:
        self._subscriptions = subscriptions
        self._owners = owners
        self._runners = runners
        self._clock = clock

    async def subscribe(
        self, owner: Owned, trigger_type: str, body: Mapping[str, object], *, deliver_as: str, route: bool
    ) -> Subscription:
        """Carry out the checks 3 to 10 of 8.6 on a type and the body's params, filters and mode; raises ApiError."""
        definition = self._offered(owner, trigger_type)
        params, filters = body.get("params"), body.get("filters")
        _check_schedule(trigger_type, params)
        checked = check_params(definition, params)
        _refuse(checked.problems)
        if self._subscriptions.is_full(owner.user_id):
            raise SUBSCRIPTIONS_FULL()
        new = Subscription(
            subscription_id=self._new_id(owner.session_id, trigger_type),
            user_id=owner.user_id,
            session_id=owner.session_id,
            runner_id=owner.runner_id or "",
            trigger_type=trigger_type,
            deliver_as=deliver_as,
            params=checked.params,
            filters=_filters(definition, filters, route=route),
            filter_mode=read_mode(body.get("filterMode")) or "and",
            created_at=self._clock.now_iso(),
        )

        def still_there() -> bool:
            return self._owners.present(owner.session_id, owner.user_id) is not None

        try:
            if not await self._subscriptions.create(new, still_there):
                raise SESSION_NOT_FOUND()
        except StorageError as error:
            log.exception("subscription not stored", extra={"session_id": owner.session_id})
            raise SUBSCRIPTION_NOT_STORED() from error
        return new

    async def replace(self, found: Subscription, body: Mapping[str, object]) -> Subscription | None:
        """Give a subscription exactly the params, filters and mode of a body (8.6); None when it is gone meanwhile.

        Raises ApiError.
        """

        def edit(before: Subscription) -> Subscription:
            definition = self._known(before)
            params = body.get("params")
            _check_schedule(before.trigger_type, params)
            checked = check_params(definition, params, change=True)
            _refuse(checked.problems)
            return replace(
                before,
                params=checked.params,
                filters=_filters(definition, body.get("filters"), route=False),
                filter_mode=read_mode(body.get("filterMode")) or "and",
            )

        return await self._change(found, edit)

    async def merge(
        self, found: Subscription, body: Mapping[str, object], *, session_id: str | None, deliver_as: str | None
    ) -> Subscription | None:
        """Change what a body names and leave the rest (14.2); None when the subscription is gone meanwhile.

        New params take the place of the old ones but for stored keys with a leading `_` that they do not name, which
        the tools that change schedules leave out and a replacement session needs. Raises ApiError.
        """

        def edit(before: Subscription) -> Subscription:
            definition = self._known(before)
            params, filters = body.get("params"), body.get("filters")
            after = before
            if isinstance(params, dict):
                _check_schedule(before.trigger_type, params)
                checked = check_params(definition, params, change=True)
                _refuse(checked.problems)
                after = replace(after, params=_with_hidden(before.params, params, checked.params))
            if isinstance(filters, list):
                after = replace(after, filters=_filters(definition, filters, route=True))
            return replace(
                after,
                filter_mode=read_mode(body.get("filterMode")) or before.filter_mode,
                session_id=session_id or before.session_id,
                deliver_as=deliver_as or before.deliver_as,
            )

        return await self._change(found, edit)

    async def remove(self, records: Sequence[Subscription]) -> list[Subscription]:
        """Delete subscriptions; answer those that were still there. Raises ApiError 503."""
        try:
            return await self._subscriptions.remove(records)
        except StorageError as error:
            log.exception("subscriptions not deleted", extra={"count": len(records)})
            raise SUBSCRIPTION_NOT_STORED() from error

    async def _change(self, found: Subscription, edit: _Edit) -> Subscription | None:
        try:
            return await self._subscriptions.change(found.subscription_id, found.user_id, edit)
        except StorageError as error:
            log.exception("subscription not stored", extra={"session_id": found.session_id})
            raise SUBSCRIPTION_NOT_STORED() from error

    def _offered(self, owner: Owned, trigger_type: str) -> Json:
        """Answer the definition of a type that the session may subscribe to; raises ApiError 422 or 503."""
        if owner.runner_id is None:
            raise TRIGGER_RUNNER_MISSING()
        runner = self._runner(owner.runner_id, owner.user_id)
        if runner is None or not has_catalogue(runner):
            raise TRIGGER_CATALOGUE_MISSING()
        definition = find_definition(runner, trigger_type) if usable_id(trigger_type) else None
        if definition is None:
            raise TRIGGER_TYPE_UNAVAILABLE(type=trigger_type)
        check_scope(definition, runner, owner.cwd)
        return definition

    def _known(self, one: Subscription) -> Json | None:
        return find_definition(self._runner(one.runner_id, one.user_id), one.trigger_type)

    def _runner(self, runner_id: str, user_id: str) -> Runner | None:
        runner = self._runners.get(runner_id)
        return runner if runner is not None and runner.user_id == user_id else None

    def _new_id(self, session_id: str, trigger_type: str) -> str:
        random = "".join(secrets.choice(_BASE36) for _ in range(_RANDOM))
        return f"sub:{session_id}:{trigger_type}:{self._clock.now_ms()}:{random}"


def check_scope(definition: Json, runner: Runner, cwd: str | None) -> None:
    """Raise ApiError 422 when a definition is for modes that `cwd` is not in (3.4)."""
    if not is_allowed(definition, runner, cwd):
        raise TRIGGER_TYPE_SCOPED(type=definition.get("type"), modes=", ".join(scope(definition)))


def _check_schedule(trigger_type: str, params: object) -> None:
    problem = schedule_problem(trigger_type, params) if isinstance(params, dict) else None
    if problem is not None:
        raise TRIGGER_PARAMS_INVALID(problems=problem)


def _filters(definition: Json | None, value: object, *, route: bool) -> tuple[Filter, ...]:
    filters, problems = read_filters(definition, value, route=route)
    _refuse(problems)
    return filters


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise TRIGGER_PARAMS_INVALID(problems="; ".join(problems))


def _with_hidden(before: Mapping[str, object] | None, sent: Mapping[str, object], checked: Json | None) -> Json | None:
    hidden = {key: value for key, value in (before or {}).items() if key.startswith("_") and key not in sent}
    return {**hidden, **(checked or {})} or None
