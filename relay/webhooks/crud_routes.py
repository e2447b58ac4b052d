"""Answer the calls that list, make, change, delete and rotate webhooks (rest-runners.md 9.2)."""

from __future__ import annotations

import logging

from aiohttp import web

from relay.http.errors import (
    INVALID_JSON,
    UNAUTHORIZED,
    WEBHOOK_FILTER_INVALID,
    WEBHOOK_MODEL_HIDDEN,
    WEBHOOK_NAME_INVALID,
    WEBHOOK_NOT_FOUND,
    WEBHOOK_OVERLAP_INVALID,
    WEBHOOK_RUNNER_FORBIDDEN,
    WEBHOOK_SOURCE_INVALID,
    WEBHOOKS_FULL,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.server import json_response
from relay.http.shapes import Ok, Shape
from relay.runners.identities import RunnerIdentities
from relay.runners.models import hidden_keys, model_key
from relay.sessions.spawn_order import Model
from relay.sessions.spawn_routes import HiddenModelsOf
from relay.storage import StorageError
from relay.webhooks import schemas
from relay.webhooks.fields import changed, read_new, read_overlap, wanted_model
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.records import Webhook
from relay.webhooks.webhooks import Webhooks

log = logging.getLogger(__name__)


class CrudRoutes:
    """Serve the webhooks of the caller."""

    def __init__(
        self, webhooks: Webhooks, identities: RunnerIdentities, hidden_models: HiddenModelsOf, limits: WebhookLimits
    ) -> None:
        self._webhooks = webhooks
        self._identities = identities
        self._hidden_models = hidden_models
        self._limits = limits

    def table(self) -> list[Route]:
        """Answer the rows of this part."""
        base, one = "/api/webhooks", "/api/webhooks/{id}"
        wanted = (WEBHOOK_FILTER_INVALID, WEBHOOK_RUNNER_FORBIDDEN, WEBHOOK_MODEL_HIDDEN)
        missing = (WEBHOOK_NOT_FOUND,)
        return [
            Route("GET", base, self.list_all, "List the caller's webhooks", shape=Shape(schemas.WebhookList)),
            Route(
                "POST",
                base,
                self.create,
                "Make a webhook",
                body=Body.STRICT,
                errors=(INVALID_JSON, WEBHOOK_NAME_INVALID, WEBHOOK_SOURCE_INVALID, *wanted, WEBHOOKS_FULL),
                shape=Shape(schemas.WebhookAnswer, schemas.NewWebhook, statuses=(201,)),
            ),
            Route("GET", one, self.read, "Read a webhook", errors=missing, shape=Shape(schemas.WebhookAnswer)),
            Route(
                "PUT",
                one,
                self.update,
                "Change a webhook",
                body=Body.STRICT,
                guard=self.gate,
                errors=(*missing, INVALID_JSON, *wanted),
                shape=Shape(schemas.WebhookAnswer, schemas.WebhookChange),
            ),
            Route("DELETE", one, self.delete, "Delete a webhook", errors=missing, shape=Shape(Ok)),
            Route(
                "POST",
                f"{one}/rotate",
                self.rotate,
                "Give a webhook a new secret; the old one verifies for some time more",
                body=Body.STRICT,
                guard=self.gate,
                errors=(*missing, INVALID_JSON, WEBHOOK_OVERLAP_INVALID.filled(longest="...")),
                shape=Shape(schemas.WebhookRotated, schemas.SecretOverlap),
            ),
        ]

    def gate(self, call: Call) -> Webhook:
        """Answer the webhook that the path names; raises ApiError 404 for an unknown and for another user's."""
        webhook = self._webhooks.owned(call.params["id"], call.user.user_id)
        if webhook is None:
            raise WEBHOOK_NOT_FOUND()
        return webhook

    async def list_all(self, call: Call) -> Json:
        """Answer the caller's webhooks, the newest first."""
        return {"webhooks": [webhook.json() for webhook in self._webhooks.of_user(call.user.user_id)]}

    async def read(self, call: Call) -> Json:
        """Answer one webhook."""
        return {"webhook": self.gate(call).json()}

    async def create(self, call: Call) -> web.StreamResponse:
        """Make a webhook; its runner need not be connected, only known as the caller's."""
        user_id = call.user.user_id
        new = read_new(call.body)
        await self._check(user_id, new.runner_id, new.model)
        if self._webhooks.is_full(user_id):
            raise WEBHOOKS_FULL()
        made = await self._webhooks.create(user_id, new)
        if made is None:
            raise (WEBHOOKS_FULL if self._webhooks.is_full(user_id) else UNAUTHORIZED)()
        return json_response({"webhook": made.json()}, 201)

    async def update(self, call: Call) -> Json:
        """Change the members that the body has; only a runner and a model that it names are checked."""
        user_id, before = call.user.user_id, self.gate(call)
        after = changed(before, call.body)
        await self._check(
            user_id,
            after.runner_id if "runnerId" in call.body else None,
            wanted_model(call.body),
        )
        stored = await self._webhooks.change(before.id, user_id, lambda current: changed(current, call.body))
        return {"webhook": _there(stored).json()}

    async def delete(self, call: Call) -> Json:
        """Delete a webhook."""
        if not await self._webhooks.remove(call.params["id"], call.user.user_id):
            raise WEBHOOK_NOT_FOUND()
        return {"ok": True}

    async def rotate(self, call: Call) -> Json:
        """Answer the webhook with its new secret, and until when the one before it verifies."""
        webhook = self.gate(call)
        overlap = read_overlap(call.body, self._limits.longest_overlap)
        rotated = _there(await self._webhooks.rotate(webhook.id, call.user.user_id, overlap))
        return {"webhook": rotated.json(), "previousSecretUntil": rotated.previous_until}

    async def _check(self, user_id: str, runner_id: str | None, model: Model | None) -> None:
        """Raise ApiError 403 for a runner that is not the caller's, then for a model that the caller hides."""
        if runner_id is not None and await self._identities.owner_of(runner_id) != user_id:
            raise WEBHOOK_RUNNER_FORBIDDEN()
        if model is not None and model_key(model.provider, model.id) in await self._hidden(user_id):
            raise WEBHOOK_MODEL_HIDDEN()

    async def _hidden(self, user_id: str) -> frozenset[str]:
        try:
            return hidden_keys(await self._hidden_models(user_id))
        except StorageError:
            # The spawn looks again (3.3).
            log.exception("hidden models not known", extra={"user_id": user_id})
            return frozenset()


def _there(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise WEBHOOK_NOT_FOUND()
    return webhook
