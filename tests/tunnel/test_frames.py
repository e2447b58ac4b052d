"""Frames, and the queue on disk: nothing a runner sends raises, nothing is lost or reordered (1.5 to 1.7)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import jsontext
from relay.tunnel import binary, frames
from relay.tunnel.frames import BadFrame
from relay.tunnel.query import without_credentials
from relay.tunnel.request_headers import wire_text
from relay.tunnel.response_headers import without_domain
from relay.tunnel.spill import Spill, SpillBudget, SpillFull

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_nothing(data: bytes) -> None:
    frame = frames.decode(data)
    assert frame is None or isinstance(frame, dict)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_both_readers_agree(frame: dict[str, object]) -> None:
    data = jsontext.dumps(frame)
    assert frames.decode(data) == jsontext.loads(data) == json.loads(data)


@given(st.binary(max_size=2000))
def test_every_body_survives_its_frame(body: bytes) -> None:
    frame = frames.decode(frames.request_data("id", body))
    assert frame is not None
    assert frames.body_bytes(frame) == body
    message = frames.decode(frames.ws_data("id", body))
    assert message is not None
    assert frames.ws_message(message) == body


@given(JSON, JSON)
def test_heads_of_any_shape_are_read_or_refused(status: object, headers: object) -> None:
    try:
        head = frames.response_head({"statusCode": status, "headers": headers})
    except BadFrame:
        return
    assert 200 <= head.status <= 599
    for name, value in head.headers:
        assert name == name.lower()
        assert not {"\r", "\n", "\0", ":"} & set(name)
        assert not {"\r", "\n", "\0"} & set(value)
        value.encode("utf-8")


@given(st.binary(max_size=60).filter(lambda raw: not set(raw) & {0, 10, 13}))
def test_request_values_never_hold_what_the_runner_refuses(raw: bytes) -> None:
    text = wire_text(raw.decode("utf-8", "surrogateescape"))
    assert all(char <= "\xff" for char in text)


@given(st.text(max_size=300))
def test_close_reasons_fit_their_frame(reason: str) -> None:
    assert len(frames.cut_reason(reason).encode("utf-8")) <= 123


@pytest.mark.parametrize(("code", "kept"), [(1000, True), (1005, True), (999, False), (2000, False), (None, False)])
def test_close_frames_hold_only_what_the_runner_takes(code: int | None, kept: bool) -> None:
    frame = frames.decode(frames.ws_close("id", code, ""))
    assert frame is not None
    assert ("code" in frame, "reason" in frame) == (kept, False)


def test_lone_surrogates_do_not_lose_a_frame() -> None:
    frame = frames.decode(b'{"type":"ws-data","id":"x","data":"\\ud800"}')
    assert frame is not None
    assert frame["type"] == "ws-data"


@given(st.integers(1, binary.MAX_NUMBER), st.binary(max_size=50))
def test_binary_frames_are_told_from_json(number: int, data: bytes) -> None:
    whole = binary.encode(binary.RESPONSE_DATA, number, data)
    assert binary.is_binary(whole)
    assert binary.head(whole) == (binary.RESPONSE_DATA, number)
    assert whole[binary.HEAD_SIZE :] == data
    assert not binary.is_binary(b'{"type":"pong"}')


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("apiKey=1", ""),
        ("a=1&apiKey=2&b", "a=1&b"),
        ("tunnelToken", ""),
        ("%61pi%4Bey=1&a", "a"),
        ("apiKeys=1&xapiKey=2", "apiKeys=1&xapiKey=2"),
        ("a=apiKey&&=", "a=apiKey&&="),
        ("a=%zz&b=+%20", "a=%zz&b=+%20"),
    ],
)
def test_only_the_relays_own_credentials_leave_the_query(query: str, kept: str) -> None:
    assert without_credentials(query) == kept


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        ("a=1; Domain=x", "a=1"),
        ("a=1;domain=x; DOMAIN = y ;Path=/", "a=1;Path=/"),
        ("domain=1; Secure", "domain=1; Secure"),
        ("a=1; Domain", "a=1"),
        ("a=1; x-domain=y", "a=1; x-domain=y"),
    ],
)
def test_cookies_lose_their_domain(cookie: str, kept: str) -> None:
    assert without_domain(cookie) == kept


async def test_the_queue_on_disk_keeps_order_over_segments_and_counts_bytes(tmp_path: Path) -> None:
    budget = SpillBudget(tmp_path / "spill", 1000)
    spill, other = Spill(budget, 600, 100), Spill(budget, 600, 100)
    written = b"".join(bytes([number]) * 70 for number in range(8))
    for start in range(0, len(written), 70):
        await spill.write(written[start : start + 70])
    assert (spill.size, budget.used) == (560, 560)
    with pytest.raises(SpillFull):
        await spill.write(b"x" * 41)
    with pytest.raises(SpillFull):
        await other.write(b"x" * 441)
    read = b""
    while piece := await spill.read(64):
        assert len(piece) <= 64
        read += piece
    assert (read, spill.size, budget.used) == (written, 0, 0)
    await spill.write(b"again")
    assert await spill.read(64) == b"again"
    await other.write(b"left")
    other.close()
    assert budget.used == 0
    assert await other.read(10) == b""
    spill.close()
