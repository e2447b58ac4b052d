"""Hand a trigger to a session's worker; one rule for every producer (sockets-agents.md 2.13)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from relay.realtime import AckTimeout, SocketGone
from relay.sessions.session import AgentSession


class Handed(Enum):
    """Say what became of a trigger: acknowledged or emitted, not acknowledged in time, or nobody was there.

    SILENT counts as delivered; only a scheduler, whose retry the worker recognises, is told to try again.
    """

    DELIVERED = "delivered"
    SILENT = "silent"
    NOT_CONNECTED = "not connected"


async def hand_over(session: AgentSession, trigger: Mapping[str, object], timeout: float) -> Handed:
    """Emit `session_trigger`; wait up to `timeout` seconds for the acknowledgement of workers that send one.

    Must not be called from an ordered handler of the session's own socket.
    """
    socket = session.socket
    if socket is None or not socket.connected:
        return Handed.NOT_CONNECTED
    body = {"trigger": trigger}
    if not session.acks_trigger:
        socket.emit("session_trigger", body)
        return Handed.DELIVERED
    try:
        await socket.call("session_trigger", body, timeout=timeout)
    except SocketGone:
        return Handed.NOT_CONNECTED
    except AckTimeout:
        return Handed.SILENT
    return Handed.DELIVERED
