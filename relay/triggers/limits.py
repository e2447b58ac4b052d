"""Name the times and bounds of the triggers room; tests shorten the times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TriggerLimits:
    """Hold the times in seconds and the bounds of events and deliveries."""

    #: A question, plan or error for a parent that is away waits so long (rest-runners.md 14.1, Hold).
    hold: float = 30.0
    #: A request that wakes a session is held so long; the daemon gives up after 15 (8.2, step 7).
    wake: float = 10.0
    #: A wake waits for the runner's word, then for the worker's socket (8.2, Wake).
    wake_ack: float = 10.0
    wake_socket: float = 15.0
    #: A listener that a broadcast fires waits for the runner's word, then for the worker's socket (8.7).
    listener_ack: float = 10.0
    listener_socket: float = 15.0
    #: The same when the schedule itself fires it: the daemon gives up after 15 s (8.3).
    schedule_ack: float = 5.0
    schedule_socket: float = 8.0
    #: Listeners that one broadcast starts at the same time (8.8).
    listeners_at_once: int = 4
    #: An answer that comes before its asker has heard that it was asked waits for that, and this long more: the two
    #: travel on different connections (14.3, Ids).
    answer_grace: float = 0.1
    #: Fired events are remembered so long (10.7).
    fired_life: float = 86_400.0
