"""Prove the bookkeeping of a backlog: order, supersession, bounds, partial writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relay.realtime import Packet
from relay.realtime.backlog import Backlog


def packet(text: str, key: str | None = None) -> Packet:
    made = Packet(text.encode())
    made.supersedes = key
    return made


def everything(backlog: Backlog) -> bytes:
    return b"".join(backlog.gather(1 << 30))


def test_a_successor_replaces_the_queued_packet_with_its_key_and_stands_at_the_end() -> None:
    backlog = Backlog(10_000)
    packets = [packet("a1", "a"), packet("x"), packet("b1", "b"), packet("y"), packet("a2", "a")]
    for each in packets:
        assert backlog.add(each)
    assert everything(backlog) == b"".join(packets[index].wire for index in (1, 2, 3, 4))
    assert backlog.size == sum(len(packets[index].wire) for index in (1, 2, 3, 4))


def test_a_packet_that_is_partly_written_is_never_replaced() -> None:
    backlog = Backlog(10_000)
    first, second = packet("a" * 50, "a"), packet("b" * 50, "a")
    backlog.add(first)
    backlog.advance(10)
    backlog.add(second)
    assert everything(backlog) == first.wire[10:] + second.wire


def test_the_bound_is_in_bytes_of_frames() -> None:
    backlog = Backlog(100)
    one = packet("x" * 48)
    assert len(one.wire) == 50
    assert backlog.add(one)
    assert backlog.add(packet("x" * 48))
    assert not backlog.add(packet("x"))


def test_one_packet_larger_than_the_bound_passes_and_does_not_count() -> None:
    backlog = Backlog(100)
    snapshot = packet("s" * 5000)
    assert backlog.add(packet("x" * 48))
    assert backlog.add(snapshot)
    assert backlog.add(packet("x" * 48))
    assert not backlog.add(packet("x"))


def test_a_second_packet_larger_than_the_bound_does_not_pass() -> None:
    backlog = Backlog(100)
    assert backlog.add(packet("s" * 5000))
    assert not backlog.add(packet("t" * 5000))


def test_the_large_packet_keeps_its_exemption_while_it_is_written_and_no_longer() -> None:
    backlog = Backlog(100)
    snapshot = packet("s" * 5000)
    backlog.add(snapshot)
    backlog.advance(4000)
    assert backlog.add(packet("x" * 48))
    assert not backlog.add(packet("x" * 60))
    backlog.advance(len(snapshot.wire) - 4000)
    assert backlog.size == len(packet("x" * 48).wire) + len(packet("x" * 60).wire)
    assert not backlog.add(packet("x"))


def test_the_rest_of_a_large_packet_is_exempt_too() -> None:
    backlog = Backlog(100)
    backlog.put_back(memoryview(b"s" * 5000))
    assert backlog.add(packet("x"))
    assert backlog.size == 5003


def test_packets_are_taken_whole_within_a_limit() -> None:
    backlog = Backlog(10_000)
    packets = [packet("x" * 48) for _ in range(5)]
    for each in packets:
        backlog.add(each)
    assert backlog.take_packets(120) == packets[:2]
    assert backlog.take_packets(1) == packets[2:3]
    assert backlog.take_packets(10_000) == packets[3:]
    assert backlog.size == 0
    assert backlog.written == 250


@given(st.lists(st.tuples(st.integers(0, 200), st.none() | st.sampled_from("ab")), max_size=30), st.data())
def test_what_leaves_is_what_came_in_order_without_the_superseded(
    inputs: list[tuple[int, str | None]], data: st.DataObject
) -> None:
    """Compare with a plain list under random interleaving of adding and writing."""
    backlog = Backlog(1 << 20)
    model: list[Packet] = []
    head = b""
    out = b""
    expected = b""
    for size, key in inputs:
        made = packet("x" * size, key)
        if key is not None:
            model = [each for each in model if each.supersedes != key]
        model.append(made)
        assert backlog.add(made)
        amount = data.draw(st.integers(0, backlog.size))
        written = b"".join(backlog.gather(1 << 30))[:amount]
        backlog.advance(amount)
        out += written
        while amount:
            if not head:
                head = model.pop(0).wire
            step = min(amount, len(head))
            expected += head[:step]
            head = head[step:]
            amount -= step
        assert backlog.size == len(head) + sum(len(each.wire) for each in model)
    assert out == expected
    assert everything(backlog) == head + b"".join(each.wire for each in model)
