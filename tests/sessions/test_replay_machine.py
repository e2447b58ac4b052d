"""Random histories: whatever is published, evicted, missed or restarted, every viewer ends with the truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from relay.sessions import replay
from relay.sessions.chunks import ChunkAssembly
from relay.sessions.replay import AgentKind, Item
from relay.sessions.transcript import EventCache, Snapshot, Transcript

STALE_AFTER = 10.0


@dataclass
class Browser:
    """A viewer that follows the acceptance rules of 2.1 and 3.9 and the assembly of 7.7, as the web UI does."""

    cursor: int | None = None
    awaiting: bool = True
    items: list[int] = field(default_factory=list)
    partial: int | None = None
    model: object = None
    in_room: bool = False
    stream: str | None = None
    owed: bool = False
    gaps: int = 0
    contents: int = 0

    def connected(self, last_seq: int) -> None:
        self.cursor = last_seq if self.cursor is None else min(self.cursor, last_seq)

    def take(self, text: bytes, seq: int | None, *, delta: bool, direct: bool) -> None:
        event = json.loads(text)
        kind = event["type"]
        if self.awaiting and not direct and kind not in ("session_active", "agent_end"):
            return
        if seq is not None and self.cursor is not None:
            if delta and seq <= self.cursor:
                return
            if not delta and seq < self.cursor and not self.awaiting:
                return
            if not delta and seq > self.cursor + 1:
                self.gaps += 1
        if seq is not None:
            self.cursor = seq
        self.contents += 1
        self._apply(kind, event)

    def _apply(self, kind: str, event: dict[str, object]) -> None:
        if kind == "session_active":
            state = event["state"]
            assert isinstance(state, dict)
            self.items, self.model, self.partial = list(state["messages"]), state.get("model"), None
            self.awaiting = False
        elif kind == "message_end":
            number = event["n"]
            assert isinstance(number, int)
            if number not in self.items:
                self.items.append(number)
            self.partial = None
        elif kind == "message_update":
            number = event["n"]
            assert isinstance(number, int)
            self.partial = number


class ReplayMachine(RuleBasedStateMachine):
    """Play agent, relay and browsers; the broadcast side is the pipeline's, in its smallest form."""

    @initialize(entries=st.integers(1, 8), size=st.integers(150, 4000))
    def start(self, entries: int, size: int) -> None:
        self.bounds = (entries, size)
        self.transcript = Transcript(0, EventCache(entries, size))
        self.messages: list[int] = []
        self.model: object = {"provider": "p", "id": "m0"}
        self.partial: int | None = None
        self.count = 0
        self.clock = 0.0
        self.viewers: list[Browser] = []
        self.signalled = False
        self.away = False

    # The agent.

    @precondition(lambda self: not self.away and self.transcript.chunks is None)
    @rule(pad=st.integers(0, 300))
    def message_end(self, pad: int) -> None:
        self.count += 1
        self.messages = [*self.messages, self.count]
        self.partial = None
        self.transcript.newest_update = None
        self._publish({"type": "message_end", "n": self.count, "pad": "x" * pad})

    @precondition(lambda self: not self.away)
    @rule()
    def uninteresting(self) -> None:
        self._publish({"type": "turn_start"})

    @precondition(lambda self: not self.away and self.transcript.chunks is None)
    @rule()
    def message_update(self) -> None:
        self.count += 1
        self.partial = self.count
        text = _text({"type": "message_update", "n": self.count})
        self.transcript.newest_update = text
        self._broadcast(text, None)

    @precondition(lambda self: not self.away)
    @rule()
    def metadata(self) -> None:
        self.count += 1
        self.model = {"provider": "p", "id": f"m{self.count}"}
        self.transcript.patch({"model": self.model})
        self._broadcast(_text({"type": "session_metadata_update", "metadata": {"model": self.model}}), None)

    @precondition(lambda self: not self.away)
    @rule(rewind=st.booleans())
    def full_snapshot(self, rewind: bool) -> None:
        if rewind:
            self.messages = self.messages[: len(self.messages) // 2]
        self.transcript.chunks = None
        self._snapshot_sent(_text(self._active()), None)

    @precondition(lambda self: not self.away)
    @rule()
    def chunk_header(self) -> None:
        self.count += 1
        stream = f"s{self.count}"
        self.transcript.chunks = ChunkAssembly(stream, _text(self._state()), None, self.clock)
        for viewer in self.viewers:
            if viewer.in_room:
                viewer.stream = stream

    @precondition(lambda self: self.transcript.chunks is not None)
    @rule()
    def final_chunk(self) -> None:
        chunks = self.transcript.chunks
        assert chunks is not None
        chunks.add(0, 1, _text(self.messages), final=True, now=self.clock)
        assert chunks.complete
        assembled = json.loads(chunks.assembled())
        assert assembled["messages"] == self.messages
        self.transcript.chunks = None
        self._snapshot_sent(_text({"type": "session_active", "state": assembled}), chunks.snapshot_id)

    @precondition(lambda self: self.signalled and not self.away)
    @rule()
    def answer_recovery(self) -> None:
        self._publish({"type": "capabilities"})
        self.transcript.chunks = None
        self._snapshot_sent(_text(self._active()), None)

    @rule()
    def time_passes(self) -> None:
        self.clock += STALE_AFTER + 1

    # The life of the session.

    @rule()
    def relay_restarts(self) -> None:
        """Everything is gone but what is stored: every browser reconnects, and the session is awaited."""
        earlier = self.transcript
        self.transcript = Transcript(earlier.seq + 1_000_000, EventCache(*self.bounds))
        if earlier.snapshot is not None:
            self.transcript.snapshot = Snapshot(earlier.snapshot.full(earlier.overlay))
        self._everybody_out()
        self.away = True

    @rule()
    def agent_registers(self) -> None:
        self.transcript.start_over()
        self.partial = None
        self._everybody_out()
        self.away = False

    # The browsers.

    @precondition(lambda self: len(self.viewers) < 4)
    @rule()
    def opens(self) -> None:
        viewer = Browser()
        self.viewers.append(viewer)
        self._switch(viewer, None)

    @precondition(lambda self: self.viewers)
    @rule(which=st.integers(0, 3))
    def goes_away(self, which: int) -> None:
        viewer = self.viewers[which % len(self.viewers)]
        viewer.in_room, viewer.stream = False, None

    @precondition(lambda self: self.viewers)
    @rule(which=st.integers(0, 3), remembers=st.booleans())
    def comes_back(self, which: int, remembers: bool) -> None:
        viewer = self.viewers[which % len(self.viewers)]
        if remembers and viewer.cursor is not None and not viewer.awaiting:
            self._switch(viewer, viewer.cursor)
        else:
            viewer.cursor, viewer.awaiting = None, True
            self._switch(viewer, None)

    @precondition(lambda self: self.viewers)
    @rule(which=st.integers(0, 3), with_cursor=st.booleans())
    def resyncs(self, which: int, with_cursor: bool) -> None:
        viewer = self.viewers[which % len(self.viewers)]
        if not viewer.in_room or viewer.awaiting:
            return
        stream = replay.stream_of(self.transcript, self.clock, STALE_AFTER)
        last_seq = viewer.cursor if with_cursor else None
        answer = replay.resync(self.transcript, last_seq, stream, self._agent(), None)
        self._deliver(viewer, answer.items)
        self._signal(viewer, answer.recover, owed=False)

    # What must hold.

    @invariant()
    def everybody_in_the_room_who_is_owed_nothing_has_the_truth(self) -> None:
        for viewer in getattr(self, "viewers", []):
            if viewer.in_room and not viewer.owed:
                assert viewer.items == self.messages
                assert viewer.partial == self.partial
                assert viewer.cursor == self.transcript.seq
                assert viewer.gaps == 0

    @invariant()
    def whoever_is_owed_a_snapshot_will_get_one(self) -> None:
        for viewer in getattr(self, "viewers", []):
            if viewer.in_room and viewer.owed:
                assert self.signalled or self.away or self.transcript.chunks is not None

    # The relay.

    def _agent(self) -> AgentKind:
        return AgentKind.AWAY if self.away else AgentKind.ANSWERS

    def _state(self) -> dict[str, object]:
        return {"messages": self.messages, "model": self.model}

    def _active(self) -> dict[str, object]:
        return {"type": "session_active", "state": self._state()}

    def _publish(self, event: dict[str, object]) -> None:
        text = _text(event)
        self._broadcast(text, self.transcript.publish(text))

    def _broadcast(self, text: bytes, seq: int | None) -> None:
        for viewer in self.viewers:
            if viewer.in_room:
                viewer.take(text, seq, delta=False, direct=False)

    def _snapshot_sent(self, text: bytes, stream: str | None) -> None:
        seq = self.transcript.publish_snapshot(text, _text(json.loads(text)["state"]))
        for viewer in self.viewers:
            if viewer.in_room:
                late = stream is not None and viewer.stream != stream
                # Whoever was owed something dropped what came before; its gap costs one resync (3.4).
                viewer.gaps, before = 0, viewer.owed or viewer.gaps > 0
                viewer.take(text, seq, delta=late, direct=late)
                viewer.owed = False
                if before:
                    viewer.gaps = 0
        for event in self.transcript.cumulative():
            self._broadcast(event, None)
        self.signalled = False

    def _switch(self, viewer: Browser, last_seq: int | None) -> None:
        stream = replay.stream_of(self.transcript, self.clock, STALE_AFTER)
        answer = replay.hydrate(self.transcript, last_seq, stream, self._agent())
        viewer.in_room, viewer.stream, viewer.owed, viewer.gaps = True, None, False, 0
        viewer.connected(answer.cursor)
        before = viewer.contents
        self._deliver(viewer, answer.items)
        assert (viewer.contents > before) is bool(answer.items)
        if last_seq is None and self.transcript.snapshot is not None and stream is not replay.Stream.HEALTHY:
            assert not viewer.awaiting
        stored = self.transcript.snapshot is not None and self.transcript.snapshot.seq is None
        self._signal(viewer, answer.recover, owed=not answer.hit or answer.recover or self.away or stored)
        if last_seq is None and not viewer.owed:
            assert viewer.model == self.model

    def _signal(self, viewer: Browser, recover: bool, *, owed: bool) -> None:
        viewer.owed = viewer.owed or owed or recover
        if viewer.owed and not self.away:
            # An agent sends its whole state after it registered, and whenever it is asked.
            self.signalled = True

    def _deliver(self, viewer: Browser, items: tuple[Item, ...]) -> None:
        for item in items:
            viewer.take(item.event, item.seq, delta=item.delta, direct=True)

    def _everybody_out(self) -> None:
        self.signalled = False
        for viewer in self.viewers:
            viewer.in_room, viewer.stream = False, None


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


TestReplay = ReplayMachine.TestCase
TestReplay.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
