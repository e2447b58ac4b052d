"""Start a session for a listener whose trigger fired, and give it the trigger (rest-runners.md 8.3, 8.7)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from relay.clock import Clock
from relay.runners.models import hidden_keys, model_key
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.limits import SessionLimits
from relay.sessions.single_flight import SingleFlight
from relay.sessions.spawn import Spawns
from relay.sessions.spawn_order import Model, SpawnOrder
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import StorageError
from relay.triggers.delivery import Handed, hand_over
from relay.triggers.event import DeliverAs, Event
from relay.triggers.history import TriggerHistory
from relay.triggers.records import Listener
from relay.triggers.store import spawned_id
from relay.triggers.targets import Targets
from relay.triggers.wire import Json, history_entry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Firing:
    """Say how a listener fires: the event, the id and time of its trigger, and the seconds that it may take."""

    event: Event
    deliver_as: DeliverAs
    trigger_id: str
    ts: str
    ack: float
    socket: float


class AutoSpawn:
    """Own the sessions that are being started for listeners."""

    def __init__(
        self,
        targets: Targets,
        runners: RunnerRegistry,
        spawns: Spawns,
        hidden_models: HiddenModelsOf,
        history: TriggerHistory,
        session_limits: SessionLimits,
        clock: Clock,
    ) -> None:
        self._targets = targets
        self._runners = runners
        self._spawns = spawns
        self._hidden_models = hidden_models
        self._history = history
        self._session_limits = session_limits
        self._clock = clock
        self._flights: SingleFlight[tuple[str, str], str | None] = SingleFlight("listener fires")

    async def close(self) -> None:
        """Stop waiting for the sessions under way."""
        await self._flights.close()

    async def fire_scheduled(self, listener: Listener, firing: Firing) -> str | None:
        """Fire a listener whose own schedule is due; a repeat by an impatient daemon joins the start under way."""
        key = (listener.listener_id, listener.trigger_type)
        session_id, _ = await self._flights.run(key, lambda: self.fire(listener, firing))
        return session_id

    async def fire(self, listener: Listener, firing: Firing) -> str | None:
        """Start a session and give it the trigger; answer its id, or None when it did not come.

        What was started in vain is killed.
        """
        runner = self._runners.get(listener.runner_id)
        if runner is None or not runner.connected or runner.user_id != listener.user_id:
            return None
        order = await self._order(listener)
        spawned = await self._spawns.spawn(runner, order, timeout=firing.ack)
        if not spawned.outcome.ok:
            if spawned.outcome.timed_out:
                self._kill(runner, spawned.session_id)
            return None
        delivered = await self._deliver(listener, firing, spawned.session_id)
        if not delivered:
            self._kill(runner, spawned.session_id)
            return None
        log.info("listener fired", extra={"session_id": spawned.session_id, "runner_id": runner.runner_id})
        return spawned.session_id

    async def _order(self, listener: Listener) -> SpawnOrder:
        """Make the order; it has no prompt, which would race the trigger, and no model that its owner hides now."""
        hidden: tuple[str, ...] = ()
        try:
            hidden = tuple(await self._hidden_models(listener.user_id))
        except StorageError:
            log.exception("hidden models not known", extra={"user_id": listener.user_id})
        model = None
        if listener.model is not None:
            model = Model(listener.model["provider"], listener.model["id"])
            if model_key(model.provider, model.id) in hidden_keys(hidden):
                model = None
        return SpawnOrder(cwd=listener.cwd, model=model, auto_close=listener.auto_close, hidden_models=hidden)

    async def _deliver(self, listener: Listener, firing: Firing, session_id: str) -> bool:
        session = await self._targets.arrival(session_id, listener.user_id, firing.socket)
        if session is None:
            return False
        event = firing.event
        trigger = event.trigger(
            firing.trigger_id,
            firing.ts,
            target_id=session_id,
            deliver_as=firing.deliver_as,
            name=event.shown_name("Service"),
            payload=_with_prompt(listener.prompt, event.payload),
        )
        if await hand_over(session, trigger, self._session_limits.trigger_ack) is Handed.NOT_CONNECTED:
            return False
        entry = history_entry(trigger, self._clock.now_iso(), event.history_summary)
        entry["triggerId"] = spawned_id(firing.trigger_id, session_id)
        await self._history.push([(session_id, entry)])
        return True

    @staticmethod
    def _kill(runner: Runner, session_id: str) -> None:
        """End a worker that nobody will give its trigger; a late one would sit idle (8.7, steps 4 and 8)."""
        log.warning("listener did not start", extra={"session_id": session_id, "runner_id": runner.runner_id})
        runner.emit("kill_session", {"sessionId": session_id})


def _with_prompt(prompt: str | None, payload: Json) -> Json:
    """Answer the payload with the listener's prompt before its own (8.7, step 6)."""
    if prompt is None or not prompt.strip():
        return payload
    own = payload.get("prompt")
    parts = [prompt.strip(), *([own.strip()] if isinstance(own, str) and own.strip() else [])]
    return {**payload, "prompt": "\n\n".join(parts)}
