"""Decide what a joining, returning or resyncing viewer is sent (sockets-browsers.md 3.1, 3.3, 3.5 to 3.7).

Everything here is pure: it reads a transcript and answers events in the order in which they must leave. The caller
joins the audience and sends the answer in one step, so nothing is published in between, missed or sent twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.sessions.heads import join_object
from relay.sessions.transcript import CachedEvent, Page, Snapshot, Transcript

#: The realtime layer cuts a connection with more queued, one larger packet not counted (realtime.md, Speed and memory).
BACKLOG_BYTES: Final = 8 * 2**20
#: Sent at once to one viewer at most, one packet above `BACKLOG_BYTES` not counted: a reader that is not the quickest
#: must survive its own hydration. More counts as not held, and the agent is asked for a fresh snapshot.
REPLAY_BYTES: Final = 7 * 2**20

_ACTIVE: Final = b'{"type":"session_active","state":'


class Stream(Enum):
    """Tell whether a chunked snapshot is under way; a stale one no longer holds a viewer up (3.5)."""

    NONE = "none"
    HEALTHY = "healthy"
    STALE = "stale"


class AgentKind(Enum):
    """Tell what the session's agent can do for a viewer (3.4)."""

    ANSWERS = "answers"
    #: A sub-agent's mirror never answers a recovery signal: what is stored is the only source.
    MIRROR = "mirror"
    #: An awaited session has no agent socket yet.
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Item:
    """Describe one `event` for one viewer; `replay` and `delta` are its flags `replay` and `deltaReplay`."""

    event: bytes
    seq: int | None = None
    replay: bool = False
    delta: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a viewer gets.

    `cursor` is the `lastSeq` of `connected`; `hit` says that the items (even if there are none) bring the viewer up to
    date or show it what is stored; `recover` says that the agent should be asked for a fresh snapshot.
    """

    items: tuple[Item, ...]
    cursor: int
    hit: bool
    recover: bool = False


def stream_of(transcript: Transcript, now: float, stale_after: float) -> Stream:
    """Answer the state of the chunk stream at `now` (monotonic seconds)."""
    if transcript.chunks is None:
        return Stream.NONE
    return Stream.STALE if transcript.chunks.stale(now, stale_after) else Stream.HEALTHY


def hydrate(transcript: Transcript, last_seq: int | None, stream: Stream, agent: AgentKind) -> Answer:
    """Answer a `switch_session` (3.2, steps 5 to 9); a returning viewer has the cursor `last_seq`, a cold one None.

    In a healthy chunk stream there is nothing to send: its end brings the assembled snapshot (3.5).
    """
    if stream is Stream.HEALTHY:
        return Answer((), transcript.seq, hit=False)
    if last_seq is None:
        return _cold(transcript, stream, agent)
    answer = _resumed(transcript, last_seq)
    if answer.hit:
        # The stream was to bring something newer than what is held; a viewer must not wait for it any more.
        return Answer(answer.items, answer.cursor, hit=True, recover=stream is Stream.STALE)
    return _cold(transcript, stream, agent) if agent is AgentKind.MIRROR else answer


def resync(
    transcript: Transcript, last_seq: int | None, stream: Stream, agent: AgentKind, heartbeat: bytes | None
) -> Answer:
    """Answer a `resync` (3.6): what follows the cursor; without one the newest heartbeat and everything held.

    In a healthy stream there is nothing to send: it will finish.
    """
    if stream is Stream.HEALTHY:
        return Answer((), transcript.seq, hit=True)
    if last_seq is not None:
        if last_seq > transcript.seq:
            return Answer(_cumulative(transcript), transcript.seq, hit=True)
        answer = _resumed(transcript, last_seq)
        return answer if answer.hit or agent is not AgentKind.MIRROR else _cold(transcript, stream, agent)
    beat = () if heartbeat is None else (Item(heartbeat),)
    snapshot = transcript.snapshot
    if snapshot is None:
        return Answer(beat, transcript.seq, hit=False, recover=True)
    active = Item(_ACTIVE + snapshot.tail(transcript.overlay) + b"}")
    newest = _cumulative(transcript)
    trailing = _trailing(transcript, snapshot)
    if trailing is not None and _fits((active, *trailing, *newest)):
        # Without numbers, because a browser drops numbered ones that its cursor has passed (3.6; 3.1, rule 7).
        unnumbered = [Item(item.event, replay=True) for item in trailing]
        items = (*beat, active, *unnumbered, *newest)
        return Answer(items, transcript.seq, hit=True, recover=stream is Stream.STALE)
    return Answer((*beat, active, *newest), transcript.seq, hit=True, recover=True)


def page(transcript: Transcript, before: float, limit: float) -> Page:
    """Answer `load_messages` (3.7): up to `limit` messages before index `before`; both finite numbers, of any sign."""
    snapshot = transcript.snapshot
    if snapshot is None:
        return Page(b"[]", 0, False)
    return snapshot.page(math.trunc(before), math.trunc(limit))


def liveness(heartbeat: bytes) -> bytes:
    """Mark a heartbeat as a sign of life only, for a viewer whose snapshot is still to come (3.2, step 9)."""
    body = heartbeat.strip()
    inner = body[1:-1].rstrip()
    if not body.startswith(b"{"):
        return heartbeat
    return b"{" + inner + (b"," if inner else b"") + b'"_livenessOnly":true}'


def _cold(transcript: Transcript, stream: Stream, agent: AgentKind) -> Answer:
    """Answer the newest snapshot, cut to its tail, and everything published since (3.3; 3.1, rule 5)."""
    snapshot = transcript.snapshot
    if snapshot is None:
        return Answer((), transcript.seq, hit=False, recover=True)
    stale = stream is Stream.STALE
    tail = snapshot.tail(transcript.overlay)
    newest = _cumulative(transcript)
    trailing = _trailing(transcript, snapshot)
    if snapshot.seq is not None:
        first = Item(_ACTIVE + tail + b"}", replay=True)
        if trailing is not None and _fits((first, *trailing, *newest)):
            return Answer((first, *trailing, *newest), snapshot.seq, hit=True, recover=stale)
        # Something after the snapshot is no longer held: show what there is, and have the agent fill the hole.
        return Answer((first, *newest), transcript.seq, hit=True, recover=True)
    via_hub = b"" if agent is AgentKind.AWAY else b',"_metaViaHub":true'
    stored = Item(_ACTIVE + tail + via_hub + b"}")
    return Answer((stored, *newest), transcript.seq, hit=True, recover=stale or trailing is None)


def _resumed(transcript: Transcript, last_seq: int) -> Answer:
    """Answer a viewer with a cursor: what it missed, else the whole snapshot and what follows (3.3, a to d)."""
    newest = _cumulative(transcript)
    if last_seq == transcript.seq:
        return Answer(newest, transcript.seq, hit=True)
    missed = _deltas(transcript, last_seq)
    if missed is not None and _fits((*missed, *newest)):
        return Answer((*missed, *newest), transcript.seq, hit=True)
    snapshot = transcript.snapshot
    if snapshot is not None and snapshot.seq is not None and last_seq < transcript.seq:
        trailing = _deltas(transcript, snapshot.seq)
        if trailing is not None:
            whole = Item(_whole(transcript, snapshot), snapshot.seq, replay=True, delta=True)
            if _fits((whole, *trailing, *newest)):
                return Answer((whole, *trailing, *newest), transcript.seq, hit=True)
    return Answer((), transcript.seq, hit=False, recover=True)


def _trailing(transcript: Transcript, snapshot: Snapshot) -> list[Item] | None:
    """Answer every event published after a snapshot, or None when it is not known or held.

    A snapshot without a number is of an earlier run: events of this one cannot be laid over it.
    """
    if snapshot.seq is None:
        return None if len(transcript.cache) else []
    return _deltas(transcript, snapshot.seq)


def _deltas(transcript: Transcript, after: int) -> list[Item] | None:
    """Answer every event published after the number `after`, or None when one of them is not held."""
    if after == transcript.seq:
        return []
    first = transcript.cache.first_seq
    if after > transcript.seq or first is None or first > after + 1:
        return None
    return [_delta(transcript, cached) for cached in transcript.cache.after(after)]


def _delta(transcript: Transcript, cached: CachedEvent) -> Item:
    snapshot = transcript.snapshot
    event = cached.event
    if snapshot is not None and cached.seq == snapshot.seq:
        # Metadata since then had no number and is not replayed: it goes with the snapshot that it changes.
        event = _whole(transcript, snapshot)
    return Item(event, cached.seq, replay=True, delta=True)


def _whole(transcript: Transcript, snapshot: Snapshot) -> bytes:
    if not transcript.overlay:
        return snapshot.event
    return join_object({"type": b'"session_active"', "state": snapshot.full(transcript.overlay)})


def _cumulative(transcript: Transcript) -> tuple[Item, ...]:
    return tuple(Item(event) for event in transcript.cumulative())


def _fits(items: Iterable[Item]) -> bool:
    sizes: Sequence[int] = [len(item.event) for item in items]
    largest = max(sizes, default=0)
    return sum(sizes) - (largest if largest > BACKLOG_BYTES else 0) <= REPLAY_BYTES or len(sizes) == 1
