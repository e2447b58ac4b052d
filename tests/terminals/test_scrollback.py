"""What is kept for browsers that come later."""

from __future__ import annotations

import base64

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.terminals.scrollback import Scrollback

#: A busy machine is slow, which says nothing about what is tested.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def message(output: bytes) -> bytes:
    return b'"' + base64.b64encode(output) + b'"'


def output(kept: Scrollback) -> bytes:
    return b"".join(base64.b64decode(text[1:-1]) for text in kept)


@patient
@given(st.lists(st.binary(max_size=80), max_size=60), st.integers(1, 12))
def test_joining_loses_no_byte_and_keeps_the_order(outputs: list[bytes], most: int) -> None:
    kept = Scrollback(most, 10**9)
    for part in outputs:
        kept.add(message(part))
        assert len(kept) <= most
        assert kept.size == sum(map(len, kept))
    assert output(kept) == b"".join(outputs)


@patient
@given(st.lists(st.binary(max_size=80), max_size=60), st.integers(1, 12), st.integers(0, 600))
def test_over_the_bytes_only_the_oldest_goes(outputs: list[bytes], most: int, most_bytes: int) -> None:
    kept = Scrollback(most, most_bytes)
    for part in outputs:
        kept.add(message(part))
        assert len(kept) <= most
        assert kept.size == sum(map(len, kept)) <= most_bytes
    assert b"".join(outputs).endswith(output(kept))


def test_few_messages_stay_as_they_came() -> None:
    kept = Scrollback(3, 1000)
    for part in (b"a", b"b", b"c"):
        kept.add(message(part))
    assert list(kept) == [message(b"a"), message(b"b"), message(b"c")]


def test_a_thousand_keystrokes_do_not_push_the_screen_out() -> None:
    kept = Scrollback(1000, 100_000)
    kept.add(message(b"the screen\r\n"))
    for _ in range(5000):
        kept.add(message(b"k"))
    assert output(kept) == b"the screen\r\n" + b"k" * 5000


def test_what_is_no_base64_is_kept_as_it_came_and_parts_its_neighbours() -> None:
    kept = Scrollback(4, 1000)
    odd = [b'"not base64!"', b'"YQ"', b'"\\u0041QQ="']
    for text in (message(b"a"), message(b"b"), odd[0], odd[1], odd[2], message(b"c"), message(b"d")):
        kept.add(text)
    # Nothing is joined across the odd ones, so the oldest had to go.
    assert list(kept) == [*odd, message(b"cd")]


def test_a_message_larger_than_the_bound_is_not_kept() -> None:
    kept = Scrollback(10, 100)
    kept.add(message(b"before"))
    kept.add(message(b"x" * 200))
    assert list(kept) == []
    assert kept.size == 0
    kept.add(message(b"after"))
    assert output(kept) == b"after"
