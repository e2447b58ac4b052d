"""Hash and check passwords off the event loop, in upstream's format (rest-account.md 3.2, 4.4).

One scrypt costs 32 MiB and tens of milliseconds, so it runs in a small thread pool behind a bounded queue.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from relay.accounts.tokens import well_formed

#: scrypt parameters of rest-account.md 3.2.
_N: Final = 16384
_R: Final = 16
_P: Final = 1
_KEY_BYTES: Final = 64
#: OpenSSL's default ceiling of 32 MiB is just too small for r=16.
_MAX_MEMORY: Final = 67_108_864
_SALT_BYTES: Final = 16
_STORED: Final = re.compile(r"([0-9a-f]{32}):([0-9a-f]{128})")
#: Length of a password in UTF-16 units for the sign-up of the auth library (rest-account.md 2.2).
MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128

#: No password that was ever accepted is longer than 128; what is longer than this is not even normalised.
_LONGEST: Final = 1024

POLICY_SUMMARY: Final = (
    "Password must be at least 8 characters long, no more than 128 characters, and contain at least one uppercase "
    "letter, one lowercase letter, and one number"
)


T = TypeVar("T")


class PasswordsBusy(Exception):
    """Say that too many password checks are waiting; the caller should try again in a moment."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """Hold the two parts of a stored hash."""

    salt: str
    key: str


def _parse(stored: str | None) -> _Stored | None:
    match = _STORED.fullmatch(stored or "")
    return _Stored(match[1], match[2]) if match else None


def meets_policy(password: object) -> bool:
    """Apply the policy of register and change-password: 8..128 code points with A-Z, a-z and 0-9 (4.4)."""
    if not isinstance(password, str) or not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return False
    return all(re.search(kind, password) for kind in ("[A-Z]", "[a-z]", "[0-9]"))


def _derive(password: str, salt: str) -> bytes:
    text = well_formed(unicodedata.normalize("NFKC", password))
    # The salt is the hex text itself, not the bytes that it spells.
    return hashlib.scrypt(
        text.encode(), salt=salt.encode("ascii"), n=_N, r=_R, p=_P, dklen=_KEY_BYTES, maxmem=_MAX_MEMORY
    )


def hash_password(password: str) -> str:
    """Answer `<salt>:<key>` in lower-case hex; blocks for tens of milliseconds."""
    salt = secrets.token_hex(_SALT_BYTES)
    return f"{salt}:{_derive(password, salt).hex()}"


def verify_password(password: str, stored: str | None) -> bool:
    """Compare in constant time; None or an unreadable hash costs the same and is never right. Blocks."""
    known = _parse(stored)
    if len(password) > _LONGEST:
        # No account has one; normalising a megabyte would hold the interpreter's lock for long.
        password, known = password[:_LONGEST], None
    # Unknown users are compared with a key that no password has, so that they take as long as known ones.
    expected = known or _Stored("0" * (2 * _SALT_BYTES), "0" * (2 * _KEY_BYTES))
    same = hmac.compare_digest(_derive(password, expected.salt).hex(), expected.key)
    return same and known is not None


class Passwords:
    """Run password hashing in a bounded thread pool."""

    def __init__(self, *, threads: int = 2, waiting: int = 64) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scrypt")
        self._limit = threads + waiting
        self._pending = 0

    @property
    def pending(self) -> int:
        """Answer how many hashes are computed or wait."""
        return self._pending

    async def hash(self, password: str) -> str:
        """Answer the stored form of a new password; raises PasswordsBusy when the queue is full."""
        return await self._run(lambda: hash_password(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether `password` is the one of `stored`, always at the cost of one scrypt; raises PasswordsBusy."""
        return await self._run(lambda: verify_password(password, stored))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._limit:
            raise PasswordsBusy
        self._pending += 1
        computed = asyncio.wrap_future(self._pool.submit(work))
        # Counted until the thread is done, not until the caller left, or cancelled callers would overfill the queue.
        computed.add_done_callback(self._finished)
        return await asyncio.shield(computed)

    def _finished(self, _computed: asyncio.Future[T]) -> None:
        self._pending -= 1

    async def close(self) -> None:
        """Drop what waits and end the threads; what computes finishes first."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
