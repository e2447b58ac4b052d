"""Send a viewer what it lacks, and have the agent fill what nobody here holds (sockets-browsers.md 3.2 to 3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relay import jsontext
from relay.sessions import replay
from relay.sessions.broadcast import event_packet
from relay.sessions.replay import AgentKind, Item, Stream
from relay.sessions.session import AgentSession
from relay.viewers.needs import ViewerNeeds
from relay.viewers.recovery import Recovery
from relay.viewers.state import Miss, ViewerState

OFFLINE: Final = "The runner for this session is offline — the conversation will load when it reconnects."


class Hydration:
    """Answer activations and resyncs; every method is one uninterrupted step."""

    def __init__(self, needs: ViewerNeeds, recovery: Recovery) -> None:
        self._needs = needs
        self._recovery = recovery

    def start(self, state: ViewerState, session: AgentSession, last_seq: int | None) -> None:
        """Do 3.2, steps 5 to 9, for a viewer that is in the audience."""
        answer = replay.hydrate(session.transcript, last_seq, self._stream(session), agent_of(session))
        self._emit_connected(state, session, answer.cursor)
        self._emit_announce(state, session)
        self._send(state, session, answer.items)
        if answer.hit:
            if answer.recover:
                self._recovery.signal(session, state.socket, activation=True)
            return
        if session.heartbeat.raw is not None:
            self._send(state, session, (Item(replay.liveness(session.heartbeat.raw)),))
        if answer.recover:
            state.miss = Miss(last_seq is None, session.transcript.seq, session.transcript.snapshot)

    def echo(self, state: ViewerState, session: AgentSession | None) -> None:
        """Take the browser's echo of `connected`, which fires an armed recovery signal once (3.4)."""
        state.echoed = True
        miss, state.miss = state.miss, None
        if miss is None or session is None:
            return
        transcript = session.transcript
        if transcript.snapshot is not miss.snapshot:
            # A snapshot arrived since the activation, and this viewer got it like everybody else.
            return
        if self._recovery.signal(session, state.socket, activation=True):
            return
        if transcript.seq == miss.seq:
            self._offline(state, session, cold=miss.cold)

    def resync(self, state: ViewerState, session: AgentSession, last_seq: int | None) -> None:
        """Do 3.6."""
        beat = session.heartbeat.raw
        answer = replay.resync(session.transcript, last_seq, self._stream(session), agent_of(session), beat)
        self._send(state, session, answer.items)
        if not answer.recover:
            return
        signalled = self._recovery.signal(session, state.socket, activation=False)
        if not signalled and not answer.hit:
            self._offline(state, session, cold=False)

    def _offline(self, state: ViewerState, session: AgentSession, *, cold: bool) -> None:
        """Tell a viewer that nothing can be had now, unless something is stored after all (3.4)."""
        if cold:
            answer = replay.hydrate(session.transcript, None, Stream.NONE, AgentKind.AWAY)
            if answer.hit:
                self._send(state, session, answer.items)
                return
        state.socket.emit("error", state.stamped({"message": OFFLINE}))

    def _stream(self, session: AgentSession) -> Stream:
        now = self._needs.clock.monotonic()
        return replay.stream_of(session.transcript, now, self._needs.limits.chunks_stale_after)

    @staticmethod
    def _emit_connected(state: ViewerState, session: AgentSession, last_seq: int) -> None:
        body: dict[str, object] = {
            "sessionId": session.id,
            "lastSeq": last_seq,
            "isActive": session.is_active,
            "lastHeartbeatAt": session.heartbeat.at,
            "sessionName": session.name,
            "meta_source": "hub",
        }
        state.socket.emit("connected", state.stamped(body))

    def _emit_announce(self, state: ViewerState, session: AgentSession) -> None:
        """Show the runner's services; an empty list too, or the browser keeps those of the session before (6.4)."""
        body: dict[str, object] = dict(self._needs.announce_for(session) or {"serviceIds": []})
        if session.runner_id is not None:
            body.update(runnerId=session.runner_id, _runnerRef=True)
        state.socket.emit("service_announce", state.stamped(body))

    @staticmethod
    def _send(state: ViewerState, session: AgentSession, items: Iterable[Item]) -> None:
        for item in items:
            extra = flags(item) + generation_member(state)
            state.socket.send(event_packet(session.id, item.event, seq=item.seq, extra=extra))


def agent_of(session: AgentSession) -> AgentKind:
    """Tell what the agent of a session can do for a viewer; a session without collab mode is a mirror's (3.4)."""
    if not session.connected:
        return AgentKind.AWAY
    return AgentKind.ANSWERS if session.collab_mode else AgentKind.MIRROR


def flags(item: Item) -> bytes:
    """Write the replay flags as members of an event packet."""
    return (b',"replay":true' if item.replay else b"") + (b',"deltaReplay":true' if item.delta else b"")


def generation_member(state: ViewerState) -> bytes:
    """Write the generation as a member of an event packet."""
    return b"" if state.generation is None else b',"generation":' + jsontext.dumps(state.generation)
