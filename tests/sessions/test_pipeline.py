"""The event pipeline on real parts without sockets: numbers, cache, cumulative events, snapshots, durable writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import jsontext
from relay.events import Bus, SessionStatus
from relay.sessions.agent import Agent
from relay.sessions.effects import MAX_PATH, Effects
from relay.sessions.factory import SessionFactory
from relay.sessions.limits import SessionLimits
from relay.sessions.persistence import Persistence
from relay.sessions.pipeline import MAX_TOOL_UPDATES, Pipeline
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.snapshots import Snapshots
from relay.sessions.state_loader import StateLoader
from relay.sessions.store import SessionStore
from relay.storage import Storage, Transaction
from tests.clock import ManualClock
from tests.sessions.test_heads import JSON


class NoImages:
    """A store for sessions without images."""

    def needs(self, event: bytes) -> bool:
        return False

    async def extract(self, user_id: str, session_id: str, event: bytes, where: Literal["state", "messages"]) -> bytes:
        return event


@dataclass
class Rig:
    clock: ManualClock
    store: SessionStore
    persistence: Persistence
    pipeline: Pipeline
    factory: SessionFactory
    registry: SessionRegistry
    session: AgentSession
    statuses: list[SessionStatus]

    def send(self, *events: object) -> None:
        for event in events:
            text = event if isinstance(event, bytes) else jsontext.dumps(event)
            self.pipeline.push(self.session, self.session.token, text)

    def cached(self) -> list[tuple[int, str]]:
        return [(entry.seq, json.loads(entry.event)["type"]) for entry in self.session.transcript.cache.after(0)]


LIMITS = replace(SessionLimits(), rows_behind=0.001, states_behind=0.0)
AGENT = Agent("ann", "Ann", "s1", "/work", True, True, None, None, None, True, "http://relay")


@pytest.fixture
async def rig(storage: Storage, clock: ManualClock) -> AsyncIterator[Rig]:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO user (id, name, email, created_at, updated_at) VALUES ('ann', 'Ann', 'a@b', '', '')"
        )

    await storage.write(work)
    rig = _build(storage, clock)
    rig.session = rig.factory.register(AGENT, "s1", None, None)
    rig.registry.add(rig.session)
    await rig.store.start(rig.factory.row(rig.session))
    rig.persistence.start()
    yield rig
    await rig.persistence.close()
    await rig.registry.close()


def _build(storage: Storage, clock: ManualClock) -> Rig:
    bus, statuses = Bus(), list[SessionStatus]()
    bus.subscribe(SessionStatus, statuses.append)
    store = SessionStore(storage, lambda user_id: None)
    persistence = Persistence(store, clock, LIMITS)
    effects = Effects(clock, bus, persistence, LIMITS)
    registry = SessionRegistry(LIMITS)
    factory = SessionFactory(registry, clock, LIMITS)
    pipeline = Pipeline(clock, effects, Snapshots(clock, effects, persistence, NoImages()))
    session = factory.register(AGENT, "unused", None, None)
    return Rig(clock, store, persistence, pipeline, factory, registry, session, statuses)


def _snapshot(count: int, **more: object) -> dict[str, object]:
    return {"type": "session_active", "state": {**more, "messages": [{"n": index} for index in range(count)]}}


async def test_agents_06_without_viewers_deltas_grow_neither_cache_nor_sequence(rig: Rig) -> None:
    rig.send({"type": "agent_start"})
    for index in range(50):
        update = {"type": "text_delta", "contentIndex": 0}
        rig.send({"type": "message_update", "n": index, "assistantMessageEvent": update})
    rig.send({"type": "heartbeat", "active": True}, {"type": "session_metadata_update", "metadata": {}})
    assert rig.cached() == [(1, "agent_start")]
    assert rig.session.transcript.seq == 1
    assert [json.loads(event)["n"] for event in rig.session.transcript.cumulative()] == [49]


async def test_agents_06_thinking_durations_are_in_the_cached_message_end(rig: Rig) -> None:
    for kind in ("thinking_start", "thinking_end"):
        rig.send({"type": "message_update", "assistantMessageEvent": {"type": kind, "contentIndex": 0}})
        rig.clock.advance(1.5)
    rig.send({"type": "message_end", "message": {"role": "assistant", "content": [{"type": "thinking"}]}})
    entry = next(iter(rig.session.transcript.cache.after(0)))
    assert json.loads(entry.event)["message"]["content"] == [{"type": "thinking", "durationSeconds": 2}]


async def test_the_newest_cumulative_events_are_dropped_by_what_replaces_them(rig: Rig) -> None:
    update = {"type": "message_update", "assistantMessageEvent": {"type": "text_delta"}}
    tool = {"type": "tool_execution_update", "toolCallId": "t1"}
    rig.send(update, {"type": "message_start", "message": {"role": "user"}})
    assert len(rig.session.transcript.cumulative()) == 1
    rig.send({"type": "message_end", "message": {"role": "assistant"}})
    assert rig.session.transcript.cumulative() == []
    rig.send(update, {"type": "turn_end"})
    assert rig.session.transcript.cumulative() == []
    rig.send(tool, {**tool, "toolCallId": "t2"}, {"type": "tool_execution_end", "toolCallId": "t1"})
    assert [json.loads(event)["toolCallId"] for event in rig.session.transcript.cumulative()] == ["t2"]
    rig.send({"type": "agent_end"})
    assert rig.session.transcript.cumulative() == []


async def test_the_context_of_a_turn_end_is_neither_cached_nor_shown(rig: Rig) -> None:
    message = {"role": "assistant", "content": [{"type": "text", "text": 'of "context":'}], "context": "its own"}
    context = {"llmMessages": ["x" * 10_000_000], "canContinue": True}
    rig.send({"type": "turn_end", "turnIndex": 1, "context": context, "message": message, "toolResults": []})
    rig.send({"type": "turn_end", "message": message})
    first, second = [json.loads(entry.event) for entry in rig.session.transcript.cache.after(0)]
    assert first == {"type": "turn_end", "turnIndex": 1, "message": message, "toolResults": []}
    assert second == {"type": "turn_end", "message": message}


async def test_an_agent_that_never_ends_its_tools_is_bounded(rig: Rig) -> None:
    for index in range(MAX_TOOL_UPDATES * 3):
        rig.send({"type": "tool_execution_update", "toolCallId": f"t{index}"})
    assert len(rig.session.transcript.tool_updates) == MAX_TOOL_UPDATES


async def test_an_event_whose_token_is_stale_is_dropped_silently(rig: Rig) -> None:
    rig.pipeline.push(rig.session, "old token", b'{"type":"agent_start"}')
    assert rig.cached() == []


async def test_a_full_snapshot_replaces_state_and_overlay_and_is_written(rig: Rig) -> None:
    rig.send({"type": "session_metadata_update", "metadata": {"sessionName": "early", "model": {"id": "m"}}})
    rig.send(_snapshot(3, sessionName="  Named  ", cwd="/x"))
    assert rig.session.transcript.overlay == {}
    assert rig.session.name == "Named"
    assert [status.fields["sessionName"] for status in rig.statuses] == ["early", "Named"]
    await _until(rig, lambda stored: len(json.loads(stored)["messages"]) == 3)


async def test_the_answer_to_a_recovery_signal_is_not_written(rig: Rig) -> None:
    rig.session.nonce, rig.session.nonce_until = "n1", rig.clock.monotonic() + 60
    rig.send({**_snapshot(1), "recoveryNonce": "n1"})
    assert not rig.session.nonce
    rig.send({**_snapshot(2), "recoveryNonce": "n1"})
    await _until(rig, lambda stored: len(json.loads(stored)["messages"]) == 2)


async def _soon(rig: Rig, good: Callable[[bytes], bool]) -> None:
    """Let at most 5 s go by on the relay's clock until the state that is stored is good."""
    until = rig.clock.monotonic() + 5
    while (stored := await rig.store.state("s1")) is None or not good(stored.state):
        assert rig.clock.monotonic() < until, "not written in time"
        rig.clock.advance(0.1)
        await asyncio.sleep(0.01)


