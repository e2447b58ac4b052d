"""Describe the bodies of `/api/push/*` (rest-account.md 8)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class PublicKey(TypedDict):
    """Answer the relay's public VAPID key as base64url."""

    publicKey: str


class PushKeys(TypedDict):
    """Give a browser's keys as base64url."""

    p256dh: str
    auth: str


class NewPush(TypedDict):
    """Subscribe a browser; `enabledEvents` is a comma-separated list, by default every event."""

    endpoint: str
    keys: PushKeys
    enabledEvents: NotRequired[str | None]


class PushMade(TypedDict):
    """Name the subscription."""

    ok: Literal[True]
    id: str


class PushEndpoint(TypedDict):
    """Name a browser by its endpoint."""

    endpoint: str


class PushEntry(TypedDict):
    """Describe a subscription."""

    id: str
    endpoint: str
    createdAt: str
    enabledEvents: str
    suppressChildNotifications: bool


class PushList(TypedDict):
    """List the caller's subscriptions."""

    subscriptions: list[PushEntry]


class PushEvents(TypedDict):
    """Choose the events of a subscription, as a comma-separated list."""

    endpoint: str
    enabledEvents: str


class PushChildren(TypedDict):
    """Choose whether child sessions stay silent."""

    endpoint: str
    suppress: bool


class NativeChildren(TypedDict):
    """Choose whether child sessions stay silent on a phone."""

    suppress: bool


class NativeGone(TypedDict):
    """Say whether a phone was forgotten."""

    ok: Literal[True]
    removed: bool


class PushAnswer(TypedDict):
    """Answer a question; none of the texts may be blank."""

    sessionId: str
    toolCallId: str
    text: str
