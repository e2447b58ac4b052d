"""Answer the calls about what a webhook received: the log, and a delivery once more."""

from __future__ import annotations

import re
from typing import Final

from relay.clock import Clock
from relay.http.errors import (
    WEBHOOK_BODY_GONE,
    WEBHOOK_BUSY,
    WEBHOOK_DELIVERY_NOT_FOUND,
    WEBHOOK_DISABLED,
    WEBHOOK_NOT_FOUND,
)
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape
from relay.sessions.history.routes import read_limit
from relay.webhooks import schemas
from relay.webhooks.delivery_log import DeliveryLog
from relay.webhooks.event_filter import event_type
from relay.webhooks.fire_routes import answer, read_body
from relay.webhooks.firing import Arrived, Firing
from relay.webhooks.records import Delivery, Webhook
from relay.webhooks.webhooks import Webhooks

#: More digits than these are no number of a delivery, nor of SQLite's.
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class DeliveryRoutes:
    """Serve the delivery log of the caller's webhooks."""

    def __init__(self, webhooks: Webhooks, deliveries: DeliveryLog, firing: Firing, clock: Clock) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._firing = firing
        self._clock = clock

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        base = "/api/webhooks/{id}/deliveries"
        return [
            Route(
                "GET",
                base,
                self.page,
                "List what a webhook received",
                errors=(WEBHOOK_NOT_FOUND,),
                shape=Shape(schemas.DeliveryList, query=schemas.PageQuery),
            ),
            Route(
                "POST",
                base + "/{n}/replay",
                self.replay,
                "Deliver once more what a webhook received",
                errors=(
                    WEBHOOK_NOT_FOUND,
                    WEBHOOK_DELIVERY_NOT_FOUND,
                    WEBHOOK_DISABLED,
                    WEBHOOK_BODY_GONE,
                    WEBHOOK_BUSY,
                ),
                shape=Shape(schemas.Fired),
            ),
        ]

    async def page(self, call: Call) -> Json:
        """Answer one page of `limit` entries (20, at most 100), newest first.

        `nextCursor` is null at the end; a cursor that cannot be read begins anew.
        """
        webhook, limit = self._owned(call), read_limit(call.query.get("limit"))
        found = await self._deliveries.page(webhook.id, _number(call.query.get("cursor", "")), limit + 1)
        shown = found[:limit]
        return {
            "deliveries": [entry.json() for entry in shown],
            "nextCursor": str(shown[-1].n) if len(found) > limit else None,
        }

    async def replay(self, call: Call) -> Json:
        """Deliver a kept body as if it came now, without signature and nonce; the answer is that of a fire."""
        webhook, began = self._owned(call), self._clock.monotonic()
        number = _number(call.params["n"])
        entry = None if number is None else await self._deliveries.find(webhook.id, number)
        if entry is None:
            raise WEBHOOK_DELIVERY_NOT_FOUND()
        # What its owner changed while the entry was read counts.
        webhook = self._owned(call)
        if not webhook.enabled:
            raise WEBHOOK_DISABLED()
        body = None if entry.body is None else read_body(entry.body)
        if entry.body is None or body is None:
            raise WEBHOOK_BODY_GONE()
        arrived = Arrived(_kind(entry, body), entry.body, body, began, replay_of=entry.n)
        return answer(await self._firing.fire(webhook, arrived, impatient=False))

    def _owned(self, call: Call) -> Webhook:
        webhook = self._webhooks.owned(call.params["id"], call.user.user_id)
        if webhook is None:
            raise WEBHOOK_NOT_FOUND()
        return webhook


def _kind(entry: Delivery, body: dict[str, object]) -> str | None:
    """Answer the type once more; one that came in a header is only in the log."""
    return event_type(body, entry.type or None)


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None
