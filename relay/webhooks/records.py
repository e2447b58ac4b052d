"""Hold what is stored of webhooks and their deliveries (rest-runners.md 9.1, 10.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from relay.sessions.spawn_order import Model

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Hold one webhook; times are ISO 8601.

    `event_filter` None and empty mean that every type fires. `previous_secret` verifies until `previous_until`.
    """

    id: str
    user_id: str
    name: str
    source: str
    secret: str = field(repr=False)
    event_filter: tuple[str, ...] | None
    runner_id: str | None
    cwd: str | None
    prompt: str | None = field(repr=False)
    model: Model | None
    enabled: bool
    created_at: str
    updated_at: str
    previous_secret: str | None = field(default=None, repr=False)
    previous_until: str | None = None

    @property
    def is_github(self) -> bool:
        """Tell whether GitHub itself may be the sender: its own signature is accepted, its patience respected (9.3)."""
        return self.source.lower() == "github"

    def json(self) -> Json:
        """Answer the object of 9.1, with the secret in clear: its owner copies it from there."""
        return {
            "id": self.id,
            "userId": self.user_id,
            "name": self.name,
            "secret": self.secret,
            "eventFilter": None if self.event_filter is None else list(self.event_filter),
            "source": self.source,
            "runnerId": self.runner_id,
            "cwd": self.cwd,
            "prompt": self.prompt,
            "model": None if self.model is None else self.model.json(),
            "enabled": self.enabled,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        }


class Outcome(Enum):
    """Name what became of a delivery."""

    DELIVERED = "delivered"
    FILTERED = "filtered"
    PENDING = "pending"
    INVALID_BODY = "invalid_body"
    NO_RUNNER = "no_runner"
    RUNNER_FORBIDDEN = "runner_forbidden"
    RUNNER_AWAY = "runner_away"
    RUNNER_REFUSED = "runner_refused"
    SESSION_LATE = "session_late"
    SESSION_LOST = "session_lost"
    BUSY = "busy"
    FAILED = "failed"
    #: The relay stopped while it was under way.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold one entry of the delivery log.

    `status` is the HTTP status that the sender got, `error` the text of an error answer; `duration_ms` runs from the
    arrival of the request to the outcome. `body` is None when it is not kept.
    """

    webhook_id: str
    n: int
    received_at: str
    type: str
    outcome: Outcome
    status: int
    error: str | None
    session_id: str | None
    trigger_id: str | None
    duration_ms: int
    replay_of: int | None
    body_size: int
    body: bytes | None = field(default=None, repr=False)

    def json(self) -> Json:
        """Answer the entry as the log shows it, without its body."""
        return {
            "n": self.n,
            "receivedAt": self.received_at,
            "type": self.type,
            "outcome": self.outcome.value,
            "status": self.status,
            "error": self.error,
            "sessionId": self.session_id,
            "triggerId": self.trigger_id,
            "durationMs": self.duration_ms,
            "replayOf": self.replay_of,
            "bodyBytes": self.body_size,
            "bodyKept": self.body is not None,
        }


@dataclass(frozen=True, slots=True)
class UsedNonce:
    """Hold the SHA-256 digest of a nonce that was used for a webhook; `expires_at` is epoch milliseconds."""

    webhook_id: str
    digest: bytes
    expires_at: int