def _large(marker: str) -> dict[str, object]:
    return {"type": "session_active", "state": {"messages": [marker, "x" * (LIMITS.large_state + 1)]}}


async def test_a_small_state_does_not_wait_for_the_large_one_before_it(rig: Rig) -> None:
    rig.send(_large("first"))
    await _until(rig, lambda stored: b"first" in stored)
    rig.send(_large("second"), _snapshot(1))
    await _soon(rig, lambda stored: len(json.loads(stored)["messages"]) == 1)


async def test_the_end_of_a_turn_lets_a_large_state_that_waits_be_written(rig: Rig) -> None:
    rig.send(_large("first"))
    await _until(rig, lambda stored: b"first" in stored)
    rig.send(_large("second"), {"type": "agent_end"})
    await _soon(rig, lambda stored: b"second" in stored)


async def test_a_row_that_cannot_be_written_stops_no_other(rig: Rig) -> None:
    other = rig.factory.register(replace(AGENT, session_id="s2"), "s2", None, None)
    rig.registry.add(other)
    await rig.store.start(rig.factory.row(other))
    for session in (rig.session, other):
        rig.persistence.mark_row(session)
    rig.session.links.runner_name = "\ud800"
    other.name = "new"
    async with asyncio.timeout(5):
        while (row := await rig.store.row("s2")) is None or row.session_name != "new":
            await asyncio.sleep(0.01)
    rig.session.links.runner_name, rig.session.name = "fine", "newer"
    rig.persistence.mark_row(rig.session)
    async with asyncio.timeout(5):
        while (row := await rig.store.row("s1")) is None or row.session_name != "newer":
            await asyncio.sleep(0.01)


