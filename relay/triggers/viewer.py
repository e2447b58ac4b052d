"""Answer `trigger_response` of `/viewer`: a person answers instead of the agent (sockets-browsers.md 2.6)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from relay.realtime import Ack, Namespace, Socket
from relay.sessions.links import Links
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.storage import StorageError
from relay.triggers.deliveries import Answer, Answered, Deliveries
from relay.triggers.history import TriggerHistory
from relay.triggers.store import Delivery
from relay.triggers.wire import answer_body, is_completion

log = logging.getLogger(__name__)

#: Answer the session that a viewer's socket watches now.
Watched = Callable[[Socket], "AgentSession | None"]


class _Refused(Exception):
    """Carry the text of a `trigger_error`."""


class ViewerTriggers:
    """Own `trigger_response` of browsers; it is acknowledged, with nothing, on success only."""

    def __init__(
        self,
        registry: SessionRegistry,
        links: Links,
        history: TriggerHistory,
        deliveries: Deliveries,
        watched: Watched,
    ) -> None:
        self._registry = registry
        self._links = links
        self._history = history
        self._deliveries = deliveries
        self._watched = watched

    def attach(self, namespace: Namespace) -> None:
        """Add the event to `/viewer`."""
        namespace.on("trigger_response", self.respond, waiting=True)

    async def respond(self, socket: Socket, payload: object, ack: Ack) -> None:
        """Give a person's answer to the child that asked, or to the watched session's agent, which knows the child."""
        current = self._watched(socket)
        if not isinstance(payload, dict) or current is None or not current.collab_mode:
            return
        trigger_id, response, action = payload.get("triggerId"), payload.get("response"), payload.get("action")
        if not isinstance(trigger_id, str) or not usable_id(trigger_id) or response is None:
            return
        target_id = payload.get("targetSessionId")
        answer = Answer(response, action if isinstance(action, str) and action else None)
        try:
            delivery = await self._deliveries.find(current.user_id, current.id, trigger_id)
            completion = delivery is not None and is_completion(delivery.type)
            if isinstance(target_id, str) and target_id not in ("", current.id) and not completion:
                await self._to_child(current, target_id, trigger_id, answer)
            else:
                await self._to_agent(current, target_id, trigger_id, answer, delivery)
        except _Refused as refused:
            socket.emit("trigger_error", {"message": str(refused), "triggerId": trigger_id})
        except StorageError:
            log.exception("answer not recorded", extra={"session_id": current.id})
            socket.emit("trigger_error", {"message": "The relay could not record the answer", "triggerId": trigger_id})
        else:
            ack()

    async def _to_child(self, current: AgentSession, target_id: str, trigger_id: str, answer: Answer) -> None:
        target = self._registry.get(target_id)
        if target is not None:
            if target.user_id != current.user_id:
                raise _Refused(f"Target session {target_id} not found or unauthorized")
            if not self._links.is_child(current.id, target_id):
                raise _Refused(f"Target session {target_id} is not a child of this session")
        outcome = await self._deliveries.answer(current.user_id, current.id, trigger_id, answer)
        if outcome is Answered.ALREADY:
            raise _Refused("This trigger was already answered")
        if outcome is not Answered.UNKNOWN:
            return
        if target is None:
            raise _Refused(f"Child session {target_id} is no longer available")
        if target.socket is None or not target.connected:
            raise _Refused(f"Failed to deliver trigger response to child session {target_id}")
        target.socket.emit("trigger_response", answer_body(trigger_id, answer.response, answer.action))
        await self._history.respond(current.id, trigger_id, answer.response, answer.action)

    async def _to_agent(
        self, current: AgentSession, target_id: object, trigger_id: str, answer: Answer, delivery: Delivery | None
    ) -> None:
        if delivery is not None and delivery.answer is not None:
            raise _Refused("This trigger was already answered")
        if current.socket is None or not current.connected:
            raise _Refused(f"Failed to deliver trigger response to session {current.id}")
        shown = delivery.wire_id if delivery is not None else trigger_id
        body = answer_body(shown, answer.response, answer.action)
        if isinstance(target_id, str) and target_id:
            body["targetSessionId"] = target_id
        current.socket.emit("trigger_response", body)
        if delivery is None:
            await self._history.respond(current.id, trigger_id, answer.response, answer.action)
        else:
            # The agent answers the delivery itself; until then nothing counts as answered (rest-runners.md 14.3).
            self._history.tell(current.id, {"triggerId": shown})
