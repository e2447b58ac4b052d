"""Count attempts per address and account in bounded memory (rest-account.md 2.5, 4.3).

Addresses can be blocked; accounts are only slowed down, so that nobody can lock their owner out.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from relay.accounts.limits import SignInLimits
from relay.clock import Clock

#: Requests per address and path of the auth endpoints, by prefix, and the rest: (most, seconds) of rest-account.md 2.5.
_STRICT_PREFIXES: Final = ("/sign-in", "/sign-up", "/change-password", "/change-email")
_STRICT: Final = (3, 10.0)
_OTHERS: Final = (100, 10.0)


def address_key(address: str) -> str:
    """Reduce an address to what one party controls: IPv4, an IPv6 /64, or one shared bucket for the unknown."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


@dataclass(slots=True)
class _Count:
    """Count since, or until, a moment on the monotonic clock."""

    count: int
    moment: float


class _Counts:
    """Keep a bounded number of counters, the least recently used leave first."""

    def __init__(self, bound: int) -> None:
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._bound = bound

    def get(self, key: str) -> _Count | None:
        return self._counts.get(key)

    def put(self, key: str, count: _Count) -> None:
        self._counts[key] = count
        self._counts.move_to_end(key)
        while len(self._counts) > self._bound:
            self._counts.popitem(last=False)

    def drop(self, key: str) -> None:
        self._counts.pop(key, None)

    def __len__(self) -> int:
        return len(self._counts)


class FixedWindow:
    """Allow so many attempts per key in a window that starts with the first one."""

    def __init__(self, clock: Clock, most: int, seconds: float, bound: int) -> None:
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._counts = _Counts(bound)

    def attempt(self, key: str) -> int:
        """Count one attempt; answer 0 when it is allowed, else the whole seconds until the window ends."""
        wait = self.wait(key)
        if wait:
            return wait
        now = self._clock.monotonic()
        known = self._counts.get(key)
        if known is None or now > known.moment:
            self._counts.put(key, _Count(1, now + self._seconds))
        else:
            known.count += 1
            self._counts.put(key, known)
        return 0

    def wait(self, key: str) -> int:
        """Answer the whole seconds that `key` must wait, 0 for none, without counting."""
        known = self._counts.get(key)
        now = self._clock.monotonic()
        if known is None or now > known.moment or known.count < self._most:
            return 0
        return max(1, math.ceil(known.moment - now))


class AuthPace:
    """Limit the auth endpoints per address and path; the window runs from the last counted request (2.5)."""

    def __init__(self, clock: Clock, bound: int) -> None:
        self._clock = clock
        self._counts = _Counts(bound)

    def attempt(self, address: str, path: str) -> int:
        """Count a request to `path` (below `/api/auth`); answer 0 when allowed, else the whole seconds to wait."""
        most, seconds = _STRICT if path.startswith(_STRICT_PREFIXES) else _OTHERS
        key = f"{address_key(address)} {path}"
        now = self._clock.monotonic()
        known = self._counts.get(key)
        if known is None or now - known.moment > seconds:
            self._counts.put(key, _Count(1, now))
            return 0
        if known.count >= most:
            return max(1, math.ceil(known.moment + seconds - now))
        self._counts.put(key, _Count(known.count + 1, now))
        return 0


class SignInAttempts:
    """Remember failed sign-ins: a bounded delay per account, a block per address."""

    def __init__(self, clock: Clock, limits: SignInLimits, bound: int) -> None:
        self._clock = clock
        self._limits = limits
        self._accounts = _Counts(bound)
        self._addresses = FixedWindow(clock, limits.address_failures, limits.address_window, bound)
        self._pending: dict[str, int] = {}

    def blocked(self, address: str) -> int:
        """Answer the whole seconds that an address must wait before it may try again, 0 for none."""
        key = address_key(address)
        wait = self._addresses.wait(key)
        if not wait and self._pending.get(key, 0) >= self._limits.address_pending:
            return 1
        return wait

    def delay(self, email: str) -> float:
        """Answer the seconds that a check of this account waits, known or not; never more than the configured most."""
        known = self._accounts.get(email)
        if known is None or self._clock.monotonic() - known.moment > self._limits.forget_after:
            return 0.0
        excess = known.count - self._limits.free_failures
        if excess < 0:
            return 0.0
        return min(self._limits.first_delay * 2.0 ** min(excess, 30), self._limits.most_delay)

    def enter(self, address: str) -> None:
        """Count a check under way for the address."""
        key = address_key(address)
        self._pending[key] = self._pending.get(key, 0) + 1

    def leave(self, address: str) -> None:
        """Count a check as finished."""
        key = address_key(address)
        left = self._pending.get(key, 0) - 1
        if left > 0:
            self._pending[key] = left
        else:
            self._pending.pop(key, None)

    def failed(self, email: str, address: str) -> None:
        """Note a wrong password, or an unknown account."""
        known = self._accounts.get(email)
        now = self._clock.monotonic()
        fresh = known is None or now - known.moment > self._limits.forget_after
        self._accounts.put(email, _Count(1 if fresh or known is None else known.count + 1, now))
        self.failed_at(address)

    def failed_at(self, address: str) -> None:
        """Note a failure that belongs to no account, such as a wrong set-up code."""
        self._addresses.attempt(address_key(address))

    def succeeded(self, email: str) -> None:
        """Forget the failures of an account."""
        self._accounts.drop(email)
