"""Hand triggers to the workers of sessions; one rule for every producer (sockets-agents.md 2.13)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum

from relay.realtime import SocketGone
from relay.sessions.session import AgentSession
from relay.triggers.wire import Json, for_worker


class Handed(Enum):
    """Say what became of a trigger: acknowledged or emitted, not acknowledged in time, or nobody was there.

    SILENT counts as delivered; only a scheduler, whose retry the worker recognises, is told to try again.
    """

    DELIVERED = "delivered"
    SILENT = "silent"
    NOT_CONNECTED = "not connected"


async def hand_over(session: AgentSession, trigger: Json, timeout: float) -> Handed:
    """Emit `session_trigger`; wait up to `timeout` seconds for the acknowledgement of a worker that sends one."""
    (handed,) = await hand_out([(session, trigger)], timeout)
    return handed


async def hand_out(triggers: Sequence[tuple[AgentSession, Json]], timeout: float) -> list[Handed]:
    """Emit a trigger to each of many sessions, then wait for all their acknowledgements together.

    Must not be called from an ordered handler of one of the sessions' own sockets.
    """
    waits: list[asyncio.Future[list[object]] | Handed] = []
    for session, trigger in triggers:
        socket = session.socket
        body = {"trigger": for_worker(session, trigger)}
        if socket is None or not socket.connected:
            waits.append(Handed.NOT_CONNECTED)
        elif session.acks_trigger:
            waits.append(socket.ask("session_trigger", body))
        else:
            socket.emit("session_trigger", body)
            waits.append(Handed.DELIVERED)
    futures = [wait for wait in waits if isinstance(wait, asyncio.Future)]
    try:
        if futures:
            await asyncio.wait(futures, timeout=timeout)
        return [wait if isinstance(wait, Handed) else _outcome(wait) for wait in waits]
    finally:
        for future in futures:
            future.cancel()


def _outcome(answer: asyncio.Future[list[object]]) -> Handed:
    if not answer.done() or answer.cancelled():
        return Handed.SILENT
    return Handed.NOT_CONNECTED if isinstance(answer.exception(), SocketGone) else Handed.DELIVERED
