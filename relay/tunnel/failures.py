"""Name the ways in which an exchange or a bridged socket fails, and what the browser is told (tunnel.md 2.2, 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.http.errors import TUNNEL_FAILED, TUNNEL_TIMED_OUT, TUNNEL_UNAVAILABLE, ApiError, ErrorSpec


@dataclass(frozen=True, slots=True)
class Failure:
    """Say why something ended; `text` is the message of the contract, `spec` the answer while no head was sent."""

    text: str
    spec: ErrorSpec = TUNNEL_FAILED

    def error(self) -> ApiError:
        """Make the answer."""
        return self.spec(reason=self.text)


class ExchangeBroken(Exception):
    """Say that a response broke off after its head: the browser must see that it is not whole."""


DISCONNECTED: Final = Failure("Runner disconnected", TUNNEL_UNAVAILABLE)
REREGISTERED: Final = Failure("Runner re-registered")
MISSED_HEARTBEATS: Final = Failure("Runner missed heartbeats")
SHUTTING_DOWN: Final = Failure("Relay shutting down")
TIMED_OUT: Final = Failure("Tunnel request timed out", TUNNEL_TIMED_OUT)
ENDED_EARLY: Final = Failure("Response ended before it began")
RUNNER_ABORTED: Final = Failure("Runner aborted request")
TOO_SLOW: Final = Failure("The browser is too slow")
REVOKED: Final = Failure("Access revoked")
