"""Collect the numbers that accounts keep to; tests shorten them, operators may set some."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyRateLimit:
    """Limit the requests per API key; off by default (rest-account.md 1.4, 15). The window is in milliseconds."""

    enabled: bool = False
    window_ms: int = 86_400_000
    max_requests: int = 10


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """Slow failed sign-ins down per account and block them per address only. All times in seconds."""

    #: Failures per account that cost nothing: everybody mistypes.
    free_failures: int = 3
    #: Wait before the next check, doubled with each further failure up to the most: an owner never waits longer.
    first_delay: float = 0.25
    most_delay: float = 2.0
    #: An account's failures are forgotten after this time without a new one.
    forget_after: float = 900.0
    #: Failures of one address, whatever the account, until it is refused, and for how long.
    address_failures: int = 20
    address_window: float = 900.0
    #: Password checks of one address at a time.
    address_pending: int = 8


@dataclass(frozen=True, slots=True)
class PairingLimits:
    """Limit setup claims and mobile links (rest-account.md 5, 6). Times in seconds."""

    #: Life of a claim or link, not extended by anything.
    life: float = 600.0
    #: One that ended is answered as such for this long, then unknown: upstream's sweep comes every hour.
    kept: float = 3600.0
    #: Made per address (claims) or user (links) and window.
    attempts: int = 30
    window: float = 900.0
    #: Open claims of all strangers together.
    open_claims: int = 10_000
    #: Most that a key lives.
    runner_key_life: float = 365 * 86_400.0
    mobile_key_life: float = 90 * 86_400.0


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Hold the other bounds of the room. Times in seconds."""

    sign_in: SignInLimits = field(default_factory=SignInLimits)
    pairing: PairingLimits = field(default_factory=PairingLimits)
    #: Attempts to register per address and window (rest-account.md 4.3).
    register_attempts: int = 5
    register_window: float = 900.0
    #: scrypt threads (32 MiB each) and checks that may wait for one.
    password_threads: int = 2
    password_queue: int = 64
    #: Verified credentials kept in memory, of each kind; an entry is about 1 KiB.
    cached_credentials: int = 10_000
    #: A key's `lastRequest` is written at most this often: no screen shows it (rest-account.md 1.4).
    last_request_interval: float = 60.0
    #: Pause before throttled `lastRequest` times are written together.
    touch_delay: float = 1.0
    #: Expired keys and sessions are looked for this often, beside the checks on use.
    sweep_interval: float = 60.0
    #: Addresses and accounts whose recent attempts are remembered.
    remembered: int = 10_000
