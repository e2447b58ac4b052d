"""Describe the answers about the audit log."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class AuditEntry(TypedDict):
    """Say what happened, when, with which credential and from where; `address` is empty when the operator did it."""

    id: int
    at: str
    event: str
    credentialId: str | None
    address: str | None
    details: dict[str, object]


class AuditPage(TypedDict):
    """Give a page, the newest first; `nextBefore` asks for the one behind it and is null on the last."""

    entries: list[AuditEntry]
    nextBefore: int | None


class AuditQuery(TypedDict):
    """Choose a page: entries with an id below `before`, at most `limit` of them (1 to 200, default 50)."""

    before: NotRequired[int]
    limit: NotRequired[int]
