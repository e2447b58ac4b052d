"""Answer `POST /api/webhooks/{id}/fire`; the order of the checks is the contract's (rest-runners.md 9.3)."""

from __future__ import annotations

import logging
from typing import Final

from relay import jsontext
from relay.clock import Clock
from relay.http import body as bodies
from relay.http.errors import (
    INVALID_JSON,
    PAYLOAD_TOO_LARGE,
    RUNNER_AWAY,
    WEBHOOK_BUSY,
    WEBHOOK_NO_RUNNER,
    WEBHOOK_NONCE_MISSING,
    WEBHOOK_NONCE_USED,
    WEBHOOK_NOT_FOUND,
    WEBHOOK_RUNNER_FORBIDDEN,
    WEBHOOK_SESSION_LATE,
    WEBHOOK_SESSION_LOST,
    WEBHOOK_SIGNATURE_INVALID,
    WEBHOOK_SPAWN_REFUSED,
    WEBHOOK_TIMESTAMP_AHEAD,
    WEBHOOK_TIMESTAMP_INVALID,
    WEBHOOK_TIMESTAMP_OLD,
    WEBHOOK_UNSIGNED,
)
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners.profile import too_deep
from relay.webhooks import schemas
from relay.webhooks.event_filter import event_type
from relay.webhooks.firing import Arrived, Firing, Result
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.nonces import Nonces
from relay.webhooks.records import Json as Item
from relay.webhooks.records import Outcome, Webhook
from relay.webhooks.signature import is_signed, read_claim
from relay.webhooks.webhooks import Webhooks

log = logging.getLogger(__name__)

#: Bytes of a body (1.2).
_LIMIT: Final = 1_048_576
_BOM: Final = b"\xef\xbb\xbf"


class FireRoutes:
    """Serve senders, who have no account here, only a secret."""

    def __init__(self, webhooks: Webhooks, nonces: Nonces, firing: Firing, clock: Clock, limits: WebhookLimits) -> None:
        self._webhooks = webhooks
        self._nonces = nonces
        self._firing = firing
        self._clock = clock
        self._limits = limits

    def table(self) -> list[Route]:
        """Answer the row of this part."""
        return [
            Route(
                "POST",
                "/api/webhooks/{id}/fire",
                self.fire,
                "Fire a webhook: start a session that gets the body",
                auth=Auth.NONE,
                body=Body.RAW,
                limit=_LIMIT,
                guard=self._enabled,
                errors=(
                    WEBHOOK_NOT_FOUND,
                    PAYLOAD_TOO_LARGE.filled(limit=_LIMIT),
                    WEBHOOK_UNSIGNED,
                    WEBHOOK_TIMESTAMP_INVALID,
                    WEBHOOK_TIMESTAMP_AHEAD,
                    WEBHOOK_TIMESTAMP_OLD,
                    WEBHOOK_NONCE_MISSING,
                    WEBHOOK_SIGNATURE_INVALID,
                    WEBHOOK_NONCE_USED,
                    INVALID_JSON,
                    WEBHOOK_NO_RUNNER,
                    WEBHOOK_RUNNER_FORBIDDEN,
                    RUNNER_AWAY,
                    WEBHOOK_SPAWN_REFUSED.filled(reason="..."),
                    WEBHOOK_SESSION_LATE,
                    WEBHOOK_SESSION_LOST,
                    WEBHOOK_BUSY,
                ),
                shape=Shape(schemas.Fired, schemas.Payload),
            )
        ]

    async def fire(self, call: Call) -> Json:
        """Let a signed delivery in once and bring it to a session; a nonce is used up before that (9.3)."""
        began = self._clock.monotonic()
        raw = await bodies.read(call.request, _LIMIT)
        # What its owner changed while the body came counts.
        webhook, headers = self._enabled(call), call.request.headers
        claim = read_claim(headers, self._clock.now_ms(), self._limits, github=webhook.is_github)
        if not is_signed(claim, raw, self._webhooks.secrets_of(webhook)):
            log.info("webhook signature refused", extra={"webhook_id": webhook.id})
            raise WEBHOOK_SIGNATURE_INVALID()
        if claim.nonce is not None and not self._nonces.use(webhook.id, claim.nonce):
            raise WEBHOOK_NONCE_USED()
        body = read_body(raw)
        if body is None:
            error = INVALID_JSON()
            self._firing.refuse(webhook, raw, began, error)
            raise error
        kind = event_type(body, headers.get("X-GitHub-Event") if claim.by_github else None)
        arrived = Arrived(kind, raw, body, began)
        return answer(await self._firing.fire(webhook, arrived, impatient=webhook.is_github))

    def _enabled(self, call: Call) -> Webhook:
        """Answer the webhook that the path names; a disabled one looks like one that never was."""
        webhook = self._webhooks.get(call.params["id"])
        if webhook is None or not webhook.enabled:
            raise WEBHOOK_NOT_FOUND()
        return webhook


def read_body(raw: bytes) -> Item | None:
    """Answer the JSON object that was sent; None for anything else, and for one that nests too deeply to be sent on."""
    try:
        value = jsontext.loads(raw.removeprefix(_BOM))
    except ValueError:
        return None
    return value if isinstance(value, dict) and not too_deep(value) else None


def answer(result: Result) -> Item:
    """Answer the body of a delivery's answer; raises its error."""
    if result.error is not None:
        raise result.error
    if result.outcome is Outcome.FILTERED:
        return {"ok": True, "filtered": True}
    body: Item = {"ok": True, "triggerId": result.trigger_id, "sessionId": result.session_id}
    if result.outcome is Outcome.PENDING:
        body["pending"] = True
    return body