async def test_a_chunk_header_without_an_id_is_no_state(rig: Rig) -> None:
    rig.send(_snapshot(4), {"type": "session_active", "state": {"chunked": True, "messages": [], "snapshotId": 5}})
    assert rig.session.transcript.snapshot is not None
    assert len(rig.session.transcript.snapshot.messages) == 4
    assert rig.cached() == [(1, "session_active")]


async def test_parts_that_never_come_into_a_message_are_bounded(rig: Rig) -> None:
    for index in range(3000):
        for kind in ("thinking_start", "thinking_end"):
            rig.send({"type": "message_update", "assistantMessageEvent": {"type": kind, "contentIndex": index}})
    assert len(rig.session.thinking._seconds) <= 1000


async def test_a_transcript_path_is_no_longer_than_any_path(rig: Rig) -> None:
    rig.send({"type": "session_metadata_update", "metadata": {"sessionFile": "/" + "x" * 1_000_000}})
    assert rig.session.session_file is not None
    assert len(rig.session.session_file) == MAX_PATH


async def test_agents_05_interrupted_chunks_leave_the_last_complete_state(rig: Rig) -> None:
    rig.send(_snapshot(4))
    header = {"type": "session_active", "state": {"chunked": True, "snapshotId": "c1", "messages": [], "cwd": "/n"}}
    chunk = {"type": "session_messages_chunk", "snapshotId": "c1", "totalChunks": 2}
    rig.send(header, {**chunk, "chunkIndex": 0, "messages": [{"n": 10}], "final": False})
    assert rig.session.transcript.snapshot is not None
    assert len(rig.session.transcript.snapshot.messages) == 4
    assert rig.cached() == [(1, "session_active")]
    rig.send({**chunk, "chunkIndex": 1, "messages": [{"n": 11}], "final": True})
    assert [json.loads(bytes(item))["n"] for item in rig.session.transcript.snapshot.messages] == [10, 11]
    assert rig.cached() == [(1, "session_active"), (2, "session_active")]
    assert rig.session.transcript.chunks is None


async def test_chunks_of_a_superseded_stream_are_ignored(rig: Rig) -> None:
    for stream in ("c1", "c2"):
        rig.send({"type": "session_active", "state": {"chunked": True, "snapshotId": stream}})
    chunk = {"type": "session_messages_chunk", "chunkIndex": 0, "totalChunks": 1, "messages": [], "final": True}
    rig.send({**chunk, "snapshotId": "c1"})
    assert rig.cached() == []
    rig.send({**chunk, "snapshotId": "c2"})
    assert rig.cached() == [(1, "session_active")]


