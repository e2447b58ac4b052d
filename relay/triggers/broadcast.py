"""Bring an event to everybody who subscribed to its type (rest-runners.md 8.8, 14.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from relay import jsontext
from relay.clock import Clock
from relay.sessions.limits import SessionLimits
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.triggers.autospawn import AutoSpawn, Firing
from relay.triggers.delivery import Handed, hand_out
from relay.triggers.event import DeliverAs, Event
from relay.triggers.history import TriggerHistory
from relay.triggers.limits import TriggerLimits
from relay.triggers.listeners import Listeners
from relay.triggers.records import Listener
from relay.triggers.store import subscriber_id
from relay.triggers.subscriptions import Subscriptions
from relay.triggers.wire import Json, fresh_id, history_entry


@dataclass(frozen=True, slots=True)
class Received:
    """Name who got a broadcast: subscribed sessions, and sessions that listeners started for it."""

    trigger_id: str
    sessions: Sequence[str]
    spawned: Sequence[str]


class Broadcasts:
    """Own the way of an event to subscribers and listeners."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        listeners: Listeners,
        registry: SessionRegistry,
        auto_spawn: AutoSpawn,
        history: TriggerHistory,
        clock: Clock,
        session_limits: SessionLimits,
        limits: TriggerLimits,
    ) -> None:
        self._subscriptions = subscriptions
        self._listeners = listeners
        self._registry = registry
        self._auto_spawn = auto_spawn
        self._history = history
        self._clock = clock
        self._session_limits = session_limits
        self._limits = limits

    async def send(
        self, user_id: str, event: Event, *, runner_id: str | None = None, deliver_as: DeliverAs | None = None
    ) -> Received:
        """Deliver to each fitting session of a user once, and start a session for each fitting listener.

        `runner_id` limits both to one runner; without `deliver_as` each subscription says how. A listener that takes
        its time holds no subscriber up. Who is not connected is passed over.
        """
        trigger_id, ts = fresh_id(), self._clock.now_iso()
        receivers = self._receivers(user_id, event, runner_id)
        listeners = self._listeners.matching(user_id, event.type, event.payload, runner_id=runner_id)
        told, spawned = await asyncio.gather(
            self._hand_out(event, receivers, deliver_as, trigger_id, ts),
            self._fire(listeners, event, deliver_as or "followUp", trigger_id, ts),
        )
        return Received(trigger_id, told, spawned)

    def _receivers(self, user_id: str, event: Event, runner_id: str | None) -> list[tuple[AgentSession, str]]:
        """Answer the connected sessions that an event reaches, and how their first fitting subscription wants it."""
        found: dict[str, tuple[AgentSession, str]] = {}
        for one in self._subscriptions.matching(user_id, event.type, event.payload, runner_id=runner_id):
            session = self._registry.owned(one.session_id, user_id)
            if session is not None and session.connected and one.session_id not in found:
                found[one.session_id] = (session, one.deliver_as)
        return list(found.values())

    async def _hand_out(
        self,
        event: Event,
        receivers: Sequence[tuple[AgentSession, str]],
        deliver_as: DeliverAs | None,
        trigger_id: str,
        ts: str,
    ) -> list[str]:
        if not receivers:
            return []
        # A thousand receivers share one encoding of what may be large.
        payload = orjson.Fragment(jsontext.dumps(event.payload))
        base = event.trigger(trigger_id, ts, target_id="", deliver_as="", name=event.shown_name("Service"))
        triggers: list[tuple[AgentSession, Json]] = [
            (
                session,
                {**base, "payload": payload, "targetSessionId": session.id, "deliverAs": deliver_as or how},
            )
            for session, how in receivers
        ]
        handed = await hand_out(triggers, self._session_limits.trigger_ack)
        entry = history_entry(base, ts, event.history_summary)
        if entry["payload"]:
            entry["payload"] = payload
        reached = [pair for pair, result in zip(triggers, handed, strict=True) if result is not Handed.NOT_CONNECTED]
        await self._history.push(
            [
                (
                    session.id,
                    {
                        **entry,
                        "triggerId": subscriber_id(trigger_id, session.id),
                        "deliverAs": trigger["deliverAs"],
                    },
                )
                for session, trigger in reached
            ]
        )
        return [session.id for session, _ in reached]

    async def _fire(
        self, listeners: Sequence[Listener], event: Event, deliver_as: DeliverAs, trigger_id: str, ts: str
    ) -> list[str]:
        limits = self._limits
        firing = Firing(event, deliver_as, trigger_id, ts, limits.listener_ack, limits.listener_socket)
        gate = asyncio.Semaphore(limits.listeners_at_once)

        async def fire(listener: Listener) -> str | None:
            async with gate:
                return await self._auto_spawn.fire(listener, firing)

        started = await asyncio.gather(*(fire(listener) for listener in listeners))
        return [session_id for session_id in started if session_id is not None]
