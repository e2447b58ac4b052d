"""Answer `/api/routes`: subscriptions under the name that client 0.52.0 has for them (rest-runners.md 14.2)."""

from __future__ import annotations

import logging

from relay.http.errors import (
    DELIVER_AS_INVALID,
    LISTENER_NOT_STORED,
    ROUTE_NOT_FOUND,
    ROUTE_TARGET_INVALID,
    SESSION_NOT_FOUND,
    SUBSCRIPTION_NOT_STORED,
    TRIGGER_PARAMS_INVALID,
    TRIGGER_TYPE_MISSING,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Ok, Shape
from relay.storage import StorageError
from relay.triggers import schemas
from relay.triggers.listeners import Listeners
from relay.triggers.owners import SessionOwners
from relay.triggers.records import Subscription
from relay.triggers.subscribing import CREATE_ERRORS, Subscribing
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.views import route_json

log = logging.getLogger(__name__)


class RouteRoutes:
    """Serve the routes of a user's sessions; a listener is a route only where its runner deletes it."""

    def __init__(
        self, owners: SessionOwners, subscriptions: Subscriptions, subscribing: Subscribing, listeners: Listeners
    ) -> None:
        self._owners = owners
        self._subscriptions = subscriptions
        self._subscribing = subscribing
        self._listeners = listeners

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        one = "/api/routes/{routeId}"
        target = (ROUTE_TARGET_INVALID, DELIVER_AS_INVALID)
        return [
            Route("GET", "/api/routes", self.list_all, "List the caller's routes", shape=Shape(schemas.RouteList)),
            Route(
                "POST",
                "/api/routes",
                self.create,
                "Route an event to a session",
                body=Body.STRICT,
                errors=(TRIGGER_TYPE_MISSING.filled(field="eventType"), *target, *CREATE_ERRORS),
                shape=Shape(schemas.RouteStored, schemas.NewRoute),
            ),
            Route(
                "PUT",
                one,
                self.merge,
                "Change the params, filters or target of a route",
                body=Body.STRICT,
                guard=self._found,
                errors=(ROUTE_NOT_FOUND, *target, SESSION_NOT_FOUND, TRIGGER_PARAMS_INVALID, SUBSCRIPTION_NOT_STORED),
                shape=Shape(schemas.RouteStored, schemas.RouteChange),
            ),
            Route(
                "DELETE",
                one,
                self.delete,
                "Delete a route or a listener",
                errors=(ROUTE_NOT_FOUND, SUBSCRIPTION_NOT_STORED, LISTENER_NOT_STORED),
                shape=Shape(Ok),
            ),
        ]

    async def list_all(self, call: Call) -> Json:
        """Answer every route of the caller's sessions, on whichever runner."""
        return {"routes": [route_json(one) for one in self._subscriptions.of_user(call.user.user_id)]}

    async def create(self, call: Call) -> Json:
        """Make a route to a session that is live or was just spawned."""
        event_type = call.body.get("eventType")
        if not isinstance(event_type, str) or not event_type.strip():
            raise TRIGGER_TYPE_MISSING(field="eventType")
        session_id = _target(call)
        if session_id is None:
            raise ROUTE_TARGET_INVALID()
        deliver_as = _deliver_as(call) or "followUp"
        owner = self._owners.present(session_id, call.user.user_id)
        if owner is None:
            raise SESSION_NOT_FOUND()
        made = await self._subscribing.subscribe(
            owner, event_type.strip(), call.body, deliver_as=deliver_as, route=True
        )
        return {"ok": True, "route": route_json(made)}

    async def merge(self, call: Call) -> Json:
        """Change what the body names; a moved route keeps its id and its runner."""
        found = self._found(call)
        session_id, deliver_as = _target(call), _deliver_as(call)
        if session_id is not None and await self._owners.resolve(session_id, call.user.user_id) is None:
            raise SESSION_NOT_FOUND()
        changed = await self._subscribing.merge(found, call.body, session_id=session_id, deliver_as=deliver_as)
        if changed is None:
            raise ROUTE_NOT_FOUND()
        return {"ok": True, "route": route_json(changed)}

    async def delete(self, call: Call) -> Json:
        """Delete a route, or the listener with this id."""
        route_id, user_id = call.params["routeId"], call.user.user_id
        route = self._subscriptions.get(route_id, user_id)
        if route is not None:
            gone = len(await self._subscribing.remove([route]))
        else:
            gone = await self._delete_listener(route_id, user_id)
        if not gone:
            raise ROUTE_NOT_FOUND()
        return {"ok": True}

    async def _delete_listener(self, listener_id: str, user_id: str) -> int:
        listener = self._listeners.get(listener_id, user_id)
        if listener is None:
            return 0
        try:
            return len(await self._listeners.remove([listener]))
        except StorageError as error:
            log.exception("listener not deleted", extra={"runner_id": listener.runner_id})
            raise LISTENER_NOT_STORED() from error

    def _found(self, call: Call) -> Subscription:
        found = self._subscriptions.get(call.params["routeId"], call.user.user_id)
        if found is None:
            raise ROUTE_NOT_FOUND()
        return found


def _target(call: Call) -> str | None:
    """Answer the session that a body names as target, None without one; raises ApiError 400 for any other target."""
    target = call.body.get("target")
    if target is None:
        return None
    session_id = target.get("sessionId") if isinstance(target, dict) and target.get("kind") == "session" else None
    if not isinstance(session_id, str) or not session_id:
        raise ROUTE_TARGET_INVALID()
    return session_id


def _deliver_as(call: Call) -> str | None:
    word = call.body.get("deliverAs")
    if word is None:
        return None
    if word not in ("steer", "followUp"):
        raise DELIVER_AS_INVALID()
    return str(word)
