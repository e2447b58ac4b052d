"""Name what operators choose about Web Push, and the bounds and times that they do not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PushConfig:
    """Hold the operator's choices; the keys are base64url, empty for a pair of the relay's own (8.1).

    `allow_private` admits endpoints on loopback and private addresses, and plain `http`: for tests.
    """

    public_key: str = ""
    private_key: str = ""
    subject: str = "mailto:admin@pizzapi.local"
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class PushLimits:
    """Hold times (seconds) and bounds of Web Push; tests shorten the times."""

    #: How long a push service keeps a message for a sleeping device: four weeks (rest-account.md 8.5).
    ttl: int = 2_419_200
    #: One request to a push service (8.5).
    timeout: float = 10.0
    #: Requests per message: a push service that is down for a minute is waited for, 2 + 8 + 32 s.
    attempts: int = 4
    first_wait: float = 2.0
    wait_factor: float = 4.0
    #: A push service may ask for a longer pause with `Retry-After`, up to this.
    longest_wait: float = 120.0
    #: Messages that are under way or wait for another attempt; the one that came first gives way.
    pending: int = 1000
    #: Requests at a time.
    at_once: int = 16
    #: 4096 bytes on the wire less 86 of header, 16 of tag and 1 of padding (RFC 8291 4).
    payload: int = 3993
    #: An unanswered question is forgotten after a day (8.6).
    question_life: float = 86_400.0
    #: Browsers of one user; beyond it the oldest subscription goes.
    subscriptions: int = 100
    #: What is under way at shutdown gets this long.
    finish: float = 0.5
