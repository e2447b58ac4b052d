"""Remember the nonces of signed deliveries, so that none is taken twice (rest-runners.md 9.3, step 10)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import takewhile

from relay.clock import Clock
from relay.http.errors import WEBHOOK_BUSY
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.records import UsedNonce


class Nonces:
    """Own the nonces in memory; `take_unsaved` hands out what a restart must not forget."""

    def __init__(self, clock: Clock, limits: WebhookLimits) -> None:
        self._clock = clock
        self._limits = limits
        #: Digests of each webhook with the end of their life in epoch milliseconds, the oldest first.
        self._used: dict[str, dict[bytes, int]] = {}
        self._unsaved: list[UsedNonce] = []

    def load(self, stored: Iterable[UsedNonce]) -> None:
        """Take in what was stored, the oldest first."""
        for one in stored:
            self._used.setdefault(one.webhook_id, {})[one.digest] = one.expires_at

    def use(self, webhook_id: str, nonce: str) -> bool:
        """Use a nonce up; answer False when it was used before. One synchronous step, so two senders cannot share it.

        Raises ApiError 503 when too many are remembered: forgetting one early would let its delivery be replayed.
        """
        digest = hashlib.sha256(nonce.encode("utf-8", "surrogateescape")).digest()
        now = self._clock.now_ms()
        used = self._used.setdefault(webhook_id, {})
        _drop_expired(used, now)
        if digest in used:
            return False
        if len(used) >= self._limits.nonces:
            raise WEBHOOK_BUSY()
        expires_at = now + int(self._limits.nonce_life * 1000)
        used[digest] = expires_at
        self._unsaved.append(UsedNonce(webhook_id, digest, expires_at))
        return True

    def take_unsaved(self) -> list[UsedNonce]:
        """Answer what was used since the last call."""
        taken, self._unsaved = self._unsaved, []
        return taken

    def put_back(self, unsaved: list[UsedNonce]) -> None:
        """Take back what could not be saved, but for what has expired."""
        now = self._clock.now_ms()
        self._unsaved = [one for one in unsaved if one.expires_at > now] + self._unsaved

    def forget(self, webhook_id: str) -> None:
        """Forget a webhook that is gone."""
        self._used.pop(webhook_id, None)

    def sweep(self) -> None:
        """Forget what has expired."""
        now = self._clock.now_ms()
        for webhook_id, used in list(self._used.items()):
            _drop_expired(used, now)
            if not used:
                del self._used[webhook_id]


def _drop_expired(used: dict[bytes, int], now: int) -> None:
    """Drop from the front what has expired; a clock that was set back only keeps some of it longer."""
    for digest in list(takewhile(lambda one: used[one] <= now, used)):
        del used[digest]
