"""Keep what is known about each viewer socket (sockets-browsers.md 2, 2.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from relay import jsontext
from relay.accounts.handshake import Admission
from relay.realtime import Socket
from relay.sessions.transcript import Snapshot

Generation = int | float | None


@dataclass(frozen=True, slots=True)
class Switch:
    """Hold a request to watch a session; `last_seq` is the cursor of a viewer that comes back."""

    session_id: str
    generation: Generation = None
    last_seq: int | None = None

    @classmethod
    def read(cls, payload: object) -> Switch | None:
        """Read `switch_session`; answer None without a non-empty string `sessionId` (2.3)."""
        if not isinstance(payload, dict):
            return None
        session_id = payload.get("sessionId")
        if not isinstance(session_id, str) or not session_id:
            return None
        return cls(session_id, number(payload.get("generation")), cursor(payload.get("lastSeq")))


@dataclass(frozen=True, slots=True)
class Miss:
    """Describe an activation that could not be served from what is held (3.2, step 9; 3.4)."""

    cold: bool
    seq: int
    snapshot: Snapshot | None


@dataclass(slots=True, eq=False)
class ViewerState:
    """Hold one viewer socket's state; `visible` is None until the browser has said it.

    `asked` is what it wanted to watch when that session was gone, `miss` an armed recovery signal, `echoed` says that
    the browser confirmed `connected` in this activation.
    """

    socket: Socket
    user_id: str
    session_id: str | None = None
    generation: Generation = None
    activation: int = 0
    visible: bool | None = None
    asked: Switch | None = None
    miss: Miss | None = None
    echoed: bool = False

    def begin(self, generation: Generation) -> int:
        """Start a new activation; answer its number, by which older continuations know that they are out of date."""
        self.activation += 1
        self.generation = generation
        self.miss = None
        self.echoed = False
        return self.activation

    def is_current(self, activation: int) -> bool:
        """Tell whether no newer activation began and the socket is still there."""
        return self.activation == activation and self.socket.connected

    def stamped(self, body: dict[str, object]) -> dict[str, object]:
        """Add the generation, which goes with everything that is sent to this socket alone (2.1)."""
        if self.generation is not None:
            body["generation"] = self.generation
        return body


class ViewerStates:
    """Own the states of all viewer sockets, by socket and by the session that they wait for (2.4)."""

    def __init__(self) -> None:
        self._states: dict[Socket, ViewerState] = {}
        self._waiting: dict[str, dict[ViewerState, None]] = {}

    def __len__(self) -> int:
        return len(self._states)

    @property
    def waiting(self) -> int:
        """Answer the number of sessions that somebody waits for."""
        return len(self._waiting)

    def open(self, socket: Socket) -> ViewerState:
        """Make the state of a socket that connected."""
        state = ViewerState(socket, admission(socket).user_id)
        self._states[socket] = state
        return state

    def close(self, socket: Socket) -> ViewerState | None:
        """Forget a socket that disconnected; answer its state."""
        state = self._states.pop(socket, None)
        if state is not None:
            self.stop_waiting(state)
        return state

    def get(self, socket: Socket) -> ViewerState | None:
        """Answer the state of a connected socket."""
        return self._states.get(socket)

    def wait_for(self, state: ViewerState, switch: Switch) -> None:
        """Remember what a viewer asked for, until that session registers."""
        self.stop_waiting(state)
        state.asked = switch
        self._waiting.setdefault(switch.session_id, {})[state] = None

    def stop_waiting(self, state: ViewerState) -> None:
        """Forget what a viewer asked for."""
        if state.asked is None:
            return
        waiting = self._waiting.get(state.asked.session_id)
        if waiting is not None:
            waiting.pop(state, None)
            if not waiting:
                del self._waiting[state.asked.session_id]
        state.asked = None

    def waiting_for(self, session_id: str) -> Iterator[ViewerState]:
        """Answer who waits for a session."""
        return iter(list(self._waiting.get(session_id, ())))


def admission(socket: Socket) -> Admission:
    """Answer whom a socket acts for; raises TypeError when its namespace has another authenticator than ours."""
    if not isinstance(socket.data, Admission):
        raise TypeError(f"{socket!r} was not admitted by the accounts room")
    return socket.data


def number(value: object) -> int | float | None:
    """Read a finite JSON number; anything else is none."""
    return jsontext.finite(value)


def cursor(value: object) -> int | None:
    """Read a sequence number; a fraction counts as the last whole one."""
    found = number(value)
    return None if found is None else math.floor(found)
