"""What joining, returning and resyncing viewers are sent (sockets-browsers.md 3.1, 3.3, 3.5 to 3.7)."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.sessions import replay
from relay.sessions.chunks import ChunkAssembly
from relay.sessions.replay import BACKLOG_BYTES, REPLAY_BYTES, AgentKind, Answer, Item, Stream
from relay.sessions.transcript import TAIL_MESSAGES, EventCache, Page, Snapshot, Transcript


def transcript(entries: int = 1000, size: int = 8 * 2**20, seq: int = 0) -> Transcript:
    return Transcript(seq, EventCache(entries, size))


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def publish(script: Transcript, *kinds: str) -> None:
    for kind in kinds:
        script.publish(text({"type": kind}))


def snapshot(script: Transcript, count: int, **more: object) -> int:
    state = {"messages": [{"n": index} for index in range(count)], **more}
    return script.publish_snapshot(text({"type": "session_active", "state": state}), text(state))


def cold(script: Transcript, stream: Stream = Stream.NONE, agent: AgentKind = AgentKind.ANSWERS) -> Answer:
    return replay.hydrate(script, None, stream, agent)


def resumed(script: Transcript, last_seq: int, stream: Stream = Stream.NONE) -> Answer:
    return replay.hydrate(script, last_seq, stream, AgentKind.ANSWERS)


def event(item: Item) -> dict[str, object]:
    body = json.loads(item.event)
    assert isinstance(body, dict)
    return body


def state(item: Item) -> dict[str, object]:
    found = event(item)["state"]
    assert isinstance(found, dict)
    return found


def shape(items: Iterable[Item]) -> list[tuple[object, int | None, bool, bool]]:
    return [(event(item)["type"], item.seq, item.replay, item.delta) for item in items]


def test_cold_viewer_gets_the_tail_of_the_newest_snapshot_and_what_followed() -> None:
    script = transcript()
    publish(script, "agent_start")
    snapshot(script, TAIL_MESSAGES + 3, model={"provider": "p", "id": "m"})
    publish(script, "message_start", "message_end")
    answer = cold(script)
    assert (answer.cursor, answer.hit, answer.recover) == (2, True, False)
    assert shape(answer.items) == [
        ("session_active", None, True, False),
        ("message_start", 3, True, True),
        ("message_end", 4, True, True),
    ]
    tail = state(answer.items[0])
    assert tail["messages"] == [{"n": index} for index in range(3, TAIL_MESSAGES + 3)]
    assert (tail["totalMessages"], tail["hasMore"], tail["oldestLoadedIndex"]) == (TAIL_MESSAGES + 3, True, 3)
    assert tail["model"] == {"provider": "p", "id": "m"}


def test_short_snapshot_gets_the_paging_fields_too() -> None:
    script = transcript()
    snapshot(script, 2)
    tail = state(cold(script).items[0])
    assert (tail["totalMessages"], tail["hasMore"], tail["oldestLoadedIndex"]) == (2, False, 0)


def test_metadata_since_the_snapshot_is_laid_over_it() -> None:
    script = transcript()
    snapshot(script, 1, model={"provider": "p", "id": "m", "contextWindow": 9}, queuedMessages=["old"])
    script.patch({"model": {"provider": "p", "id": "m", "name": "M"}, "queuedMessages": []})
    for answer in (cold(script), resumed(script, 0)):
        found = state(answer.items[0])
        assert found["model"] == {"provider": "p", "id": "m", "contextWindow": 9, "name": "M"}
        assert found["queuedMessages"] == []


def test_cold_viewer_without_any_snapshot_is_a_miss_that_asks_the_agent() -> None:
    script = transcript()
    publish(script, "agent_start")
    assert cold(script) == Answer((), 1, hit=False, recover=True)


def test_stored_state_has_no_number_and_the_counter_becomes_the_cursor() -> None:
    script = transcript(seq=7)
    script.snapshot = Snapshot(b'{"messages":[{"n":0}]}')
    answer = cold(script)
    assert (answer.cursor, answer.hit, answer.recover) == (7, True, False)
    assert shape(answer.items) == [("session_active", None, False, False)]
    assert event(answer.items[0])["_metaViaHub"] is True
    assert "_metaViaHub" not in event(cold(script, agent=AgentKind.AWAY).items[0])


def test_stored_state_of_an_earlier_run_is_shown_and_the_agent_asked_when_events_came_since() -> None:
    script = transcript()
    snapshot(script, 1)
    script.start_over()
    publish(script, "capabilities")
    answer = cold(script)
    assert shape(answer.items) == [("session_active", None, False, False)]
    assert (answer.cursor, answer.hit, answer.recover) == (2, True, True)


def test_evicted_events_after_the_snapshot_are_filled_by_the_agent_while_the_rest_is_shown() -> None:
    script = transcript(entries=3)
    snapshot(script, 1)
    publish(script, *["message_end"] * 4)
    answer = cold(script)
    assert shape(answer.items) == [("session_active", None, True, False)]
    assert (answer.cursor, answer.hit, answer.recover) == (5, True, True)


def test_snapshot_whose_own_entry_was_evicted_still_serves_with_everything_after_it() -> None:
    script = transcript(entries=2)
    snapshot(script, 1)
    publish(script, "message_start", "message_end")
    assert script.cache.first_seq == 2
    answer = cold(script)
    assert [item.seq for item in answer.items] == [None, 2, 3]
    assert (answer.cursor, answer.recover) == (1, False)


@pytest.mark.parametrize("last_seq", [None, 0, 1, 2, 9])
def test_in_a_healthy_chunk_stream_nothing_is_sent_and_the_agent_is_left_alone(last_seq: int | None) -> None:
    script = transcript()
    snapshot(script, 1)
    publish(script, "agent_start")
    assert replay.hydrate(script, last_seq, Stream.HEALTHY, AgentKind.ANSWERS) == Answer((), 2, hit=False)
    assert replay.resync(script, last_seq, Stream.HEALTHY, AgentKind.ANSWERS, b"{}").items == ()


def test_stale_chunk_stream_serves_what_is_held_and_asks_the_agent() -> None:
    script = transcript()
    snapshot(script, 1)
    assert cold(script, Stream.STALE).recover
    assert shape(cold(script, Stream.STALE).items) == [("session_active", None, True, False)]
    assert resumed(script, 1, Stream.STALE) == Answer((), 1, hit=True, recover=True)


def test_stream_is_stale_ten_seconds_after_its_last_chunk() -> None:
    script = transcript()
    assert replay.stream_of(script, 0.0, 10.0) is Stream.NONE
    script.chunks = ChunkAssembly("s", b"{}", None, 100.0)
    assert replay.stream_of(script, 110.0, 10.0) is Stream.HEALTHY
    assert replay.stream_of(script, 110.1, 10.0) is Stream.STALE
    script.chunks.add(0, 2, b"[]", final=False, now=110.1)
    assert replay.stream_of(script, 120.1, 10.0) is Stream.HEALTHY


def test_returning_viewer_gets_exactly_what_it_missed() -> None:
    script = transcript()
    publish(script, "agent_start", "message_start", "message_end")
    answer = resumed(script, 1)
    assert shape(answer.items) == [("message_start", 2, True, True), ("message_end", 3, True, True)]
    assert (answer.cursor, answer.hit, answer.recover) == (3, True, False)


def test_returning_viewer_that_missed_nothing_gets_nothing() -> None:
    script = transcript()
    publish(script, "agent_start")
    assert resumed(script, 1) == Answer((), 1, hit=True)


def test_returning_viewer_beyond_the_cache_gets_the_whole_snapshot_with_its_number() -> None:
    script = transcript(entries=3)
    publish(script, *["message_end"] * 5)
    seq = snapshot(script, TAIL_MESSAGES + 5)
    publish(script, "agent_end")
    answer = resumed(script, 1)
    assert shape(answer.items) == [("session_active", seq, True, True), ("agent_end", seq + 1, True, True)]
    whole = state(answer.items[0])
    assert whole["messages"] == [{"n": index} for index in range(TAIL_MESSAGES + 5)]
    assert "hasMore" not in whole


@pytest.mark.parametrize("last_seq", [-3, 0, 1, 2, 3, 99])
def test_unnumbered_state_is_never_sent_to_a_returning_viewer(last_seq: int) -> None:
    script = transcript()
    publish(script, "agent_start", "agent_end")
    snapshot(script, 1)
    script.start_over()
    answer = resumed(script, last_seq)
    assert answer.items == ()
    assert answer.hit is (last_seq == 3)
    assert answer.recover is (last_seq != 3)


def test_mirror_serves_a_returning_viewer_from_the_store_because_it_never_answers() -> None:
    script = transcript(seq=1_000_000)
    script.snapshot = Snapshot(b'{"messages":[]}')
    answer = replay.hydrate(script, 12, Stream.NONE, AgentKind.MIRROR)
    assert shape(answer.items) == [("session_active", None, False, False)]
    assert answer.hit
    assert replay.resync(script, 12, Stream.NONE, AgentKind.MIRROR, None).items == answer.items


@pytest.mark.parametrize("last_seq", [None, 0, 2])
def test_newest_cumulative_events_follow_every_answer_without_a_number(last_seq: int | None) -> None:
    script = transcript()
    snapshot(script, 1)
    publish(script, "message_start")
    script.newest_update = b'{"type":"message_update"}'
    script.tool_updates["t"] = b'{"type":"tool_execution_update"}'
    answers = [
        replay.hydrate(script, last_seq, Stream.NONE, AgentKind.ANSWERS),
        replay.resync(script, last_seq, Stream.NONE, AgentKind.ANSWERS, b'{"type":"heartbeat"}'),
    ]
    for answer in answers:
        assert shape(answer.items)[-2:] == [
            ("tool_execution_update", None, False, False),
            ("message_update", None, False, False),
        ]


def test_replay_too_large_for_one_backlog_becomes_the_snapshot() -> None:
    script = transcript(size=64 * 2**20)
    snapshot(script, 1)
    for _ in range(8):
        script.publish(b'{"type":"x","pad":"' + b"a" * 2**20 + b'"}')
    seq = snapshot(script, 2)
    assert shape(resumed(script, 1).items) == [("session_active", seq, True, True)]
    for _ in range(8):
        script.publish(b'{"type":"x","pad":"' + b"a" * 2**20 + b'"}')
    assert resumed(script, 1) == Answer((), script.seq, hit=False, recover=True)
    answer = cold(script)
    assert shape(answer.items) == [("session_active", None, True, False)]
    assert (answer.cursor, answer.hit, answer.recover) == (script.seq, True, True)


def test_one_packet_above_the_bound_passes_with_what_follows_it() -> None:
    script = transcript(size=64 * 2**20)
    pad = "a" * (BACKLOG_BYTES + 1)
    snapshot(script, 1, pad=pad)
    publish(script, "message_end")
    assert [item.seq for item in cold(script).items] == [None, 2]
    assert [item.seq for item in resumed(script, 0).items] == [1, 2]


@given(st.lists(st.integers(0, 3 * 2**20), max_size=8), st.integers(0, 3))
def test_an_answer_always_fits_into_the_backlog(sizes: list[int], where: int) -> None:
    script = transcript(size=64 * 2**20)
    for index, size in enumerate(sizes):
        if index == where:
            snapshot(script, 1, pad="a" * size)
        else:
            script.publish(b'{"type":"x","pad":"' + b"a" * size + b'"}')
    for last_seq in (None, *range(script.seq)):
        items = [len(item.event) for item in replay.hydrate(script, last_seq, Stream.NONE, AgentKind.ANSWERS).items]
        if len(items) > 1:
            assert sum(items) - max(items) * (max(items) > BACKLOG_BYTES) <= REPLAY_BYTES


def test_resync_with_a_cursor_answers_the_gap_else_the_snapshot_else_asks() -> None:
    script = transcript(entries=3)
    publish(script, "agent_start", "message_start")
    beat = b'{"type":"heartbeat"}'

    def resync(last_seq: int) -> Answer:
        return replay.resync(script, last_seq, Stream.NONE, AgentKind.ANSWERS, beat)

    assert [item.seq for item in resync(0).items] == [1, 2]
    assert resync(2) == Answer((), 2, hit=True)
    assert resync(50) == Answer((), 2, hit=True)
    publish(script, *["message_end"] * 4)
    assert resync(0) == Answer((), 6, hit=False, recover=True)
    snapshot(script, 1)
    assert shape(resync(0).items) == [("session_active", 7, True, True)]


def test_resync_without_a_cursor_answers_heartbeat_and_state_without_numbers() -> None:
    script = transcript()
    snapshot(script, TAIL_MESSAGES + 1)
    answer = replay.resync(script, None, Stream.NONE, AgentKind.ANSWERS, b'{"type":"heartbeat"}')
    assert shape(answer.items) == [("heartbeat", None, False, False), ("session_active", None, False, False)]
    assert state(answer.items[1])["hasMore"] is True
    assert not answer.recover
    assert replay.resync(script, None, Stream.STALE, AgentKind.ANSWERS, None).recover


def test_resync_without_a_cursor_repeats_what_followed_the_state_without_numbers() -> None:
    script = transcript(entries=3)
    snapshot(script, 1)
    publish(script, "message_start", "message_end")
    answer = replay.resync(script, None, Stream.NONE, AgentKind.ANSWERS, None)
    assert shape(answer.items) == [
        ("session_active", None, False, False),
        ("message_start", None, True, False),
        ("message_end", None, True, False),
    ]
    assert not answer.recover
    publish(script, "agent_end", "agent_start")
    answer = replay.resync(script, None, Stream.NONE, AgentKind.ANSWERS, None)
    assert shape(answer.items) == [("session_active", None, False, False)]
    assert (answer.hit, answer.recover) == (True, True)


def test_resync_without_a_cursor_and_without_state_asks_the_agent() -> None:
    answer = replay.resync(transcript(), None, Stream.NONE, AgentKind.ANSWERS, b'{"type":"heartbeat"}')
    assert shape(answer.items) == [("heartbeat", None, False, False)]
    assert (answer.hit, answer.recover) == (False, True)


def test_pages_walk_to_the_beginning_and_are_clamped() -> None:
    script = transcript()
    assert replay.page(script, 10, 50) == Page(b"[]", 0, False)
    snapshot(script, 120)
    page = replay.page(script, 70, 50)
    assert [message["n"] for message in json.loads(page.messages)] == list(range(20, 70))
    assert (page.oldest, page.has_more) == (20, True)
    page = replay.page(script, page.oldest, 50)
    assert [message["n"] for message in json.loads(page.messages)] == list(range(20))
    assert (page.oldest, page.has_more) == (0, False)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_page_is_a_slice_that_ends_before_its_index(before: float, limit: float) -> None:
    script = transcript()
    snapshot(script, 9)
    page = replay.page(script, before, limit)
    end = max(0, min(int(before), 9))
    numbers = [message["n"] for message in json.loads(page.messages)]
    assert numbers == list(range(page.oldest, end))
    assert page.has_more is (page.oldest > 0)
    assert len(numbers) == min(end, max(0, int(limit)))


@pytest.mark.parametrize(
    ("beat", "marked"),
    [
        (b'{"type":"heartbeat","active":true}', {"type": "heartbeat", "active": True, "_livenessOnly": True}),
        (b" {} ", {"_livenessOnly": True}),
    ],
)
def test_liveness_marks_the_heartbeat(beat: bytes, marked: dict[str, object]) -> None:
    assert json.loads(replay.liveness(beat)) == marked
