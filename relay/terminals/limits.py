"""Name the times and bounds of the terminals room."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TerminalLimits:
    """Hold times in seconds and sizes in bytes."""

    #: A terminal that no browser watches and that was never spawned goes after this (sockets-browsers.md 9).
    unspawned_for: float = 60.0
    #: An ended terminal stays this long for the browsers that watch it (sockets-browsers.md 9).
    ended_watched_for: float = 2.0
    #: An ended terminal that nobody watches waits this long for a late browser (sockets-browsers.md 9).
    ended_unwatched_for: float = 30.0
    #: A running shell is killed when nobody watched it and it printed nothing for so long; the contract leaves the time
    #: to us (5.2, *Closing*). A day lets somebody come back the next morning.
    abandoned_for: float = 86_400.0
    #: Messages of output kept for browsers that attach; the number is upstream's. Above it small ones are joined.
    scrollback_messages: int = 1000
    #: Base64 text of output kept for browsers that attach: 384 KiB of output, thousands of lines.
    scrollback_bytes: int = 524_288
    #: Terminals of one user that have not ended; each may hold a scrollback here and a process over there.
    open_per_user: int = 100
    #: A browser with more than this queued is spared further output, and gets the scrollback when it caught up; well
    #: below the backlog at which the whole connection would be cut.
    lag_bytes: int = 1_048_576
    #: What a browser types or pastes waits while more than this is queued for the runner.
    input_backlog: int = 4_194_304
    #: Input that had to wait longer than this is dropped, as for a runner without a socket (5.2).
    input_wait: float = 5.0
