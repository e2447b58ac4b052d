"""Transcripts as bytes: paging, truncation, overlay, the bounded cache, chunk assembly."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from relay import jsontext
from relay.sessions.chunks import ChunkAssembly
from relay.sessions.transcript import EventCache, Snapshot, Transcript, merge_model


def _state(count: int, **more: object) -> bytes:
    return jsontext.dumps({**more, "messages": [{"role": "user", "content": f"m{index}"} for index in range(count)]})


def _contents(text: bytes) -> list[str]:
    return [message["content"] for message in json.loads(text)]


@given(total=st.integers(0, 130), before=st.integers(-5, 200), limit=st.integers(-2, 90))
def test_a_page_is_the_slice_in_front_of_its_index(total: int, before: int, limit: int) -> None:
    page = Snapshot(_state(total)).page(before, limit)
    end = max(0, min(before, total))
    start = max(0, end - max(0, limit))
    assert _contents(page.messages) == [f"m{index}" for index in range(start, end)]
    assert (page.oldest, page.has_more) == (start, start > 0)


@given(total=st.integers(0, 130))
def test_a_tail_has_the_last_fifty_messages_and_the_paging_fields(total: int) -> None:
    tail = json.loads(Snapshot(_state(total, cwd="/x")).tail({}))
    first = max(0, total - 50)
    assert [message["content"] for message in tail["messages"]] == [f"m{index}" for index in range(first, total)]
    assert (tail["totalMessages"], tail["hasMore"], tail["oldestLoadedIndex"]) == (total, first > 0, first)
    assert tail["cwd"] == "/x"


def test_the_overlay_lies_over_the_state_and_merges_the_model() -> None:
    snapshot = Snapshot(_state(1, model={"provider": "p", "id": "m", "contextWindow": 5}, todoList=[1]))
    full = json.loads(snapshot.full({"model": {"provider": "p", "id": "m", "name": "N"}, "todoList": []}))
    assert full["model"] == {"provider": "p", "id": "m", "contextWindow": 5, "name": "N"}
    assert full["todoList"] == []
    assert len(full["messages"]) == 1


def test_another_model_replaces_the_old_one_whole() -> None:
    assert merge_model({"provider": "p", "id": "a", "contextWindow": 5}, {"provider": "p", "id": "b"}) == {
        "provider": "p",
        "id": "b",
    }
    assert merge_model({"provider": "p", "id": "a"}, None) is None


def test_only_overlay_keys_of_the_right_shape_are_patched() -> None:
    transcript = Transcript(0, EventCache(10, 1000))
    kept = transcript.patch({"model": 5, "todoList": "x", "sessionName": "n", "analysis": {}, "goal": None})
    assert kept == {"sessionName": "n", "goal": None}
    assert transcript.overlay == kept


def test_a_new_snapshot_clears_the_overlay_and_takes_the_next_number() -> None:
    transcript = Transcript(7, EventCache(10, 1000))
    transcript.patch({"sessionName": "n"})
    event = b'{"type":"session_active","state":' + _state(2) + b"}"
    assert transcript.publish_snapshot(event, _state(2)) == 8
    assert transcript.overlay == {}
    assert transcript.snapshot is not None
    assert transcript.snapshot.seq == 8


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=60),
    st.integers(1, 20),
    st.integers(1, 300),
)
def test_the_cache_stays_within_its_bounds_and_contiguous(
    events: list[tuple[bool, int]], entries: int, size: int
) -> None:
    cache = EventCache(entries, size)
    for seq, (snapshot, length) in enumerate(events, 1):
        cache.append(seq, b"x" * length, snapshot=snapshot)
        assert len(cache) <= entries
        assert cache.counted_bytes <= size or len(cache) == 1
    held = [entry.seq for entry in cache.after(0)]
    assert held == list(range(len(events) - len(held) + 1, len(events) + 1))
    for seq in range(len(events) + 1):
        assert [entry.seq for entry in cache.after(seq)] == [number for number in held if number > seq]
    assert cache.first_seq == (held[0] if held else None)


def test_the_newest_snapshot_does_not_count() -> None:
    cache = EventCache(100, 50)
    cache.append(1, b"s" * 1000, snapshot=True)
    cache.append(2, b"e" * 40)
    assert [entry.seq for entry in cache.after(0)] == [1, 2]
    assert cache.counted_bytes == 40
    cache.append(3, b"t" * 1000, snapshot=True)
    assert [entry.seq for entry in cache.after(0)] == [2, 3]


@given(st.permutations(range(4)), st.sets(st.integers(0, 3)))
def test_chunks_in_any_order_and_repeated_give_the_whole_state(order: list[int], repeated: set[int]) -> None:
    assembly = ChunkAssembly(
        "s1", b'{"cwd":"/x","messages":[],"chunked":true,"snapshotId":"s1","totalMessages":8}', None, 0
    )
    for position, index in enumerate([*order, *sorted(repeated)]):
        messages = jsontext.dumps([index * 2, index * 2 + 1])
        assembly.add(index, 4, messages, final=index == 3, now=position)
        assert assembly.complete is (position >= 3)
    assert json.loads(assembly.assembled()) == {"cwd": "/x", "messages": list(range(8))}


def test_a_stream_with_a_missing_chunk_is_not_complete() -> None:
    assembly = ChunkAssembly("s1", b"{}", None, 0)
    assembly.add(0, 3, b"[1]", final=False, now=1)
    assembly.add(2, 3, b"[3]", final=True, now=2)
    assert not assembly.complete
    assert not assembly.stale(11.9, 10)
    assert assembly.stale(12.1, 10)
    assembly.add(1, 3, b"[]", final=False, now=13)
    assert json.loads(assembly.assembled()) == {"messages": [1, 3]}


def test_metadata_that_arrives_meanwhile_is_in_the_assembled_state() -> None:
    assembly = ChunkAssembly("s1", b'{"sessionName":"old"}', None, 0)
    assembly.patch({"sessionName": "new"})
    assembly.add(0, 1, b"[]", final=True, now=1)
    assert json.loads(assembly.assembled()) == {"sessionName": "new", "messages": []}


def test_chunk_garbage_changes_nothing() -> None:
    assembly = ChunkAssembly("s1", b"[]", None, 0)
    assembly.add(-1, 1, b"[1]", final=False, now=1)
    assembly.add(10**9, 1, b"[1]", final=False, now=1)
    assembly.add(0, -5, b'"no array"', final=False, now=1)
    assert not assembly.complete
    assembly.add(0, 1, b"[1]", final=True, now=1)
    assert json.loads(assembly.assembled()) == {"messages": []}
