"""Bound what the exchanges of the tunnel may take; the numbers are those of tunnel.md 1.8, 1.9, 6.1 S14 and 8.3."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """State times in seconds, sizes in bytes, and counts per runner."""

    #: Decoded response bytes that wait for one browser before its runner's socket is no longer read, and the rest at
    #: which reading goes on.
    high_water: int = 2**20
    low_water: int = 256 * 1024
    #: The same for all exchanges of a runner together.
    runner_memory: int = 16 * 2**20
    #: How long the exchanges of a runner may be held up by one slow browser; a tenth of the time that is read without a
    #: pause is given back, so that many short pauses do not add up to more.
    pause: float = 0.1
    pause_regained: float = 0.1
    #: What may lie in temporary files: of one exchange and of all; 0 aborts a slow exchange instead.
    spill_each: int = 2**30
    spill_all: int = 4 * 2**30
    spill_piece: int = 64 * 1024
    spill_segment: int = 32 * 2**20
    #: Largest piece of a request body in one frame, so that uploads take turns.
    piece: int = 64 * 1024
    #: From the end of the request to the head of the response.
    answer_within: float = 30.0
    #: A browser that uploads and sends nothing for so long has gone.
    upload_idle: float = 120.0
    #: From `ws-open` to `ws-opened`.
    open_within: float = 10.0
    #: Messages that wait for a slow bridged browser; one message alone may exceed it.
    bridge_queue: int = 4 * 2**20
    #: A bridged browser that got nothing for so long is pinged, so that proxies keep the connection.
    bridge_ping: float = 30.0
    bridge_message: int = 100 * 2**20
    #: For the closing handshake with a bridged browser.
    bridge_close: float = 2.0
    exchanges: int = 256
    bridges: int = 128
    #: Answers of at most this size leave in one piece when they are complete already.
    small_answer: int = 64 * 1024
    #: Credit of each direction of an exchange in the binary framing (README.md).
    window: int = 2**20
