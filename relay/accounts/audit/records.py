"""Describe the entries of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AuditEvent(StrEnum):
    """Name what happened."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in.failed"
    SIGN_OUT = "sign_out"
    SETUP = "setup"
    SETUP_FAILED = "setup.failed"
    USER_ADDED = "user.added"
    USER_REMOVED = "user.removed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an event
    SESSIONS_REVOKED = "sessions.revoked"
    KEY_CREATED = "key.created"
    KEY_CHANGED = "key.changed"
    KEY_REVOKED = "key.revoked"
    KEY_NEW_ADDRESS = "key.new_address"


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one entry; `user_id` is empty when nobody's account was meant, `address` when the operator did it.

    `at` is ISO 8601. `details` are a few texts and numbers, never a secret.
    """

    at: str
    event: str
    user_id: str = ""
    credential_id: str = ""
    address: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """Bound the log: `retention` in seconds and `entries` in the table; the rest is how it is written."""

    retention: float = 90 * 86_400.0
    entries: int = 100_000
    #: Entries that wait to be written; more are counted and lost, so that a flood cannot take the relay's memory.
    waiting: int = 1000
    #: Entries are written so long after the first of them, together.
    behind: float = 0.05
    #: Addresses that are remembered of one key; a key from everywhere is not news each time.
    addresses: int = 256
    sweep_every: float = 3600.0
