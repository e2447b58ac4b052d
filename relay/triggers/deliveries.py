"""Bring every question of a child to an end: an answer, or the news that nobody will answer (rest-runners.md 14.3)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.clock import Clock, iso
from relay.events import Bus, SessionEndedForGood
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.storage import Storage, StorageError
from relay.triggers.history import LIFE_MS
from relay.triggers.store import Delivery, TriggerStore
from relay.triggers.wire import Json, answer_body, is_completion

log = logging.getLogger(__name__)

#: A delivery that nobody answered, released or repeated for so long is forgotten, in milliseconds.
_OPEN_LIFE_MS: Final = 30 * 86_400_000


class Answered(Enum):
    """Say what became of an answer: no such delivery, given to the child, kept for it, only recorded, or too late."""

    UNKNOWN = "unknown"
    RELAYED = "relayed"
    KEPT = "kept"
    RECORDED = "recorded"
    ALREADY = "already answered"


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold an answer to a trigger; `response` is not None."""

    response: object
    action: str | None = None

    def json(self) -> Json:
        """Answer what is stored of it."""
        return {"response": self.response, **({"action": self.action} if self.action is not None else {})}


class Deliveries:
    """Own the deliveries with an expected answer; they outlive the live records of both ends and a restart."""

    def __init__(self, storage: Storage, registry: SessionRegistry, links: Links, bus: Bus, clock: Clock) -> None:
        self._store = TriggerStore(storage)
        self._registry = registry
        self._links = links
        self._clock = clock
        self._releasing: set[asyncio.Task[None]] = set()
        bus.subscribe(SessionEndedForGood, self._ended)

    @property
    def busy(self) -> bool:
        """Tell whether a release is under way."""
        return bool(self._releasing)

    async def close(self) -> None:
        """Finish the releases under way."""
        await asyncio.gather(*self._releasing, return_exceptions=True)

    async def open(self, delivery: Delivery) -> Delivery:
        """Note a delivery before it is emitted; a repeat answers the one that is there. Raises StorageError."""
        return await self._store.open(delivery)

    async def discard(self, delivery: Delivery) -> None:
        """Forget a delivery that could not be emitted. Raises StorageError."""
        await self._store.discard(delivery.user_id, delivery.wire_id)

    async def find(self, parent: AgentSession, any_id: str) -> Delivery | None:
        """Answer a delivery to a parent by its wire id or by the child's own id. Raises StorageError."""
        return await self._store.find(parent.user_id, parent.id, any_id)

    async def answer(self, parent: AgentSession, any_id: str, answer: Answer) -> tuple[Answered, Delivery | None]:
        """Record the first answer and give it to the child that waits, now or at its next registration.

        An answer to a completion is only recorded. Raises StorageError.
        """
        stored = await self._store.find(parent.user_id, parent.id, any_id)
        if stored is None:
            return Answered.UNKNOWN, None
        completion = is_completion(stored.type)
        outcome = await self._store.answer(
            parent.user_id, parent.id, any_id, answer.json(), relayed=completion, now=self._clock.now_iso()
        )
        if outcome is None:
            return Answered.UNKNOWN, None
        delivery, first = outcome
        if not first:
            return (Answered.ALREADY if delivery.answer is not None else Answered.UNKNOWN), delivery
        if completion:
            return Answered.RECORDED, delivery
        if not self._give(delivery, answer.json()):
            return Answered.KEPT, delivery
        await self._store.relayed(delivery.user_id, [delivery.wire_id])
        return Answered.RELAYED, delivery

    async def registered(self, session: AgentSession) -> None:
        """Send what waited for a session: its open deliveries, then answers and errors; a hook of `after_registered`.

        Nothing here waits for an acknowledgement: the worker drops a repeat that it knows. Raises StorageError.
        """
        await self._ask_again(session)
        owed = [one for one in await self._store.of_child(session.id) if one.user_id == session.user_id]
        given = [one for one in owed if one.answer is not None and self._give(one, one.answer)]
        if given:
            await self._store.relayed(session.user_id, [one.wire_id for one in given])

    async def sweep(self) -> None:
        """Delete old histories and deliveries; the sweep of sockets-agents.md 2.10 calls this. Raises StorageError."""
        now = self._clock.now_ms()
        day_ago = iso(now - LIFE_MS)
        await self._store.sweep(day_ago, day_ago, iso(now - _OPEN_LIFE_MS))

    async def _ask_again(self, session: AgentSession) -> None:
        void: list[Delivery] = []
        for delivery in await self._store.open_to(session.id):
            if delivery.user_id != session.user_id:
                continue
            escalated = delivery.child_id == session.id
            if not escalated and not self._links.is_child(session.id, delivery.child_id):
                void.append(delivery)
            elif session.socket is not None:
                session.socket.emit("session_trigger", {"trigger": delivery.trigger})
        if void:
            await self._store.close(void, self._clock.now_iso())

    def _give(self, delivery: Delivery, answer: Json) -> bool:
        """Emit an answer or an error to the child under its own id; answer False while it is away."""
        child = self._registry.get(delivery.child_id)
        if child is None or child.socket is None or not child.connected or child.user_id != delivery.user_id:
            return False
        error = answer.get("error")
        if error is not None:
            child.socket.emit(
                "session_message_error",
                {"targetSessionId": delivery.parent_id, "error": error, "triggerId": delivery.fire_id},
            )
            return True
        action = answer.get("action")
        body = answer_body(delivery.fire_id, answer.get("response"), action if isinstance(action, str) else None)
        child.socket.emit("trigger_response", body)
        return True

    def _ended(self, event: SessionEndedForGood) -> None:
        task = asyncio.create_task(self._release(event.session_id), name="release deliveries")
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def _release(self, session_id: str) -> None:
        """Let the children of a session that ended for good go on, and forget what it asked itself."""
        error = f"Target session {session_id} has ended"
        try:
            released = await self._store.release(session_id, error, self._clock.now_iso())
            given = [one for one in released if is_completion(one.type) or self._give(one, {"error": error})]
            for one in given:
                await self._store.relayed(one.user_id, [one.wire_id])
            unasked = [
                one
                for one in await self._store.of_child(session_id)
                if one.closed_at is None and not is_completion(one.type)
            ]
            if unasked:
                await self._store.close(unasked, self._clock.now_iso())
        except StorageError:
            log.exception("deliveries not released", extra={"session_id": session_id})
