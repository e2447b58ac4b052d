"""Name the bounds of the viewers room."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewerLimits:
    """Hold the times (seconds) and bounds of the viewers room; those of a session are in `SessionLimits`."""

    #: One recovery signal that is not answered yet serves everybody who needs one; shorter than the web UI's first
    #: retry after 3.5 s (sockets-browsers.md 1.5).
    recovery_shared_for: float = 1.0
    #: `end_session` commands under way per session, of which the answer is awaited; a person sends one.
    pending_ends: int = 32
    #: Meta subscriptions remembered per hub socket; the web UI holds one per live session (4.4).
    subscriptions: int = 4096
