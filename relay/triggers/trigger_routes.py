"""Answer the calls about what was delivered: broadcasts, histories, responses (rest-runners.md 8.5, 8.8, 14.3)."""

from __future__ import annotations

from typing import Final

import orjson
from aiohttp import web

from relay.http.errors import (
    DELIVER_AS_INVALID,
    DELIVERY_ANSWERED,
    DELIVERY_NOT_FOUND,
    PAYLOAD_INVALID,
    RESPONSE_INVALID,
    RUNNER_NOT_FOUND,
    SESSION_NOT_LIVE,
    TRIGGER_TYPE_INVALID,
)
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.server import json_response
from relay.http.shapes import Ok, Shape
from relay.runners.registry import RunnerRegistry
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.triggers import schemas
from relay.triggers.broadcast import Broadcasts
from relay.triggers.deliveries import Answer, Answered, Deliveries
from relay.triggers.event import read_deliver_as, read_trigger
from relay.triggers.history import TriggerHistory
from relay.triggers.store import MAX_ENTRIES

#: Entries of a page when the caller does not say (8.5).
_PAGE: Final = 50


class TriggerRoutes:
    """Serve broadcasts, the history of a session, and answers to deliveries."""

    def __init__(
        self,
        broadcasts: Broadcasts,
        deliveries: Deliveries,
        history: TriggerHistory,
        registry: SessionRegistry,
        runners: RunnerRegistry,
    ) -> None:
        self._broadcasts = broadcasts
        self._deliveries = deliveries
        self._history = history
        self._registry = registry
        self._runners = runners

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        history = "/api/sessions/{sessionId}/triggers"
        return [
            Route(
                "POST",
                "/api/runners/{runnerId}/trigger-broadcast",
                self.broadcast,
                "Send a trigger to every session that subscribed to its type on a runner, and to its listeners",
                auth=Auth.KEY,
                body=Body.STRICT,
                guard=self._own_runner,
                errors=(RUNNER_NOT_FOUND, TRIGGER_TYPE_INVALID, PAYLOAD_INVALID, DELIVER_AS_INVALID),
                shape=Shape(schemas.BroadcastAnswer, schemas.NewTrigger),
            ),
            Route(
                "GET",
                history,
                self.entries,
                "List the triggers of a session",
                errors=(SESSION_NOT_LIVE,),
                shape=Shape(schemas.TriggerList, query=schemas.LimitQuery),
            ),
            Route(
                "DELETE",
                history,
                self.clear,
                "Empty the trigger list of a session",
                errors=(SESSION_NOT_LIVE,),
                shape=Shape(Ok),
            ),
            Route(
                "POST",
                "/api/deliveries/{deliveryId}/response",
                self.respond,
                "Answer a trigger that expects it",
                body=Body.STRICT,
                errors=(RESPONSE_INVALID, DELIVERY_NOT_FOUND, DELIVERY_ANSWERED),
                shape=Shape(schemas.DeliveryAnswered, schemas.DeliveryResponse),
            ),
        ]

    async def broadcast(self, call: Call) -> Json:
        """Send to everybody who fits; nobody is no error."""
        event = read_trigger(call.body, None, deliver_as="followUp", source="service")
        received = await self._broadcasts.send(
            call.user.user_id,
            event,
            runner_id=call.params["runnerId"],
            deliver_as=read_deliver_as(call.body, "followUp"),
        )
        return {
            "ok": True,
            "delivered": len(received.sessions),
            "spawned": len(received.spawned),
            "triggerId": received.trigger_id,
        }

    async def entries(self, call: Call) -> web.StreamResponse:
        """Answer the newest entries, newest first."""
        session_id = self._own_session(call)
        page = await self._history.page(session_id, _limit(call.query.get("limit")))
        return json_response({"triggers": orjson.Fragment(page)})

    async def clear(self, call: Call) -> Json:
        """Empty the list."""
        await self._history.clear(self._own_session(call))
        return {"ok": True}

    async def respond(self, call: Call) -> Json:
        """Take an answer; the first one counts, and a late cancellation is as good as done."""
        user_id, wire_id = call.user.user_id, call.params["deliveryId"]
        response, action = call.body.get("response"), call.body.get("action")
        if not isinstance(response, str):
            raise RESPONSE_INVALID()
        delivery = await self._deliveries.by_wire(user_id, wire_id) if usable_id(wire_id) else None
        if delivery is None:
            raise DELIVERY_NOT_FOUND()
        answer = Answer(response, action if isinstance(action, str) and action else None)
        outcome = await self._deliveries.answer(user_id, delivery.parent_id, wire_id, answer)
        if outcome is Answered.UNKNOWN and answer.action != "cancel":
            raise DELIVERY_NOT_FOUND()
        if outcome is Answered.ALREADY and answer.action != "cancel":
            raise DELIVERY_ANSWERED()
        return {"ok": True, "relayed": outcome is Answered.RELAYED}

    def _own_runner(self, call: Call) -> None:
        """Let only the runner's owner on; another user's is as unknown as one that never was (8.8)."""
        runner = self._runners.get(call.params["runnerId"])
        if runner is None or runner.user_id != call.user.user_id:
            raise RUNNER_NOT_FOUND()

    def _own_session(self, call: Call) -> str:
        session = self._registry.owned(call.params["sessionId"], call.user.user_id)
        if session is None:
            raise SESSION_NOT_LIVE()
        return session.id


def _limit(text: str | None) -> int:
    """Read how many entries are wanted: 1 to 200, 50 for what is no number."""
    try:
        wanted = int(text or "")
    except ValueError:
        return _PAGE
    return min(max(wanted, 1), MAX_ENTRIES)
