"""Answer `POST /api/events` and `POST /api/sessions/{id}/trigger` (rest-runners.md 8.2, 8.3, 14.1)."""

from __future__ import annotations

import logging

from aiohttp import web

from relay.http.errors import (
    DELIVER_AS_INVALID,
    DELIVERY_ANSWERED,
    FIRE_ID_INVALID,
    LISTENER_NOT_FIRED,
    LISTENER_UNKNOWN,
    PAYLOAD_INVALID,
    RUNNER_AWAY,
    SESSION_AGENT_AWAY,
    SESSION_NOT_LIVE,
    SOURCE_FORBIDDEN,
    TARGET_INVALID,
    TRIGGER_TYPE_INVALID,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.server import json_response
from relay.http.shapes import Shape
from relay.sessions.registry import SessionRegistry
from relay.triggers import schemas
from relay.triggers.deliveries import Deliveries
from relay.triggers.event import read_event, read_trigger
from relay.triggers.events import Events, Published

log = logging.getLogger(__name__)

_TARGET_ERRORS = (SESSION_NOT_LIVE, SESSION_AGENT_AWAY, LISTENER_UNKNOWN, LISTENER_NOT_FIRED, RUNNER_AWAY)
_BODY_ERRORS = (TRIGGER_TYPE_INVALID, PAYLOAD_INVALID, DELIVER_AS_INVALID)


class EventRoutes:
    """Serve what publishes to one session or to everybody."""

    def __init__(self, events: Events, deliveries: Deliveries, registry: SessionRegistry) -> None:
        self._events = events
        self._deliveries = deliveries
        self._registry = registry

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        return [
            Route(
                "POST",
                "/api/events",
                self.publish,
                "Publish an event to one session or to everybody who subscribed to its type",
                body=Body.STRICT,
                errors=(
                    *_BODY_ERRORS,
                    TARGET_INVALID,
                    FIRE_ID_INVALID,
                    *_TARGET_ERRORS,
                    SOURCE_FORBIDDEN,
                    DELIVERY_ANSWERED,
                ),
                shape=Shape(schemas.Published, schemas.NewEvent),
            ),
            Route(
                "POST",
                "/api/sessions/{sessionId}/trigger",
                self.trigger,
                "Send a trigger to one session",
                body=Body.STRICT,
                guard=self._not_foreign,
                errors=(*_BODY_ERRORS, *_TARGET_ERRORS),
                shape=Shape(schemas.Triggered, schemas.NewTrigger),
            ),
        ]

    async def publish(self, call: Call) -> web.StreamResponse | Json:
        """Publish an event; a child listens for its answer only after ours, so that is sent first (14.3)."""
        published = await self._events.publish(call.user.user_id, read_event(call.body))
        answer = {
            "ok": True,
            "eventId": published.event_id,
            "created": published.created,
            "deliveries": list(published.deliveries),
        }
        if published.asked is None:
            return answer
        return await self._answer_first(call, answer, published.asked)

    async def trigger(self, call: Call) -> Json:
        """Send a trigger to a session, or fire the listener whose pseudo-session the path names."""
        event = read_trigger(call.body, call.params["sessionId"], deliver_as="steer", source="api")
        published = await self._events.publish(call.user.user_id, event)
        return {"ok": True, "triggerId": published.trigger_id, **_spawned(published)}

    async def _answer_first(self, call: Call, answer: Json, asked: tuple[str, str]) -> web.StreamResponse:
        response = json_response(answer)
        try:
            await response.prepare(call.request)
            await response.write_eof()
        finally:
            self._deliveries.heard(*asked)
        return response

    def _not_foreign(self, call: Call) -> None:
        """Hide another user's session before the body is looked at (8.2, step 1)."""
        session = self._registry.get(call.params["sessionId"])
        if session is not None and session.user_id != call.user.user_id:
            raise SESSION_NOT_LIVE()


def _spawned(published: Published) -> dict[str, object]:
    return {} if published.spawned is None else {"spawnedSessionId": published.spawned}
