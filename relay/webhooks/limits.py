"""Name the times and bounds of the webhooks room; tests shorten the times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """Hold the times in seconds and the bounds of webhooks."""

    #: The runner's word on a new session, then the worker's socket (rest-runners.md 9.3, steps 17 and 18).
    ack: float = 10.0
    socket: float = 15.0
    #: GitHub gives up after 10 s; its webhooks are answered within this time, the delivery goes on (9.3).
    github_answer: float = 8.0
    #: A signed timestamp may be so old, or so far ahead (9.3, steps 6 and 7).
    oldest: float = 300.0
    skew: float = 30.0
    #: A timestamp 30 s ahead is good for 5.5 minutes; its nonce is remembered a little longer (9.3).
    nonce_life: float = 360.0
    #: Nonces remembered of one webhook, 140 a second for as long as they live; above it senders are told to come later.
    nonces: int = 50_000
    #: Sessions that one webhook starts at the same time.
    at_once: int = 256
    #: Webhooks of one user.
    webhooks: int = 1000
    #: A rotated secret stays good for at most this long.
    longest_overlap: float = 30 * 86_400.0
    #: Bodies are kept so long (`webhooks.keep_bodies`), and of one webhook at most so many bytes of the newest.
    keep_bodies: float = 7 * 86_400.0
    body_bytes: int = 32 * 2**20
    #: Rows of the delivery log live so long, and the newest so many of one webhook.
    keep_rows: float = 30 * 86_400.0
    rows: int = 10_000
    #: The delivery log is written so far behind, or when so much waits to be written.
    behind: float = 0.25
    waiting_rows: int = 2_000
    waiting_bytes: int = 8 * 2**20
