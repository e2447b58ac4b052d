"""Bind runner ids to their owner and secret, for good (sockets-agents.md 3.2, 3.12, 4.3)."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import Final

from relay.clock import Clock
from relay.jsontext import dumps
from relay.runners.profile import RunnerProfile
from relay.runners.store import RunnerIdentity, RunnerStore

#: A runner id is a UUID in practice; it becomes a key of tables, addresses and logs.
MAX_RUNNER_ID: Final = 256
#: Bytes of a profile worth keeping for the time a runner is away; a larger one is not stored.
MAX_STORED_PROFILE: Final = 262_144


class ClaimRefused(Exception):
    """Carry the exact text of a refused registration (sockets-agents.md 3.2)."""


class RunnerIdentities:
    """Decide who may speak for a runner id, whether it is connected or away."""

    def __init__(self, store: RunnerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._claiming: Counter[str] = Counter()

    async def claim(self, runner_id: str, secret: str, user_id: str, profile: RunnerProfile) -> None:
        """Accept an id for a user, the first time or again with the same secret; the profile is kept.

        Raises ClaimRefused when the secret differs or the id is another user's, and StorageError.
        """
        if not _is_id(runner_id):
            raise ClaimRefused(
                f"Runner authentication failed: a runner id is at most {MAX_RUNNER_ID} characters of text"
            )
        now = self._clock.now_iso()
        text = dumps(profile.json())
        wanted = RunnerIdentity(
            runner_id=runner_id,
            user_id=user_id,
            secret_hash=_hash(secret),
            name=profile.name,
            profile=text.decode() if len(text) <= MAX_STORED_PROFILE else None,
            first_seen_at=now,
            last_seen_at=now,
        )
        self._claiming[runner_id] += 1
        try:
            held = await self._store.claim(wanted)
        finally:
            self._claiming[runner_id] -= 1
            if not self._claiming[runner_id]:
                del self._claiming[runner_id]
        if not hmac.compare_digest(held.secret_hash, wanted.secret_hash):
            raise ClaimRefused(f"Runner authentication failed: secret mismatch for runner {runner_id}")
        if held.user_id != user_id:
            raise foreign_runner(runner_id)

    async def owner_of(self, runner_id: str) -> str | None:
        """Answer the user a runner id belongs to, though the runner be away; None for an unknown id.

        Raises StorageError.
        """
        identity = await self.find(runner_id)
        return None if identity is None else identity.user_id

    async def find(self, runner_id: str) -> RunnerIdentity | None:
        """Answer the identity of a runner id, None for an unknown one. Raises StorageError."""
        return await self._store.identity(runner_id) if _is_id(runner_id) else None

    async def of_user(self, user_id: str) -> list[RunnerIdentity]:
        """Answer a user's runners, connected or away, the most recently seen first. Raises StorageError."""
        return await self._store.identities_of(user_id)

    async def seen(self, runner_id: str) -> None:
        """Note that a runner was connected until now. Raises StorageError."""
        await self._store.seen(runner_id, self._clock.now_iso())

    def claiming(self, runner_id: str) -> bool:
        """Tell whether a registration under this id is under way; its runner is listed as soon as it is over."""
        return self._claiming[runner_id] > 0

    async def release(self, runner_id: str) -> bool:
        """Free an id, so that a machine can be paired with another account; answer whether it was bound.

        For its owner or an administrator only, and not while `claiming`; the caller has checked that in the same step.
        A claim that comes later is written later, so it finds the id free. Raises StorageError.
        """
        return await self._store.release(runner_id)


def foreign_runner(runner_id: str) -> ClaimRefused:
    """Make the refusal of an id that is another user's (sockets-agents.md 3.2)."""
    return ClaimRefused(f"Runner authentication failed: runner {runner_id} is owned by a different user")


def _is_id(runner_id: str) -> bool:
    """Tell whether the id can be a key: short enough, and without the lone surrogates that SQLite refuses."""
    return len(runner_id) <= MAX_RUNNER_ID and not any("\ud800" <= char <= "\udfff" for char in runner_id)


def _hash(secret: str) -> str:
    # The daemon's secret is random, so a plain digest is enough to keep it out of the file.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
