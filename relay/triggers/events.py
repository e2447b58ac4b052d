"""Publish events, each at most once: to a session, a listener or every subscriber (rest-runners.md 14.1)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from relay.clock import Clock, iso
from relay.http.errors import (
    DELIVERY_ANSWERED,
    LISTENER_NOT_FIRED,
    LISTENER_UNKNOWN,
    RUNNER_AWAY,
    SESSION_AGENT_AWAY,
    SESSION_NOT_LIVE,
    SOURCE_FORBIDDEN,
)
from relay.runners.registry import RunnerRegistry
from relay.sessions.limits import SessionLimits
from relay.sessions.links import Links
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.single_flight import SingleFlight
from relay.storage import Storage, Transaction
from relay.triggers.autospawn import AutoSpawn, Firing
from relay.triggers.broadcast import Broadcasts
from relay.triggers.deliveries import Deliveries
from relay.triggers.delivery import Handed, hand_over
from relay.triggers.event import ESCALATION, HELD, Direct, Event
from relay.triggers.history import TriggerHistory
from relay.triggers.limits import TriggerLimits
from relay.triggers.listeners import Listeners
from relay.triggers.records import PSEUDO_SESSION, Removed
from relay.triggers.store import Delivery, TriggerStore
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.targets import Targets
from relay.triggers.wake import Wakes
from relay.triggers.wire import Json, fresh_id, history_entry, wire_id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """Say what became of an event: its id, whether it was delivered now, and to whom.

    `asked` names a child and the id it waits on, when it has to be told that it may listen (`Deliveries.heard`).
    `trigger_id` is the id of a direct delivery, `spawned` the session that a listener started.
    """

    event_id: str
    created: bool = True
    deliveries: tuple[Json, ...] = ()
    asked: tuple[str, str] | None = None
    trigger_id: str = ""
    spawned: str | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """Gather how an event leaves, and what is known of those it goes to."""

    targets: Targets
    wakes: Wakes
    broadcasts: Broadcasts
    auto_spawn: AutoSpawn
    subscriptions: Subscriptions
    listeners: Listeners
    runners: RunnerRegistry
    registry: SessionRegistry
    links: Links


class Events:
    """Own what is published; `publish` is the one door for services, schedules, agents and children."""

    def __init__(
        self,
        storage: Storage,
        ways: Ways,
        deliveries: Deliveries,
        history: TriggerHistory,
        clock: Clock,
        session_limits: SessionLimits,
        limits: TriggerLimits,
    ) -> None:
        self._store = TriggerStore(storage)
        self._ways = ways
        self._deliveries = deliveries
        self._history = history
        self._clock = clock
        self._session_limits = session_limits
        self._limits = limits
        self._flights: SingleFlight[tuple[str, str], Published] = SingleFlight("event")

    async def close(self) -> None:
        """Give up the events under way; their senders try again."""
        await self._flights.close()

    async def publish(self, user_id: str, event: Event) -> Published:
        """Deliver an event of a user; a repeat of one that was delivered, by its `fire_id`, delivers nothing.

        Raises ApiError with the statuses of 8.2 and 14.1, and StorageError.
        """
        fire_id = event.fire_id
        if fire_id is None:
            return await self._send(user_id, event, fresh_id("evt"))
        published, begun = await self._flights.run((user_id, fire_id), lambda: self._once(user_id, event, fire_id))
        return published if begun else replace(published, created=False, asked=None)

    async def _once(self, user_id: str, event: Event, fire_id: str) -> Published:
        known = await self._store.fired(user_id, fire_id)
        if known is not None:
            return Published(known, created=False)
        published = await self._send(user_id, event, fresh_id("evt"))
        if published.deliveries:
            try:
                await self._record(user_id, event, fire_id, published.event_id)
            except BaseException:
                if published.asked is not None:
                    self._deliveries.heard(*published.asked)
                raise
        return published

    async def _record(self, user_id: str, event: Event, fire_id: str, event_id: str) -> None:
        """Note the delivery; a schedule that fires once goes in the same transaction, or it would fire again (8.9)."""
        subscriptions, listeners = self._ways.subscriptions, self._ways.listeners
        schedule = event.one_shot
        gone: list[Removed | None] = []

        async def delete(tx: Transaction) -> None:
            if schedule is None:
                return
            if subscriptions.get(schedule, user_id) is not None:
                gone.append(await subscriptions.delete_in(tx, schedule))
            elif listeners.get(schedule, user_id) is not None:
                gone.append(await listeners.delete_in(tx, schedule))

        await self._store.note_fired(user_id, fire_id, event_id, self._clock.now_iso(), delete)
        for removed in gone:
            if removed is not None:
                subscriptions.removed(removed)
                listeners.removed(removed)

    async def _send(self, user_id: str, event: Event, event_id: str) -> Published:
        target = event.target
        if target is None:
            received = await self._ways.broadcasts.send(user_id, event)
            made: list[Json] = [{"sessionId": one, "deliveryId": received.trigger_id} for one in received.sessions]
            made += [{"sessionId": one, "deliveryId": received.trigger_id, "spawned": True} for one in received.spawned]
            return Published(event_id, deliveries=tuple(made), trigger_id=received.trigger_id)
        if target.is_listener:
            return await self._fire(user_id, event, target, event_id)
        return await self._direct(user_id, event, target, event_id)

    async def _fire(self, user_id: str, event: Event, target: Direct, event_id: str) -> Published:
        """Start the session of a listener whose own schedule is due (8.3)."""
        listener = self._ways.listeners.get(target.session_id.removeprefix(PSEUDO_SESSION), user_id)
        if listener is None:
            raise LISTENER_UNKNOWN()
        runner = self._ways.runners.get(listener.runner_id)
        if runner is not None and runner.user_id != user_id:
            raise LISTENER_UNKNOWN()
        if runner is None or not runner.connected:
            raise RUNNER_AWAY()
        firing = Firing(
            event,
            target.deliver_as,
            fresh_id(),
            self._clock.now_iso(),
            self._limits.schedule_ack,
            self._limits.schedule_socket,
        )
        session_id = await self._ways.auto_spawn.fire_scheduled(listener, firing)
        if session_id is None:
            raise LISTENER_NOT_FIRED()
        made: Json = {"sessionId": session_id, "deliveryId": firing.trigger_id, "spawned": True}
        return Published(event_id, deliveries=(made,), trigger_id=firing.trigger_id, spawned=session_id)

    async def _direct(self, user_id: str, event: Event, target: Direct, event_id: str) -> Published:
        began = self._clock.monotonic()
        fire_id = event.fire_id
        trigger_id = fresh_id() if fire_id is None else wire_id(user_id, fire_id, target.session_id)
        while True:
            original = await self._may_send(user_id, event, target)
            session = await self._reach(user_id, event, target, began)
            trigger = self._trigger(event, target, session, trigger_id)
            delivery = self._delivery(user_id, event, trigger, original) if event.tracked else None
            # The child of an escalation heard long ago that its question was asked.
            asked = (delivery.child_id, delivery.fire_id) if delivery is not None and original is None else None
            if delivery is not None:
                handed = await self._ask(session, delivery, asked)
            else:
                handed = await hand_over(session, trigger, self._session_limits.trigger_ack)
            if handed is not Handed.NOT_CONNECTED:
                break
            # It went in the moment of delivery: what is due to its state now, it gets in the next turn.
            await asyncio.sleep(0)
        if handed is Handed.SILENT and event.source.is_scheduler:
            raise SESSION_AGENT_AWAY()
        if event.source.is_session:
            self._ways.links.refresh(session.id)
        entry = history_entry(trigger, self._clock.now_iso(), event.history_summary)
        await self._history.push([(session.id, entry)])
        made: Json = {"sessionId": session.id, "deliveryId": trigger_id}
        return Published(event_id, deliveries=(made,), asked=asked, trigger_id=trigger_id)

    async def _reach(self, user_id: str, event: Event, target: Direct, began: float) -> AgentSession:
        if target.wake:
            return await self._ways.wakes.reach(target.session_id, user_id, began)
        hold = event.type in HELD and event.source.is_session
        return await self._ways.targets.reach(target.session_id, user_id, began, hold=hold)

    async def _may_send(self, user_id: str, event: Event, target: Direct) -> Delivery | None:
        """Let only children speak to a session in a session's name; answer the question that an escalation is about.

        Raises ApiError 403 for a source that is not the caller's, 404 for one that is no child of the target, and 409
        for the escalation of a question that was answered.
        """
        source = event.source
        original: Delivery | None = None
        if event.type == ESCALATION:
            named = event.payload.get("originalTriggerId")
            if isinstance(named, str) and usable_id(named):
                original = await self._deliveries.find(user_id, target.session_id, named)
        if not source.is_session:
            return original
        if not source.id or not await self._ways.targets.owns(source.id, user_id):
            raise SOURCE_FORBIDDEN()
        links = self._ways.links
        linked = source.id not in links.unconfirmed(target.session_id) and links.is_child(target.session_id, source.id)
        if not linked and not (event.type == ESCALATION and (original or source.id == target.session_id)):
            raise SESSION_NOT_LIVE()
        if original is not None and original.closed_at is not None:
            raise DELIVERY_ANSWERED()
        return original

    async def _ask(self, session: AgentSession, delivery: Delivery, asked: tuple[str, str] | None) -> Handed:
        """Note a delivery, then emit it; answers are kept back from the child until it heard that it asked.

        One that was answered already, before its sender knew that it had arrived, is not emitted again.
        """
        if asked is not None:
            self._deliveries.asking(*asked)
        handed = Handed.NOT_CONNECTED
        try:
            stored, fresh = await self._deliveries.open(delivery)
            if stored.closed_at is not None:
                handed = Handed.DELIVERED
            else:
                handed = await hand_over(session, delivery.trigger, self._session_limits.trigger_ack)
            if handed is Handed.NOT_CONNECTED and fresh:
                await self._deliveries.discard(delivery)
        finally:
            if handed is Handed.NOT_CONNECTED and asked is not None:
                self._deliveries.heard(*asked)
        return handed

    def _delivery(self, user_id: str, event: Event, trigger: Json, original: Delivery | None) -> Delivery:
        """Make the row of a delivery; an escalation is about the question of another one, and so is its answer."""
        note_after = event.note_after
        trigger_id = str(trigger["triggerId"])
        return Delivery(
            user_id=user_id,
            wire_id=trigger_id,
            parent_id=str(trigger["targetSessionId"]),
            child_id=original.child_id if original is not None else event.source.wire_id,
            fire_id=original.fire_id if original is not None else self._waits_on(event, trigger_id),
            # SQLite takes no lone surrogates; the trigger itself keeps them, escaped.
            type=event.type.encode("utf-8", "replace").decode(),
            trigger=trigger,
            ts=str(trigger["ts"]),
            note_at=None if note_after is None else iso(self._clock.now_ms() + note_after),
        )

    @staticmethod
    def _waits_on(event: Event, trigger_id: str) -> str:
        """Answer the id on which the sender waits for the answer."""
        named = event.payload.get("originalTriggerId") if event.type == ESCALATION else None
        return named if isinstance(named, str) and usable_id(named) else event.fire_id or trigger_id

    def _trigger(self, event: Event, target: Direct, session: AgentSession, trigger_id: str) -> Json:
        return event.trigger(
            trigger_id,
            self._clock.now_iso(),
            target_id=session.id,
            deliver_as=target.deliver_as,
            name=self._source_name(event),
        )

    def _source_name(self, event: Event) -> str | None:
        if not event.source.is_session:
            return event.shown_name("External")
        child = self._ways.registry.get(event.source.id)
        return event.source.name or (child.name if child is not None else None)
