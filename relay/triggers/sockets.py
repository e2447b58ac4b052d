"""Answer the trigger events of `/relay` (sockets-agents.md 2.13)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from relay.clock import Clock
from relay.realtime import Ack, Namespace, Socket
from relay.sessions.callers import (
    FOREIGN_TARGET,
    NOT_THE_PARENT,
    CallFailed,
    Payload,
    answered,
    identifier,
    sender,
    text,
)
from relay.sessions.limits import SessionLimits
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.triggers.deliveries import Answer, Answered, Deliveries
from relay.triggers.delivery import Handed, hand_over
from relay.triggers.history import TriggerHistory
from relay.triggers.store import Delivery
from relay.triggers.wire import Json, answer_body, history_entry, is_external

log = logging.getLogger(__name__)

_NO_LONGER_A_CHILD: Final = "Sender is no longer a child of the target session (linked relationship is broken or stale)"
_BEING_DELINKED: Final = "Sender is currently being delinked from the target session"


class NotDelivered(CallFailed):
    """Carry a failure that the waiting child hears as `session_message_error`; without it, it waits for ever."""

    def __init__(self, message: str) -> None:
        super().__init__(message, tell=False)


def not_connected(session_id: str) -> NotDelivered:
    """Make the failure of a target that is not there."""
    return NotDelivered(f"Target session {session_id} is not connected")


class TriggerSockets:
    """Own `session_trigger`, `trigger_response` and `trigger_status_update` between workers."""

    def __init__(
        self,
        registry: SessionRegistry,
        links: Links,
        history: TriggerHistory,
        deliveries: Deliveries,
        clock: Clock,
        limits: SessionLimits,
    ) -> None:
        self._registry = registry
        self._links = links
        self._history = history
        self._deliveries = deliveries
        self._clock = clock
        self._limits = limits

    def attach(self, namespace: Namespace) -> None:
        """Add the events to `/relay`."""
        namespace.on("session_trigger", answered(self.trigger), waiting=True)
        namespace.on("trigger_response", answered(self.response), waiting=True)
        namespace.on("trigger_status_update", answered(self.status_update))

    async def trigger(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Bring a child's trigger to its parent; who sent it is what the relay knows, not what the trigger says."""
        origin = sender(self._registry, socket, payload)
        given = payload.get("trigger")
        trigger: Mapping[str, object] = given if isinstance(given, dict) else {}
        target_id, trigger_id = identifier(trigger, "targetSessionId"), identifier(trigger, "triggerId")
        if not target_id or not trigger_id:
            raise CallFailed("session_trigger requires trigger with targetSessionId and triggerId")
        try:
            target = self._target(origin, target_id)
            sent = _signed(origin, trigger)
            await self._deliver(origin, target, sent, trigger_id)
        except NotDelivered as failure:
            socket.emit(
                "session_message_error",
                {"targetSessionId": target_id, "error": failure.message, "triggerId": trigger_id},
            )
            raise
        self._links.refresh(target_id)
        await self._history.push([(target_id, history_entry(sent, self._clock.now_iso()))])

    def _target(self, origin: AgentSession, target_id: str) -> AgentSession:
        target = self._registry.get(target_id)
        if target is None:
            raise not_connected(target_id)
        if target.user_id != origin.user_id:
            raise CallFailed(FOREIGN_TARGET)
        if target is not origin:
            if origin.id in self._links.unconfirmed(target_id):
                raise NotDelivered(_BEING_DELINKED)
            if not self._links.is_child(target_id, origin.id):
                raise NotDelivered(_NO_LONGER_A_CHILD)
        if not target.connected:
            raise not_connected(target_id)
        return target

    async def _deliver(self, origin: AgentSession, target: AgentSession, trigger: Json, trigger_id: str) -> None:
        """Emit a trigger; one that expects an answer is noted first, so that the child is never forgotten."""
        delivery: Delivery | None = None
        if trigger.get("expectsResponse") is True and target is not origin:
            delivery = Delivery(
                user_id=origin.user_id,
                wire_id=trigger_id,
                parent_id=target.id,
                child_id=origin.id,
                fire_id=trigger_id,
                # SQLite takes no lone surrogates; the trigger itself keeps them, escaped.
                type=text(trigger, "type").encode("utf-8", "replace").decode(),
                trigger=trigger,
                ts=self._clock.now_iso(),
            )
            _, fresh = await self._deliveries.open(delivery)
            if not fresh:
                delivery = None
        if await hand_over(target, trigger, self._limits.trigger_ack) is Handed.NOT_CONNECTED:
            if delivery is not None:
                await self._deliveries.discard(delivery)
            raise not_connected(target.id)

    async def response(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Bring a parent's answer to the child that waits for it; the first answer counts."""
        trigger_id, target_id = identifier(payload, "triggerId"), identifier(payload, "targetSessionId")
        response = payload.get("response")
        if not trigger_id or not target_id or response is None:
            socket.emit("error", {"message": "trigger_response requires triggerId, response, and targetSessionId"})
            raise CallFailed("Missing required fields", tell=False)
        origin = sender(self._registry, socket, payload)
        answer = Answer(response, text(payload, "action") or None)
        target = self._registry.get(target_id)
        if target is not None:
            self._may_answer(origin, target)
        outcome = await self._deliveries.answer(origin.user_id, origin.id, trigger_id, answer)
        if outcome is Answered.ALREADY:
            if answer.action == "cancel":
                return
            raise CallFailed("Already answered", tell=False)
        if outcome is not Answered.UNKNOWN:
            return
        if not is_external(target_id):
            if target is None:
                return
            self._relay(socket, target, trigger_id, answer)
        await self._history.respond(origin.id, trigger_id, response, answer.action)

    def _may_answer(self, origin: AgentSession, target: AgentSession) -> None:
        if target.user_id != origin.user_id:
            raise CallFailed(FOREIGN_TARGET)
        if target.links.parent_id != origin.id and not self._links.is_child(origin.id, target.id):
            raise CallFailed(NOT_THE_PARENT)

    def _relay(self, socket: Socket, target: AgentSession, trigger_id: str, answer: Answer) -> None:
        """Pass on an answer to a trigger of which there is no delivery; an awaited target counts as gone."""
        if target.socket is None:
            return
        if not target.connected:
            failure = not_connected(target.id)
            socket.emit(
                "session_message_error",
                {"targetSessionId": target.id, "error": failure.message, "triggerId": trigger_id},
            )
            raise failure
        target.socket.emit("trigger_response", answer_body(trigger_id, answer.response, answer.action))

    async def status_update(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Show a child's progress to its parent's viewers; from anybody else it is dropped."""
        origin = sender(self._registry, socket, payload)
        trigger_id, target_id = identifier(payload, "triggerId"), identifier(payload, "targetSessionId")
        status = text(payload, "statusText")
        if not trigger_id or not target_id or not status:
            raise CallFailed("trigger_status_update requires triggerId, targetSessionId, statusText")
        target = self._registry.owned(target_id, origin.user_id)
        if target is not None and self._links.is_child(target_id, origin.id):
            target.audience.emit(
                "trigger_status_update",
                {
                    "triggerId": trigger_id,
                    "sourceSessionId": origin.id,
                    "statusText": status,
                    "ts": self._clock.now_iso(),
                },
            )


def _signed(origin: AgentSession, trigger: Mapping[str, object]) -> Json:
    """Answer a trigger under its sender's id; an escalation to oneself keeps the child's."""
    if trigger.get("type") == "escalate" and trigger.get("targetSessionId") == origin.id:
        return dict(trigger)
    return {**trigger, "sourceSessionId": origin.id}
