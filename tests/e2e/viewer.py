"""Watch a session as the web UI does: acceptance rules, cursor, returns (sockets-browsers.md 1.5, 2.1, 3.9)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.e2e.peer import Credentials, NotConnected, Peer
from tests.e2e.transcript import JsonObject, Line, Transcript, as_object, as_objects, essence
from tests.e2e.waiting import NotReached

#: A person needs about this long to press Enter again.
_DRAFT_AGAIN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Gap:
    """Say between which sequence numbers something is missing, and which event showed it."""

    before: int
    after: int
    event_type: str


class Viewer(Peer):
    """Show one session at a time.

    `gaps` are jumps of the sequence number, `resyncs` what they cost, `backwards` numbers that were not above their
    predecessor on the same connection, `wrong_session` events of a session that is not on screen.
    """

    namespace = "/viewer"
    returns_after_kick = True

    def __init__(self, url: str, credentials: Credentials) -> None:
        super().__init__(url, credentials)
        self.session_id: str | None = None
        self.generation = 0
        self.cursor: int | None = None
        self.awaiting = False
        self.transcript = Transcript()
        self.gaps: list[Gap] = []
        self.backwards: list[int] = []
        self.resyncs = 0
        self.wrong_session = 0
        self.event_types: list[str] = []
        self.live_seqs: list[int] = []
        self.agent_active = False

    async def select(self, session_id: str) -> None:
        """Select a session without waiting for its transcript."""
        self.session_id = session_id
        self.generation += 1
        self.cursor = None
        self.awaiting = True
        self.transcript = Transcript()
        await self.emit("switch_session", {"sessionId": session_id, "generation": self.generation})
        await self.emit("viewer_visibility", {"visible": True})

    async def watch(self, session_id: str, timeout: float = 10.0) -> None:
        """Select a session and wait for its transcript."""
        await self.select(session_id)
        await self.until(lambda: self.transcript.hydrated, "the transcript to arrive", timeout)

    async def on_connected(self) -> None:
        """Ask for the session on screen again, with the cursor, as after every reconnect."""
        self.live_seqs = []
        if self.session_id is None:
            return
        again: dict[str, object] = {"sessionId": self.session_id, "generation": self.generation}
        if self.cursor is not None:
            again["lastSeq"] = self.cursor
        await self.emit("switch_session", again)
        await self.emit("viewer_visibility", {"visible": True})

    async def until(self, reached: Callable[[], bool], what: str, timeout: float = 20.0) -> None:
        """Wait for a condition over this viewer; raises NotReached with what it shows instead."""
        await self.changed.until(reached, what, timeout, self._state)

    async def until_said(self, text: str, timeout: float = 20.0) -> None:
        """Wait until an assistant message, finished or growing, contains the text."""

        def said() -> bool:
            return any(text in answer for answer in self.transcript.texts("assistant"))

        await self.until(said, f"the agent to say {text!r}", timeout)

    async def until_idle(self, timeout: float = 30.0, runs: int = 1) -> None:
        """Wait until so many runs of the agent ended and the snapshot behind the last of them is here."""
        await self.until(
            lambda: len(self.transcript.runs) >= runs and self.transcript.hydrated, f"{runs} runs to end", timeout
        )

    async def until_shows(self, expected: Sequence[Line], timeout: float = 30.0) -> None:
        """Wait until the transcript is exactly this and the agent is at rest."""

        def shown() -> bool:
            return essence(self.transcript.messages()) == list(expected) and not self.agent_active and self.online

        await self.until(shown, f"the transcript to be {expected}", timeout)

    async def tell(self, text: str, deliver_as: str | None = None) -> bool:
        """Send input and answer whether it was delivered.

        An agent at rest acknowledges when its answer is done, or the relay does after 9.5 s (sockets-browsers.md 2.5).
        """
        try:
            return await self.call("input", self._input(text, deliver_as)) is True
        except NotConnected:
            return False

    async def begin(self, text: str) -> None:
        """Send input without waiting for its acknowledgement, for an answer that the test holds back."""
        await self.emit("input", self._input(text, None))

    @staticmethod
    def _input(text: str, deliver_as: str | None) -> dict[str, object]:
        made: dict[str, object] = {"text": text, "attachments": [], "client": "web", "requestId": str(uuid.uuid4())}
        return made if deliver_as is None else {**made, "deliverAs": deliver_as}

    async def insist(self, text: str, timeout: float = 20.0) -> None:
        """Send input again while it is refused, as a person does whose draft comes back after a reconnect."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not await self.tell(text):
            if asyncio.get_running_loop().time() > deadline:
                raise NotReached(f"delivery of {text!r}: not within {timeout:g} s; state: {self._state()}")
            await asyncio.sleep(_DRAFT_AGAIN)

    async def execute(self, command: str, timeout: float = 10.0, **arguments: object) -> JsonObject:
        """Run a command in the agent and answer its `exec_result`."""
        exec_id = str(uuid.uuid4())
        await self.emit("exec", {"type": "exec", "id": exec_id, "command": command, **arguments})

        def results() -> list[Mapping[str, object]]:
            return [result for result in self.events("exec_result") if result.get("id") == exec_id]

        await self.until(lambda: bool(results()), f"the result of {command}", timeout)
        return results()[0]

    async def load_older(self, limit: int = 50) -> None:
        """Fetch one page of older messages (sockets-browsers.md 3.7)."""
        seen = len(self.events("session_messages_page"))
        assert self.session_id is not None
        before = self.transcript.oldest_index
        await self.emit("load_messages", {"sessionId": self.session_id, "before": before, "limit": limit})
        page = await self.until_event("session_messages_page", after=seen)
        oldest = page.get("oldestIndex")
        assert isinstance(oldest, int)
        self.transcript.prepend(as_objects(page.get("messages")), oldest, page.get("hasMore") is True)

    def on_event(self, name: str, payload: JsonObject) -> None:
        """Accept or drop what arrives."""
        match name:
            case "connected":
                if self._is_mine(payload):
                    self._merge_cursor(payload.get("lastSeq"))
                    self.agent_active = payload.get("isActive") is True
                    self.enqueue("connected", {})
            case "event":
                if self._is_mine(payload):
                    self._agent_event(payload)
                elif payload.get("sessionId") not in (None, self.session_id):
                    self.wrong_session += 1
            case _:
                pass

    def codes(self) -> list[object]:
        """Answer the code, or else the reason, of each `disconnected` event."""
        return [payload.get("code") or payload.get("reason") for payload in self.events("disconnected")]

    def _is_mine(self, payload: JsonObject) -> bool:
        session, generation = payload.get("sessionId"), payload.get("generation")
        return session in (None, self.session_id) and generation in (None, self.generation)

    def _merge_cursor(self, last_seq: object) -> None:
        if isinstance(last_seq, int):
            self.cursor = last_seq if self.cursor is None else min(self.cursor, last_seq)

    def _agent_event(self, payload: JsonObject) -> None:
        event, seq = as_object(payload.get("event")), payload.get("seq")
        kind = str(event.get("type"))
        direct = payload.get("generation") is not None
        if self.awaiting and not direct and kind not in ("session_active", "agent_end"):
            return
        if isinstance(seq, int):
            if not direct:
                if self.live_seqs and seq <= self.live_seqs[-1]:
                    self.backwards.append(seq)
                self.live_seqs.append(seq)
            if not self._advance(seq, kind, replayed=payload.get("deltaReplay") is True):
                return
        self.event_types.append(kind)
        if kind == "heartbeat":
            self.agent_active = event.get("active") is True
        self.transcript.apply(event)
        if kind in ("session_active", "agent_end"):
            self.awaiting = False
        if self.transcript.needs_resync:
            self.transcript.needs_resync = False
            self._resync({})

    def _advance(self, seq: int, kind: str, *, replayed: bool) -> bool:
        """Move the cursor; answer whether the event counts (sockets-browsers.md 3.9, 4)."""
        cursor = self.cursor
        if cursor is not None:
            if replayed and seq <= cursor:
                return False
            if seq < cursor and not (kind == "session_active" and self.awaiting):
                return False
            if not replayed and seq > cursor + 1:
                self.gaps.append(Gap(cursor, seq, kind))
                self._resync({"lastSeq": cursor})
        self.cursor = seq
        return True

    def _resync(self, payload: JsonObject) -> None:
        self.resyncs += 1
        self.enqueue("resync", payload)

    def _state(self) -> object:
        return {
            "messages": essence(self.transcript.messages())[-4:],
            "cursor": self.cursor,
            "awaiting": self.awaiting,
            "events": self.event_types[-12:],
            "disconnected": self.codes(),
            "errors": self.events("error")[-3:],
            "connects": self.connects,
        }
