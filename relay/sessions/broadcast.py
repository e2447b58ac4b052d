"""Splice agent events into viewer packets: the event's bytes go out as they came in."""

from __future__ import annotations

from collections.abc import Hashable

from relay import jsontext
from relay.realtime import Packet
from relay.sessions.session import AgentSession

_HEAD = b'42/viewer,["event",{"event":'


def event_packet(
    session_id: str,
    event: bytes,
    *,
    seq: int | None = None,
    extra: bytes = b"",
    supersedes: Hashable | None = None,
) -> Packet:
    """Make the packet `event {event, seq?, ..., sessionId}` (sockets-agents.md 2.4, step D).

    `extra` is more members as JSON text with a leading comma each, such as `,"deltaReplay":true`.
    """
    number = b"" if seq is None else b',"seq":%d' % seq
    tail = b',"sessionId":' + jsontext.dumps(session_id) + b"}]"
    return Packet((_HEAD, event, number, extra, tail), supersedes=supersedes)


def broadcast(session: AgentSession, event: bytes, seq: int | None = None, supersedes: Hashable | None = None) -> None:
    """Send an event to everybody who watches; nothing is built when nobody does."""
    if len(session.audience):
        session.audience.send(event_packet(session.id, event, seq=seq, supersedes=supersedes))


def repeat_cumulative(session: AgentSession) -> None:
    """Send the newest cumulative events again after a snapshot, which wipes them from the screen (3.1, rule 4)."""
    if len(session.audience):
        for event in session.transcript.cumulative():
            session.audience.send(event_packet(session.id, event))
