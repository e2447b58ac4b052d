"""Keep the webhooks of every user, in memory and on disk (rest-runners.md 9.1, 9.2)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from relay.accounts.steps import Steps
from relay.clock import Clock, iso
from relay.events import Bus, UserRemoved
from relay.sessions.spawn_order import Model
from relay.webhooks.delivery_log import DeliveryLog
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.nonces import Nonces
from relay.webhooks.records import Webhook
from relay.webhooks.store import WebhookStore

log = logging.getLogger(__name__)

#: Random bytes of a secret: 64 hex digits (2.9).
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """Hold what its owner wants of a new webhook."""

    name: str
    source: str
    event_filter: tuple[str, ...] | None
    runner_id: str | None
    cwd: str | None
    prompt: str | None
    model: Model | None


class Webhooks:
    """Own the webhooks; what a delivery needs is answered from memory. Changes raise StorageError.

    A change is committed before it is seen, and one change at a time is made.
    """

    def __init__(
        self,
        store: WebhookStore,
        deliveries: DeliveryLog,
        nonces: Nonces,
        bus: Bus,
        clock: Clock,
        limits: WebhookLimits,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._nonces = nonces
        self._clock = clock
        self._limits = limits
        self._steps = Steps()
        self._changing = asyncio.Lock()
        self._by_id: dict[str, Webhook] = {}
        self._by_user: dict[str, dict[str, None]] = {}
        bus.subscribe(UserRemoved, self._user_removed)

    async def load(self) -> None:
        """Read what is stored; call once, before the first request."""
        await self._store.interrupt()
        for webhook, last in await self._store.webhooks():
            self._keep(webhook)
            self._deliveries.load(webhook.id, last)
        self._nonces.load(await self._store.nonces(self._clock.now_ms()))

    async def close(self) -> None:
        """Wait for the changes under way; call it before the storage closes."""
        await self._steps.close()

    def get(self, webhook_id: str) -> Webhook | None:
        """Answer a webhook."""
        return self._by_id.get(webhook_id)

    def owned(self, webhook_id: str, user_id: str) -> Webhook | None:
        """Answer a webhook when it is the user's."""
        webhook = self._by_id.get(webhook_id)
        return webhook if webhook is not None and webhook.user_id == user_id else None

    def of_user(self, user_id: str) -> list[Webhook]:
        """Answer a user's webhooks, the newest first."""
        return [self._by_id[webhook_id] for webhook_id in reversed(self._by_user.get(user_id, {}))]

    def is_full(self, user_id: str) -> bool:
        """Tell whether a user may have no more webhooks."""
        return len(self._by_user.get(user_id, {})) >= self._limits.webhooks

    def secrets_of(self, webhook: Webhook) -> tuple[str, ...]:
        """Answer the secrets that verify now: the secret, and in an overlap the one before it."""
        previous, until = webhook.previous_secret, webhook.previous_until
        if previous is None or until is None or until <= self._clock.now_iso():
            return (webhook.secret,)
        return (webhook.secret, previous)

    async def create(self, user_id: str, new: NewWebhook) -> Webhook | None:
        """Store a webhook with an id and a secret of its own; None when the user is gone or has too many."""
        return await self._steps.run(self._create(user_id, new))

    async def change(self, webhook_id: str, user_id: str, change: Callable[[Webhook], Webhook]) -> Webhook | None:
        """Store what `change` makes of a webhook; `updatedAt` moves. None when it is not there any more."""
        return await self._steps.run(self._change(webhook_id, user_id, change))

    async def rotate(self, webhook_id: str, user_id: str, overlap: float) -> Webhook | None:
        """Give a webhook a new secret; the one before it verifies for `overlap` seconds more.

        A still earlier one stops at once. None when the webhook is not there any more.
        """

        def rotated(before: Webhook) -> Webhook:
            until = iso(self._clock.now_ms() + overlap * 1000)
            kept = before.secret if overlap > 0 else None
            return replace(
                before,
                secret=_new_secret(),
                previous_secret=kept,
                previous_until=None if kept is None else until,
            )

        changed = await self._steps.run(self._change(webhook_id, user_id, rotated))
        if changed is not None:
            log.info("webhook secret rotated", extra={"webhook_id": webhook_id})
        return changed

    async def remove(self, webhook_id: str, user_id: str) -> bool:
        """Delete a webhook with its deliveries; answer False when it is not there any more."""
        return await self._steps.run(self._remove(webhook_id, user_id))

    async def _create(self, user_id: str, new: NewWebhook) -> Webhook | None:
        async with self._changing:
            if self.is_full(user_id):
                return None
            now = self._clock.now_iso()
            made = Webhook(
                id=f"wh_{uuid4()}",
                user_id=user_id,
                name=new.name,
                source=new.source,
                secret=_new_secret(),
                event_filter=new.event_filter,
                runner_id=new.runner_id,
                cwd=new.cwd,
                prompt=new.prompt,
                model=new.model,
                enabled=True,
                created_at=now,
                updated_at=now,
            )
            if not await self._store.add(made):
                return None
            self._keep(made)
            log.info("webhook created", extra={"webhook_id": made.id, "user_id": user_id})
            return made

    async def _change(self, webhook_id: str, user_id: str, change: Callable[[Webhook], Webhook]) -> Webhook | None:
        async with self._changing:
            before = self.owned(webhook_id, user_id)
            if before is None:
                return None
            changed = replace(change(before), updated_at=self._clock.now_iso())
            await self._store.update(changed)
            if self._by_id.get(webhook_id) is not before:
                # Its user was removed while it was written.
                return None
            self._by_id[webhook_id] = changed
            return changed

    async def _remove(self, webhook_id: str, user_id: str) -> bool:
        async with self._changing:
            webhook = self.owned(webhook_id, user_id)
            if webhook is None:
                return False
            await self._store.remove(webhook_id)
            self._forget(webhook)
            log.info("webhook deleted", extra={"webhook_id": webhook_id})
            return True

    def _user_removed(self, event: UserRemoved) -> None:
        for webhook in self.of_user(event.user_id):
            self._forget(webhook)

    def _keep(self, webhook: Webhook) -> None:
        self._by_id[webhook.id] = webhook
        self._by_user.setdefault(webhook.user_id, {})[webhook.id] = None

    def _forget(self, webhook: Webhook) -> None:
        if self._by_id.pop(webhook.id, None) is None:
            return
        mine = self._by_user[webhook.user_id]
        del mine[webhook.id]
        if not mine:
            del self._by_user[webhook.user_id]
        self._nonces.forget(webhook.id)
        self._deliveries.forget(webhook.id)


def _new_secret() -> str:
    return f"whsec_{secrets.token_hex(_SECRET_BYTES)}"
