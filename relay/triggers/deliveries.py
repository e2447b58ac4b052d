"""Bring every question of a child to an end: an answer, or the news that nobody will answer (rest-runners.md 14.3)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.clock import Clock, iso
from relay.events import Bus, QuestionOverdue, SessionEndedForGood
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.storage import Storage, StorageError
from relay.triggers.history import LIFE_MS, TriggerHistory
from relay.triggers.limits import TriggerLimits
from relay.triggers.store import Delivery, TriggerStore
from relay.triggers.wire import COMPLETIONS, Json, answer_body, for_worker, is_completion, is_external

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

    def __init__(
        self,
        storage: Storage,
        registry: SessionRegistry,
        links: Links,
        history: TriggerHistory,
        bus: Bus,
        clock: Clock,
        limits: TriggerLimits,
    ) -> None:
        self._store = TriggerStore(storage)
        self._registry = registry
        self._links = links
        self._history = history
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        #: Children that have not heard yet that their question was asked, with the id they will wait on.
        self._asking: Counter[tuple[str, str]] = Counter()
        #: Giving and noting that it was given are one step, or two ways to the same child would both give.
        self._giving = asyncio.Lock()
        bus.subscribe(SessionEndedForGood, self._ended)

    @property
    def busy(self) -> bool:
        """Tell whether a release is under way."""
        return bool(self._tasks)

    async def close(self) -> None:
        """Finish what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self, delivery: Delivery) -> tuple[Delivery, bool]:
        """Note a delivery before it is emitted; answer the stored one and whether it is new. Raises StorageError."""
        return await self._store.open(delivery)

    async def discard(self, delivery: Delivery) -> None:
        """Forget a delivery that could not be emitted. Raises StorageError."""
        await self._store.discard(delivery.user_id, delivery.wire_id)

    async def find(self, user_id: str, parent_id: str, any_id: str) -> Delivery | None:
        """Answer a delivery to a parent by its wire id or by the child's own id. Raises StorageError."""
        return await self._store.find(user_id, parent_id, any_id)

    async def by_wire(self, user_id: str, wire_id: str) -> Delivery | None:
        """Answer a user's delivery by the id that the parent's worker saw. Raises StorageError."""
        return await self._store.by_wire(user_id, wire_id)

    async def completion_open(self, child_id: str) -> bool:
        """Tell whether a child's completion waits for its parent. Raises StorageError."""
        return await self._store.has_open(child_id, sorted(COMPLETIONS))

    async def completed(self, child_id: str) -> bool:
        """Tell whether a child has told its parent that it is done and was not sent on. Raises StorageError."""
        newest = await self._store.newest(child_id, sorted(COMPLETIONS))
        if newest is None:
            return False
        still_open, answer = newest
        return still_open or answer is None or answer.get("action") != "followUp"

    def asking(self, child_id: str, fire_id: str) -> None:
        """Keep answers back from a child that has not heard yet that it asked; `heard` ends it."""
        self._asking[child_id, fire_id] += 1

    def heard(self, child_id: str, fire_id: str) -> None:
        """Note that a child was told that its question was asked, or not; it gets what came in the meantime."""
        self._spawn(self._let_hear(child_id, fire_id), "answers to a question just asked")

    async def answer(self, user_id: str, parent_id: str, any_id: str, answer: Answer) -> Answered:
        """Record the first answer and give it to the child that waits, now or at its next registration.

        An answer to a completion or to a sender that is no session is only recorded. Raises StorageError.
        """
        stored = await self._store.find(user_id, parent_id, any_id)
        if stored is None:
            return Answered.UNKNOWN
        recorded_only = is_completion(stored.type) or is_external(stored.child_id)
        if stored.closed_at is None and not recorded_only and not self._links.is_child(parent_id, stored.child_id):
            # Its child was delinked: nobody waits (14.3).
            await self._store.close([stored], self._clock.now_iso())
            return Answered.UNKNOWN
        async with self._giving:
            outcome = await self._store.answer(
                user_id, parent_id, any_id, answer.json(), relayed=recorded_only, now=self._clock.now_iso()
            )
            if outcome is None:
                return Answered.UNKNOWN
            delivery, closed = outcome
            if not closed:
                return Answered.ALREADY if delivery.answer is not None else Answered.UNKNOWN
            given = not recorded_only and self._give(delivery, answer.json())
            if given:
                await self._store.relayed(delivery.user_id, [delivery.wire_id])
        for one in closed:
            await self._history.respond(one.parent_id, one.wire_id, answer.response, answer.action)
        if recorded_only:
            return Answered.RECORDED
        return Answered.RELAYED if given else Answered.KEPT

    async def registered(self, session: AgentSession) -> None:
        """Send what waited for a session: its open deliveries, then answers and errors; a hook of `after_registered`.

        Nothing here waits for an acknowledgement: the worker drops a repeat that it knows. Raises StorageError.
        """
        await self._ask_again(session)
        await self._give_owed(session.user_id, session.id)

    async def sweep(self) -> None:
        """Delete what is old, release what a crash left open, and tell of questions that nobody answered in time.

        The sweep of sockets-agents.md 2.10 calls this. Raises StorageError.
        """
        now = self._clock.now_ms()
        day_ago = iso(now - LIFE_MS)
        await self._store.sweep(day_ago, day_ago, iso(now - _OPEN_LIFE_MS), iso(now - self._limits.fired_life * 1000))
        for parent_id in await self._store.orphaned():
            if self._registry.get(parent_id) is None:
                await self._release(parent_id)
        for late in await self._store.overdue(iso(now)):
            self._history.tell(late.parent_id, {"triggerId": late.wire_id})
            self._bus.publish(QuestionOverdue(late.user_id, late.parent_id, late.child_id, late.wire_id))

    async def _ask_again(self, session: AgentSession) -> None:
        void: list[Delivery] = []
        for delivery in await self._store.open_to(session.id):
            if delivery.user_id != session.user_id:
                continue
            if self._void(session.id, delivery):
                void.append(delivery)
            elif session.socket is not None:
                session.socket.emit("session_trigger", {"trigger": for_worker(session, delivery.trigger)})
        if void:
            await self._store.close(void, self._clock.now_iso())

    def _void(self, parent_id: str, delivery: Delivery) -> bool:
        """Tell whether nobody cares for an answer any more: the child was severed, or it asks and is no child."""
        if is_external(delivery.child_id):
            return False
        if is_completion(delivery.type):
            return self._links.severed_by(delivery.child_id) == parent_id
        return not self._links.is_child(parent_id, delivery.child_id)

    async def _let_hear(self, child_id: str, fire_id: str) -> None:
        await asyncio.sleep(self._limits.answer_grace)
        self._asking[child_id, fire_id] -= 1
        if self._asking[child_id, fire_id] > 0:
            return
        del self._asking[child_id, fire_id]
        child = self._registry.get(child_id)
        if child is not None:
            await self._give_owed(child.user_id, child_id)

    async def _give_owed(self, user_id: str, child_id: str) -> None:
        """Give a child the answers and errors that it lacks. Raises StorageError."""
        async with self._giving:
            owed = [one for one in await self._store.of_child(child_id) if one.user_id == user_id]
            given = [one for one in owed if one.answer is not None and self._give(one, one.answer)]
            if given:
                await self._store.relayed(user_id, [one.wire_id for one in given])

    def _give(self, delivery: Delivery, answer: Json) -> bool:
        """Emit an answer or an error to the child under its own id; answer False while it is away or can't hear."""
        child = self._registry.get(delivery.child_id)
        if child is None or child.socket is None or not child.connected or child.user_id != delivery.user_id:
            return False
        if (delivery.child_id, delivery.fire_id) in self._asking:
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
        self._spawn(self._let_go(event.session_id), "release deliveries")

    async def _let_go(self, session_id: str) -> None:
        """Let the children of a session that ended for good go on, and forget what it asked itself."""
        await self._release(session_id)
        unasked = [
            one
            for one in await self._store.of_child(session_id)
            if one.closed_at is None and not is_completion(one.type)
        ]
        if unasked:
            await self._store.close(unasked, self._clock.now_iso())

    async def _release(self, parent_id: str) -> None:
        error = f"Target session {parent_id} has ended"
        async with self._giving:
            told: set[tuple[str, str]] = set()
            for one in await self._store.release(parent_id, error, self._clock.now_iso()):
                waits = not is_completion(one.type) and not is_external(one.child_id)
                # A severed child was told so, and waits no more.
                waits = waits and self._links.severed_by(one.child_id) != parent_id
                # An escalation is a second delivery of the same question, and its child hears of the end once.
                repeated = (one.child_id, one.fire_id) in told
                told.add((one.child_id, one.fire_id))
                if not waits or repeated or self._give(one, {"error": error}):
                    await self._store.relayed(one.user_id, [one.wire_id])

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(_logged(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except StorageError:
        log.exception("a delivery could not be brought to its end now; the next registration or sweep will")
