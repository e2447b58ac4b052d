"""Answer the seed's calls about trigger subscriptions, and what there is to subscribe to (rest-runners.md 8.5, 8.6)."""

from __future__ import annotations

from typing import Final

from relay.http import body as bodies
from relay.http.errors import (
    INVALID_JSON,
    LISTENER_NOT_FOUND,
    SESSION_NOT_FOUND,
    SUBSCRIPTION_NOT_FOUND,
    SUBSCRIPTION_NOT_STORED,
    SUBSCRIPTION_UNKNOWN,
    TRIGGER_PARAMS_INVALID,
    TRIGGER_TYPE_MISSING,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.triggers import schemas
from relay.triggers.definitions import definitions, is_allowed, sigils
from relay.triggers.owners import Owned, SessionOwners
from relay.triggers.params import read_mode
from relay.triggers.pseudo import PseudoSessions
from relay.triggers.records import PSEUDO_SESSION, Subscription
from relay.triggers.records import Json as Item
from relay.triggers.subscribing import CREATE_ERRORS, Subscribing
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.views import subscription_json

#: Bytes of a request body here (1.2).
_LIMIT: Final = 1_048_576


class SubscriptionRoutes:
    """Serve `/api/sessions/{sessionId}/trigger-subscriptions`, `available-triggers` and `available-sigils`."""

    def __init__(
        self,
        sessions: SessionRegistry,
        runners: RunnerRegistry,
        owners: SessionOwners,
        subscriptions: Subscriptions,
        subscribing: Subscribing,
        pseudo: PseudoSessions,
    ) -> None:
        self._sessions = sessions
        self._runners = runners
        self._owners = owners
        self._subscriptions = subscriptions
        self._subscribing = subscribing
        self._pseudo = pseudo

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        session = "/api/sessions/{sessionId}"
        base = f"{session}/trigger-subscriptions"
        one = base + "/{target:path}"
        live = (SESSION_NOT_FOUND,)
        return [
            Route(
                "GET",
                f"{session}/available-triggers",
                self.triggers,
                "List what a session can subscribe to",
                errors=live,
                shape=Shape(schemas.TriggerDefinitions),
            ),
            Route(
                "GET",
                f"{session}/available-sigils",
                self.sigils,
                "List the sigils of a session's runner",
                errors=live,
                shape=Shape(schemas.SigilDefinitions),
            ),
            Route(
                "GET",
                base,
                self.list_all,
                "List the trigger subscriptions of a session",
                errors=live,
                shape=Shape(schemas.SubscriptionList),
            ),
            Route(
                "POST",
                base,
                self.subscribe,
                "Subscribe a session to a trigger",
                body=Body.STRICT,
                guard=self._present,
                errors=(TRIGGER_TYPE_MISSING.filled(field="triggerType"), *CREATE_ERRORS),
                shape=Shape(schemas.SubscriptionStored, schemas.NewSubscription),
            ),
            Route(
                "PUT",
                one,
                self.update,
                "Replace the params and filters of a trigger subscription",
                body=Body.RAW,
                limit=_LIMIT,
                errors=(
                    SESSION_NOT_FOUND,
                    INVALID_JSON,
                    SUBSCRIPTION_UNKNOWN,
                    TRIGGER_PARAMS_INVALID,
                    SUBSCRIPTION_NOT_STORED,
                ),
                shape=Shape(schemas.SubscriptionStored, schemas.SubscriptionChange, schemas.SubscriptionQuery),
            ),
            Route(
                "DELETE",
                one,
                self.unsubscribe,
                "End trigger subscriptions of a session",
                errors=(SESSION_NOT_FOUND, SUBSCRIPTION_NOT_FOUND, LISTENER_NOT_FOUND, SUBSCRIPTION_NOT_STORED),
                shape=Shape(schemas.Unsubscribed, query=schemas.SubscriptionQuery),
            ),
        ]

    async def triggers(self, call: Call) -> Json:
        """Answer the definitions of the session's runner that its mode allows."""
        session, runner = self._live(call)
        if runner is None:
            return {"triggerDefs": []}
        return {"triggerDefs": [one for one in definitions(runner) if is_allowed(one, runner, session.cwd)]}

    async def sigils(self, call: Call) -> Json:
        """Answer the sigils of the session's runner."""
        _, runner = self._live(call)
        return {"sigilDefs": [] if runner is None else sigils(runner)}

    async def list_all(self, call: Call) -> Json:
        """Answer the subscriptions of a session, ended ones included."""
        owner = await self._owner(call)
        found = self._subscriptions.of_session(owner.session_id, owner.user_id)
        return {"subscriptions": [subscription_json(one) for one in found]}

    async def subscribe(self, call: Call) -> Json:
        """Subscribe a session; nothing is de-duplicated."""
        owner = self._present(call)
        trigger_type = call.body.get("triggerType")
        if not isinstance(trigger_type, str) or not trigger_type.strip():
            raise TRIGGER_TYPE_MISSING(field="triggerType")
        made = await self._subscribing.subscribe(
            owner, trigger_type.strip(), call.body, deliver_as="followUp", route=False
        )
        return _stored(made, call.body)

    async def update(self, call: Call) -> Json:
        """Replace params, filters and mode of one subscription; what the body lacks is erased."""
        owner = await self._owner(call)
        body = await bodies.read_json(call.request, Body.STRICT, _LIMIT)
        named = body.get("subscriptionId")
        asked = _query_id(call) or (named.strip() if isinstance(named, str) else "")
        target = asked or call.params["target"]
        held = self._subscriptions.of_session(owner.session_id, owner.user_id)
        found = next((one for one in held if one.subscription_id == target), None)
        if found is None and not asked:
            found = next((one for one in held if one.trigger_type == target), None)
        changed = None if found is None else await self._subscribing.replace(found, body)
        if changed is None:
            raise SUBSCRIPTION_UNKNOWN(target=target)
        return _stored(changed, body)

    async def unsubscribe(self, call: Call) -> Json:
        """End one subscription by its id, or every one of a type; the listener behind a pseudo-session (8.3)."""
        if call.params["sessionId"].startswith(PSEUDO_SESSION):
            return {"ok": True, "removed": await self._pseudo.remove(call.params["sessionId"], call.user.user_id)}
        owner = await self._owner(call)
        held = self._subscriptions.of_session(owner.session_id, owner.user_id)
        asked, path = _query_id(call), call.params["target"]
        named = [one for one in held if one.subscription_id == (asked or path)]
        if not named and not asked:
            named = [one for one in held if one.trigger_type == path]
        gone = await self._subscribing.remove(named)
        if not gone:
            raise SUBSCRIPTION_NOT_FOUND()
        answer: Item = {"ok": True, "triggerType": gone[0].trigger_type, "removed": len(gone)}
        if len(gone) == 1:
            answer["subscriptionId"] = gone[0].subscription_id
        return answer

    def _live(self, call: Call) -> tuple[AgentSession, Runner | None]:
        """Answer the caller's live session and its runner; raises ApiError 404."""
        session = self._sessions.owned(call.params["sessionId"], call.user.user_id)
        if session is None:
            raise SESSION_NOT_FOUND()
        runner = self._runners.get(session.runner_id) if session.runner_id is not None else None
        return session, runner if runner is not None and runner.user_id == session.user_id else None

    def _present(self, call: Call) -> Owned:
        owner = self._owners.present(call.params["sessionId"], call.user.user_id)
        if owner is None:
            raise SESSION_NOT_FOUND()
        return owner

    async def _owner(self, call: Call) -> Owned:
        owner = await self._owners.resolve(call.params["sessionId"], call.user.user_id)
        if owner is None:
            raise SESSION_NOT_FOUND()
        return owner


def _query_id(call: Call) -> str:
    return call.query.get("subscriptionId", "").strip() if call.request.query_string else ""


def _stored(one: Subscription, body: Item) -> Item:
    """Answer what was stored; the mode also when it was only said."""
    mode = read_mode(body.get("filterMode"))
    return {"ok": True, **subscription_json(one), **({"filterMode": mode} if mode is not None else {})}
