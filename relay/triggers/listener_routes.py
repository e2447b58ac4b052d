"""Answer the calls about a runner's triggers, schedules and listeners (rest-runners.md 5.17 to 5.19)."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

from relay.clock import Clock
from relay.http.errors import (
    CWD_OUTSIDE_ROOTS,
    LISTENER_MODEL_HIDDEN,
    LISTENER_NOT_FOUND,
    LISTENER_NOT_STORED,
    LISTENERS_FULL,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    TRIGGER_PARAMS_INVALID,
    TRIGGER_TYPE_MISSING,
    TRIGGER_TYPE_SCOPED,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners.door import RunnerDoor
from relay.runners.models import hidden_keys, model_key
from relay.runners.roots import cwd_matches_roots
from relay.runners.runner import Runner
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.storage import StorageError
from relay.triggers import schemas
from relay.triggers.definitions import definitions, find_definition
from relay.triggers.listeners import Listeners
from relay.triggers.params import oversize
from relay.triggers.records import Json as Item
from relay.triggers.records import Listener, Subscription
from relay.triggers.subscribing import check_scope
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.views import listener_json, subscription_json

log = logging.getLogger(__name__)

#: Answer a user's hidden models as `provider/id`; raises StorageError.
HiddenModelsOf = Callable[[str], Awaitable[Iterable[str]]]

#: Random bytes of a listener's id: 8 characters of base64url (2.9).
_RANDOM: Final = 6


class ListenerRoutes:
    """Serve the listeners of a runner, and the lists that show them beside its triggers and schedules."""

    def __init__(
        self,
        door: RunnerDoor,
        sessions: SessionRegistry,
        subscriptions: Subscriptions,
        listeners: Listeners,
        hidden_models: HiddenModelsOf,
        clock: Clock,
    ) -> None:
        self._door = door
        self._sessions = sessions
        self._subscriptions = subscriptions
        self._listeners = listeners
        self._hidden_models = hidden_models
        self._clock = clock

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        runner = "/api/runners/{runnerId}"
        base, one = f"{runner}/trigger-listeners", runner + "/trigger-listeners/{target}"
        gated = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)
        written = (
            *gated,
            CWD_OUTSIDE_ROOTS,
            TRIGGER_PARAMS_INVALID,
            LISTENER_MODEL_HIDDEN,
            TRIGGER_TYPE_SCOPED,
            LISTENER_NOT_STORED,
        )
        return [
            Route(
                "GET",
                f"{runner}/triggers",
                self.triggers,
                "List the triggers and listeners of a runner",
                errors=gated,
                shape=Shape(schemas.RunnerTriggers),
            ),
            Route(
                "GET",
                f"{runner}/schedules",
                self.schedules,
                "List the schedules on a runner",
                errors=gated,
                shape=Shape(schemas.ScheduleList),
            ),
            Route(
                "GET",
                base,
                self.list_all,
                "List the trigger listeners of a runner",
                errors=gated,
                shape=Shape(schemas.ListenerList),
            ),
            Route(
                "POST",
                base,
                self.create,
                "Let a trigger start sessions on a runner",
                body=Body.LENIENT,
                guard=self._door.gate,
                errors=(TRIGGER_TYPE_MISSING.filled(field="triggerType"), LISTENERS_FULL, *written),
                shape=Shape(schemas.ListenerStored, schemas.NewListener),
            ),
            Route(
                "PUT",
                one,
                self.update,
                "Change a trigger listener",
                body=Body.STRICT,
                guard=self._door.gate,
                errors=(LISTENER_NOT_FOUND, *written),
                shape=Shape(schemas.ListenerStored, schemas.ListenerChange),
            ),
            Route(
                "DELETE",
                one,
                self.delete,
                "Delete trigger listeners",
                errors=(*gated, LISTENER_NOT_STORED),
                shape=Shape(schemas.ListenersGone),
            ),
        ]

    async def triggers(self, call: Call) -> Json:
        """Answer the definitions of a runner, whatever their modes, and its listeners."""
        runner = self._door.gate(call)
        return {"triggerDefs": definitions(runner), "listeners": self._listed(runner)}

    async def schedules(self, call: Call) -> Json:
        """Answer the schedules of the caller's sessions on a runner, of ended ones too."""
        runner = self._door.gate(call)
        found = [one for one in self._subscriptions.of_runner(runner.runner_id, runner.user_id) if one.is_schedule]
        folders = await self._subscriptions.folders(runner.user_id, runner.runner_id) if found else {}
        return {"schedules": [self._schedule(one, folders.get(one.session_id)) for one in found]}

    async def list_all(self, call: Call) -> Json:
        """Answer the listeners of a runner, the newest first."""
        return {"listeners": self._listed(self._door.gate(call))}

    async def create(self, call: Call) -> Json:
        """Make a listener; its type may be one that no service announced."""
        runner = self._door.gate(call)
        trigger_type = _type(call.body)
        if trigger_type is None:
            raise TRIGGER_TYPE_MISSING(field="triggerType")
        new = _changed(
            Listener(
                listener_id=self._new_id(runner.runner_id, trigger_type),
                user_id=runner.user_id,
                runner_id=runner.runner_id,
                trigger_type=trigger_type,
                prompt=None,
                cwd=None,
                model=None,
                params=None,
                auto_close=False,
                created_at=self._clock.now_iso(),
            ),
            call.body,
        )
        await self._check(runner, new, call.body, scoped=True)
        if self._listeners.is_full(runner.user_id):
            raise LISTENERS_FULL()
        try:
            await self._listeners.create(new)
        except StorageError as error:
            raise _not_stored(runner, error) from error
        return _answer(new)

    async def update(self, call: Call) -> Json:
        """Change the listener that the body or the path names, or the newest of the type in the path."""
        runner = self._door.gate(call)
        target = call.params["target"]
        named = self._listeners.get(_text(call.body, "listenerId") or "", runner.user_id)
        found = [named] if named is not None and named.runner_id == runner.runner_id else []
        found = found or self._listeners.of_target(runner.runner_id, runner.user_id, target)
        if not found:
            raise LISTENER_NOT_FOUND(target=target)
        retyped = _type(call.body) is not None
        scoped = retyped or _text(call.body, "cwd") is not None
        await self._check(runner, _changed(found[-1], call.body), call.body, scoped=scoped)
        try:
            changed = await self._listeners.change(
                found[-1].listener_id, runner.user_id, lambda before: _changed(before, call.body)
            )
        except StorageError as error:
            raise _not_stored(runner, error) from error
        if changed is None:
            raise LISTENER_NOT_FOUND(target=target)
        return _answer(changed)

    async def delete(self, call: Call) -> Json:
        """Delete a listener by its id, or all of a type; that there is none is no error."""
        runner = self._door.gate(call)
        target = call.params["target"]
        found = self._listeners.of_target(runner.runner_id, runner.user_id, target)
        try:
            gone = await self._listeners.remove(found)
        except StorageError as error:
            raise _not_stored(runner, error) from error
        answer: Item = {"ok": True, "triggerType": found[0].trigger_type if found else target, "removed": len(gone)}
        if len(gone) == 1:
            answer["listenerId"] = gone[0].listener_id
        return answer

    async def _check(self, runner: Runner, wanted: Listener, body: Item, *, scoped: bool) -> None:
        """Raise ApiError for what a listener may not have; only what the body gives is looked at."""
        problem = oversize("params", wanted.params) if "params" in body else None
        if problem is not None:
            raise TRIGGER_PARAMS_INVALID(problems=problem)
        given = _text(body, "cwd")
        if given and not cwd_matches_roots(runner.roots, given):
            raise CWD_OUTSIDE_ROOTS(cwd=given)
        if _model(body) is not None and await self._is_hidden(wanted):
            raise LISTENER_MODEL_HIDDEN()
        definition = find_definition(runner, wanted.trigger_type) if scoped else None
        if definition is not None:
            check_scope(definition, runner, wanted.cwd)

    async def _is_hidden(self, wanted: Listener) -> bool:
        try:
            hidden = await self._hidden_models(wanted.user_id)
        except StorageError:
            log.exception("hidden models not known, the spawn decides")
            return False
        return wanted.model is not None and (
            model_key(wanted.model["provider"], wanted.model["id"]) in hidden_keys(hidden)
        )

    def _listed(self, runner: Runner) -> list[Item]:
        found = self._listeners.of_runner(runner.runner_id, runner.user_id)
        return [listener_json(one) for one in sorted(found, key=lambda one: one.created_at, reverse=True)]

    def _schedule(self, one: Subscription, folder: str | None) -> Item:
        session = self._sessions.owned(one.session_id, one.user_id)
        return {
            **subscription_json(one),
            "sessionId": one.session_id,
            "sessionName": None if session is None else session.name,
            "cwd": folder if session is None else session.cwd,
            "sessionLive": session is not None,
        }

    def _new_id(self, runner_id: str, trigger_type: str) -> str:
        random = base64.urlsafe_b64encode(secrets.token_bytes(_RANDOM)).decode()
        return f"listener:{runner_id}:{trigger_type}:{self._clock.now_ms()}:{random}"


