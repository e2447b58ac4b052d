"""Start a session for a webhook and give it what was sent (rest-runners.md 9.3, steps 12 to 20)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from uuid import uuid4

from relay.clock import Clock, iso
from relay.http.errors import (
    INTERNAL,
    RUNNER_AWAY,
    STORAGE_UNAVAILABLE,
    WEBHOOK_BUSY,
    WEBHOOK_NO_RUNNER,
    WEBHOOK_RUNNER_FORBIDDEN,
    WEBHOOK_SESSION_LATE,
    WEBHOOK_SESSION_LOST,
    WEBHOOK_SPAWN_REFUSED,
    ApiError,
)
from relay.runners.identities import RunnerIdentities
from relay.runners.models import hidden_keys, model_key
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.sessions.limits import SessionLimits
from relay.sessions.session import AgentSession
from relay.sessions.spawn import Spawns
from relay.sessions.spawn_order import SpawnOrder
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import StorageError
from relay.triggers.delivery import Handed, hand_over
from relay.triggers.history import TriggerHistory
from relay.triggers.targets import Targets
from relay.triggers.wire import EXTERNAL, fresh_id, history_entry
from relay.webhooks.delivery_log import DeliveryLog
from relay.webhooks.event_filter import fires
from relay.webhooks.fields import storable
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.records import Delivery, Json, Outcome, Webhook

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Hold a delivery that was let in: its type, its body as sent and as read, when it began (monotonic seconds).

    `replay_of` is the number of the delivery that it repeats.
    """

    kind: str | None
    raw: bytes = field(repr=False)
    body: Json = field(repr=False)
    began: float
    replay_of: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Say what became of a delivery; `error` is what its sender is told, None for an answer of 200."""

    outcome: Outcome
    session_id: str | None = None
    trigger_id: str | None = None
    error: ApiError | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """Gather what brings a delivery to a session."""

    runners: RunnerRegistry
    identities: RunnerIdentities
    spawns: Spawns
    targets: Targets
    history: TriggerHistory
    hidden_models: HiddenModelsOf


class Firing:
    """Own the deliveries under way; each is a task of its own, so a sender that leaves stops none."""

    def __init__(
        self, ways: Ways, deliveries: DeliveryLog, clock: Clock, session_limits: SessionLimits, limits: WebhookLimits
    ) -> None:
        self._ways = ways
        self._deliveries = deliveries
        self._clock = clock
        self._session_limits = session_limits
        self._limits = limits
        self._tasks: set[asyncio.Task[Result]] = set()
        self._running: Counter[str] = Counter()

    async def close(self) -> None:
        """Give up what is under way; the log says so. Call it before the log closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def fire(self, webhook: Webhook, arrived: Arrived, *, impatient: bool) -> Result:
        """Bring a delivery to a session of its own, unless the filter drops it; the log has it either way.

        For an `impatient` sender the answer comes in time for GitHub, and the delivery goes on (9.3).
        """
        entry = self._entry(webhook, arrived)
        if not fires(webhook.event_filter, arrived.kind):
            result = Result(Outcome.FILTERED)
            self._note(entry, arrived, result)
        elif self._running[webhook.id] >= self._limits.at_once:
            result = Result(Outcome.BUSY, error=WEBHOOK_BUSY())
            self._note(entry, arrived, result)
        else:
            result = await self._bring(webhook, arrived, entry, impatient=impatient)
        await self._deliveries.settle()
        return result

    def refuse(self, webhook: Webhook, raw: bytes, began: float, error: ApiError) -> None:
        """Log a signed delivery whose body cannot be read."""
        arrived = Arrived(None, raw, {}, began)
        self._note(self._entry(webhook, arrived), arrived, Result(Outcome.INVALID_BODY, error=error))

    async def _bring(self, webhook: Webhook, arrived: Arrived, entry: Delivery, *, impatient: bool) -> Result:
        promised = Result(Outcome.PENDING, str(uuid4()), fresh_id("wh"))
        self._running[webhook.id] += 1
        task = asyncio.create_task(self._follow(webhook, arrived, entry, promised), name="webhook delivery")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(webhook.id, done))
        if not impatient:
            return await asyncio.shield(task)
        left = arrived.began + self._limits.github_answer - self._clock.monotonic()
        await asyncio.wait({task}, timeout=max(left, 0.0))
        if task.done():
            return task.result()
        log.info("webhook answered before its session came", extra={"webhook_id": webhook.id, "n": entry.n})
        try:
            await self._deliveries.flush()
        except StorageError:
            log.exception("webhook delivery not logged", extra={"webhook_id": webhook.id})
        return promised

    async def _follow(self, webhook: Webhook, arrived: Arrived, entry: Delivery, promised: Result) -> Result:
        """Deliver, and log what becomes of it, whatever that is."""
        result = replace(promised, outcome=Outcome.INTERRUPTED)
        self._note(entry, arrived, promised)
        try:
            result = await self._deliver(webhook, arrived, promised)
        except Exception as error:
            # Its sender may have been answered already, so nobody else would hear of it.
            log.exception("webhook delivery failed", extra={"webhook_id": webhook.id, "n": entry.n})
            told = STORAGE_UNAVAILABLE() if isinstance(error, StorageError) else INTERNAL()
            result = replace(promised, outcome=Outcome.FAILED, error=told)
        finally:
            self._note(entry, arrived, result)
        log.info(
            "webhook fired",
            extra={"webhook_id": webhook.id, "n": entry.n, "outcome": result.outcome.value},
        )
        return result

    async def _deliver(self, webhook: Webhook, arrived: Arrived, promised: Result) -> Result:
        session_id, trigger_id = str(promised.session_id), str(promised.trigger_id)
        if webhook.runner_id is None:
            return Result(Outcome.NO_RUNNER, error=WEBHOOK_NO_RUNNER())
        order = await self._order(webhook)
        runner = await self._runner(webhook.runner_id, webhook.user_id)
        if isinstance(runner, Result):
            return runner
        spawned = await self._ways.spawns.spawn(runner, order, session_id=session_id, timeout=self._limits.ack)
        if not spawned.outcome.ok and not spawned.outcome.timed_out:
            return Result(Outcome.RUNNER_REFUSED, error=WEBHOOK_SPAWN_REFUSED(reason=spawned.outcome.message))
        session = await self._ways.targets.arrival(session_id, webhook.user_id, self._limits.socket)
        if session is None:
            return replace(promised, outcome=Outcome.SESSION_LATE, error=WEBHOOK_SESSION_LATE())
        trigger = self._trigger(webhook, arrived.body, session, trigger_id)
        if await hand_over(session, trigger, self._session_limits.trigger_ack) is Handed.NOT_CONNECTED:
            return replace(promised, outcome=Outcome.SESSION_LOST, error=WEBHOOK_SESSION_LOST())
        await self._ways.history.push([(session_id, history_entry(trigger, self._clock.now_iso(), webhook.name))])
        return replace(promised, outcome=Outcome.DELIVERED)

    async def _runner(self, runner_id: str, user_id: str) -> Runner | Result:
        """Answer the connected runner of the webhook's owner; one that is away is 503, since senders retry on that."""
        runner = self._ways.runners.get(runner_id)
        if runner is not None and runner.user_id == user_id and runner.connected:
            return runner
        owner = runner.user_id if runner is not None else await self._ways.identities.owner_of(runner_id)
        if owner == user_id:
            return Result(Outcome.RUNNER_AWAY, error=RUNNER_AWAY())
        return Result(Outcome.RUNNER_FORBIDDEN, error=WEBHOOK_RUNNER_FORBIDDEN())

    async def _order(self, webhook: Webhook) -> SpawnOrder:
        """Make the order, without a model that its owner hides now (3.3)."""
        hidden: tuple[str, ...] = ()
        try:
            hidden = tuple(await self._ways.hidden_models(webhook.user_id))
        except StorageError:
            log.exception("hidden models not known", extra={"user_id": webhook.user_id})
        model = webhook.model
        if model is not None and model_key(model.provider, model.id) in hidden_keys(hidden):
            model = None
        return SpawnOrder(cwd=webhook.cwd, prompt=webhook.prompt, model=model, hidden_models=hidden)

    def _trigger(self, webhook: Webhook, body: Json, session: AgentSession, trigger_id: str) -> Json:
        """Answer the trigger; its type is never the body's, and the webhook's prompt takes the place of the body's."""
        return {
            "type": "webhook",
            "sourceSessionId": f"{EXTERNAL}{webhook.source}",
            "sourceSessionName": f"Webhook: {webhook.name}",
            "targetSessionId": session.id,
            "payload": body if webhook.prompt is None else {**body, "prompt": webhook.prompt},
            "deliverAs": "steer",
            "expectsResponse": False,
            "triggerId": trigger_id,
            "ts": self._clock.now_iso(),
        }

    def _entry(self, webhook: Webhook, arrived: Arrived) -> Delivery:
        """Number a delivery."""
        since = self._clock.monotonic() - arrived.began
        return Delivery(
            webhook_id=webhook.id,
            n=self._deliveries.number(webhook.id),
            received_at=iso(self._clock.now_ms() - since * 1000),
            type=storable(arrived.kind or ""),
            outcome=Outcome.PENDING,
            status=200,
            error=None,
            session_id=None,
            trigger_id=None,
            duration_ms=0,
            replay_of=arrived.replay_of,
            body_size=len(arrived.raw),
            body=arrived.raw if self._limits.keep_bodies > 0 else None,
        )

    def _note(self, entry: Delivery, arrived: Arrived, result: Result) -> None:
        error = result.error
        self._deliveries.add(
            replace(
                entry,
                outcome=result.outcome,
                status=200 if error is None else error.status,
                error=None if error is None else storable(error.message),
                session_id=result.session_id,
                trigger_id=result.trigger_id,
                duration_ms=max(0, round((self._clock.monotonic() - arrived.began) * 1000)),
            )
        )

    def _finished(self, webhook_id: str, task: asyncio.Task[Result]) -> None:
        self._tasks.discard(task)
        self._running[webhook_id] -= 1
        if not self._running[webhook_id]:
            del self._running[webhook_id]
        if not task.cancelled():
            # Whoever still waits gets it; nobody may be left.
            task.exception()
