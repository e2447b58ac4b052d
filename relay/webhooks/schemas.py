"""Describe the bodies of `/api/webhooks*` (rest-runners.md 9)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class WebhookModel(TypedDict):
    """Name a model."""

    provider: str
    id: str


class NewWebhook(TypedDict):
    """Make a webhook; without a filter every type fires."""

    name: str
    source: str
    runnerId: NotRequired[str]
    cwd: NotRequired[str]
    prompt: NotRequired[str]
    model: NotRequired[WebhookModel]
    eventFilter: NotRequired[list[str] | None]


class WebhookChange(TypedDict, total=False):
    """Change what is named; a runner, folder, prompt or model of null goes."""

    name: str
    source: str
    runnerId: str | None
    cwd: str | None
    prompt: str | None
    model: WebhookModel | None
    eventFilter: list[str] | None
    enabled: bool


class WebhookEntry(TypedDict):
    """Describe a webhook, its secret included."""

    id: str
    userId: str
    name: str
    secret: str
    eventFilter: list[str] | None
    source: str
    runnerId: str | None
    cwd: str | None
    prompt: str | None
    model: WebhookModel | None
    enabled: bool
    createdAt: str
    updatedAt: str


class WebhookAnswer(TypedDict):
    """Answer a webhook."""

    webhook: WebhookEntry


class WebhookList(TypedDict):
    """List webhooks, the newest first."""

    webhooks: list[WebhookEntry]


class SecretOverlap(TypedDict):
    """Say for how many seconds the old secret is to verify too."""

    overlapSeconds: float


class WebhookRotated(WebhookAnswer):
    """Answer the new secret, and until when the old one verifies."""

    previousSecretUntil: str | None


class PageQuery(TypedDict, total=False):
    """Turn pages: `limit` is 20 by default and 100 at most, `cursor` the `nextCursor` of the page before."""

    limit: str
    cursor: str


class DeliveryEntry(TypedDict):
    """Describe what a webhook received, and what became of it."""

    n: int
    receivedAt: str
    type: str
    outcome: str
    status: int
    error: str | None
    sessionId: str | None
    triggerId: str | None
    durationMs: int
    replayOf: int | None
    bodyBytes: int
    bodyKept: bool


class DeliveryList(TypedDict):
    """List deliveries, the newest first."""

    deliveries: list[DeliveryEntry]
    nextCursor: str | None


class Fired(TypedDict):
    """Name the session that gets the body, or say that the type is filtered out.

    `pending` when the session has not connected yet.
    """

    ok: Literal[True]
    filtered: NotRequired[Literal[True]]
    triggerId: NotRequired[str]
    sessionId: NotRequired[str]
    pending: NotRequired[Literal[True]]


class Payload(TypedDict, total=False):
    """Carry any object, signed in `X-Webhook-Signature` with HMAC-SHA256 as hex; `type` is compared with the filter."""

    type: str