def _changed(before: Listener, body: Item) -> Listener:
    """Answer a listener with what a body gives; wrong-typed fields and nulls leave it as it is."""
    prompt, cwd, params = _text(body, "prompt"), _text(body, "cwd"), body.get("params")
    auto_close = body.get("autoClose")
    return replace(
        before,
        trigger_type=_type(body) or before.trigger_type,
        prompt=before.prompt if prompt is None else prompt or None,
        cwd=before.cwd if cwd is None else cwd or None,
        model=_model(body) or before.model,
        params=params if isinstance(params, dict) else before.params,
        auto_close=auto_close if isinstance(auto_close, bool) else before.auto_close,
    )


def _type(body: Item) -> str | None:
    """Answer the trigger type that a body gives, None for none or one that can be no key."""
    value = (_text(body, "triggerType") or "").strip()
    return value if usable_id(value) else None


def _model(body: Item) -> dict[str, str] | None:
    value = body.get("model")
    provider, model_id = (value.get("provider"), value.get("id")) if isinstance(value, dict) else (None, None)
    if not isinstance(provider, str) or not isinstance(model_id, str) or not provider or not model_id:
        return None
    return {"provider": provider, "id": model_id}


def _text(body: Item, key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) else None


def _answer(one: Listener) -> Item:
    return {
        "ok": True,
        "listenerId": one.listener_id,
        "triggerType": one.trigger_type,
        "listener": listener_json(one),
    }


def _not_stored(runner: Runner, error: StorageError) -> Exception:
    log.error("listener not stored", exc_info=error, extra={"runner_id": runner.runner_id})
    return LISTENER_NOT_STORED()
