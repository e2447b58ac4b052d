"""The Range header: RFC 9110 14."""

from __future__ import annotations

import pytest

from relay.attachments.ranges import Span, Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-", Span(0, 10)),
        ("bytes=3-5", Span(3, 3)),
        ("bytes=9-100", Span(9, 1)),
        ("bytes=-3", Span(7, 3)),
        ("bytes=-100", Span(0, 10)),
        (" Bytes = 1 - 2 ", Span(1, 2)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges_of_ten_bytes(header: str | None, span: Span | None) -> None:
    assert read_range(header, 10) == span


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_what_no_byte_is_in(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, size)


def test_a_span_says_where_it_is() -> None:
    assert Span(3, 3).content_range(10) == "bytes 3-5/10"