async def test_an_old_clients_agent_end_is_a_snapshot(rig: Rig) -> None:
    rig.send(_snapshot(1, cwd="/x"), {"type": "agent_end", "messages": [{"n": 0}, {"n": 1}]})
    assert rig.session.transcript.snapshot is not None
    assert len(rig.session.transcript.snapshot.messages) == 2
    assert bytes(rig.session.transcript.snapshot.head["cwd"]) == b'"/x"'


async def test_meta_events_take_no_number_and_are_not_cached(rig: Rig) -> None:
    rig.send({"type": "todo_updated", "todoList": [{"id": 1}]}, {"type": "mcp_startup_report", "report": {}, "ts": 1})
    assert rig.cached() == []
    rig.send({"type": "mcp_startup_report", "slow": True})
    assert rig.cached() == [(1, "mcp_startup_report")]
    assert rig.session.meta.version == 2


async def test_a_heartbeat_tells_the_hub_only_what_changed(rig: Rig) -> None:
    beat = {"type": "heartbeat", "active": True, "model": {"provider": "p", "id": "m"}, "sessionName": "n"}
    rig.send(beat, beat, {**beat, "active": False}, {"type": "heartbeat", "_slim": True, "active": True})
    assert [(status.fields["isActive"], "model" in status.fields) for status in rig.statuses] == [
        (True, True),
        (False, True),
        (True, False),
    ]


async def test_a_lone_surrogate_reaches_the_database(rig: Rig) -> None:
    rig.send(b'{"type":"session_active","state":{"messages":[{"t":"\\ud83d"}]}}')
    await _until(rig, lambda stored: json.loads(stored)["messages"] == [{"t": "\ud83d"}])


async def test_after_a_restart_numbers_and_versions_go_on_and_the_state_is_there(
    rig: Rig, storage: Storage, clock: ManualClock
) -> None:
    rig.send({"type": "question_pending", "question": {"toolCallId": "q"}}, _snapshot(2), {"type": "agent_start"})
    seq, version = rig.session.transcript.seq, rig.session.meta.version
    await rig.persistence.close()
    later = _build(storage, clock)
    (row,) = await later.store.open_rows()
    session = later.factory.restore(row)
    assert session.transcript.seq > seq
    assert session.meta.version > version
    assert session.meta.get("pendingQuestion") == {"toolCallId": "q"}
    assert not session.state_loaded
    await StateLoader(later.store, later.persistence.saved).load(session)
    assert session.transcript.snapshot is not None
    assert len(session.transcript.snapshot.messages) == 2


KINDS = st.sampled_from(
    [
        "session_active",
        "session_messages_chunk",
        "heartbeat",
        "session_metadata_update",
        "capabilities",
        "message_update",
        "message_end",
        "turn_end",
        "agent_end",
        "tool_execution_update",
        "todo_updated",
        "mcp_startup_report",
        "token_usage_updated",
    ]
)
FIELDS = st.sampled_from(
    [
        "state",
        "messages",
        "metadata",
        "message",
        "model",
        "snapshotId",
        "chunkIndex",
        "totalChunks",
        "final",
        "assistantMessageEvent",
        "toolCallId",
        "models",
        "commands",
        "report",
        "sessionName",
    ]
)
EVENTS = st.builds(lambda kind, body: {**body, "type": kind}, KINDS, st.dictionaries(FIELDS, JSON))


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON | EVENTS, max_size=12))
def test_events_of_any_shape_never_break_the_session(
    tmp_path_factory: pytest.TempPathFactory, events: list[object]
) -> None:
    async def scenario() -> None:
        storage = await Storage.open(tmp_path_factory.mktemp("db") / "relay.db")
        try:
            rig = _build(storage, ManualClock())
            for event in events:
                rig.send(event)
            rig.send({"type": "agent_start"})
            held = list(rig.session.transcript.cache.after(0))
            assert [entry.seq for entry in held] == list(range(1, rig.session.transcript.seq + 1))
            assert held[-1].event == b'{"type":"agent_start"}'
        finally:
            await storage.close()

    asyncio.run(scenario())


async def _until(rig: Rig, good: Callable[[bytes], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            stored = await rig.store.state("s1")
            if stored is not None and good(stored.state):
                return
            rig.clock.advance(0.1)
            await asyncio.sleep(0.001)
