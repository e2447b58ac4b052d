"""Envelopes are stamped without being parsed (sockets-browsers.md 6.1)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.services.envelope import Envelope

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=15,
)


def parse(text: str) -> Envelope:
    envelope = Envelope.parse(text.encode())
    assert envelope is not None
    return envelope


@given(st.dictionaries(st.text() | st.sampled_from(["sessionId", "serviceId"]), JSON), st.text())
def test_a_stamp_changes_the_session_and_nothing_else(members: dict[str, object], session_id: str) -> None:
    for text in (json.dumps(members), json.dumps(members, ensure_ascii=False, indent=1)):
        assert json.loads(parse(text).stamped(session_id)) == {**members, "sessionId": session_id}


def test_a_stamp_is_a_second_copy_and_not_a_change() -> None:
    envelope = parse('{"serviceId":"git","sessionId":"mine","payload":{"sessionId":"inner"}}')
    assert envelope.stamped("a") == b'{"serviceId":"git","payload":{"sessionId":"inner"},"sessionId":"a"}'
    assert envelope.stamped("b") == b'{"serviceId":"git","payload":{"sessionId":"inner"},"sessionId":"b"}'
    assert envelope.text("sessionId") == "mine"


def test_an_empty_envelope_gets_its_stamp() -> None:
    assert parse("{}").stamped("a") == b'{"sessionId":"a"}'


def test_lone_surrogates_pass() -> None:
    text = '{"payload":"broken \\ud83d","\\ud83d":1,"sessionId":"x"}'
    assert json.loads(parse(text).stamped("s")) == {**json.loads(text), "sessionId": "s"}


@pytest.mark.parametrize("text", ["null", "5", '"x"', "[]", "[{}]", "{", "", '{"a":}', '{"a":NaN}'])
def test_what_is_no_object_is_no_envelope(text: str) -> None:
    assert Envelope.parse(text.encode()) is None


@pytest.mark.parametrize("member", ["5", "null", '""', "[]", '{"a":"b"}'])
def test_only_a_non_empty_string_is_text(member: str) -> None:
    assert parse(f'{{"sessionId":{member}}}').text("sessionId") is None
    assert parse("{}").text("sessionId") is None


def test_text_is_decoded() -> None:
    assert parse('{"sessionId": "\\u00fc\\n" }').text("sessionId") == "ü\n"


def test_deep_nesting_does_not_raise() -> None:
    for depth in (200, 900, 100_000):
        text = '{"payload":' + "[" * depth + "]" * depth + "}"
        envelope = Envelope.parse(text.encode())
        assert envelope is None or envelope.stamped("s").startswith(b'{"payload":[[')


@given(st.binary())
def test_any_text_is_read_or_refused(data: bytes) -> None:
    text = data.decode("utf-8", "replace").encode()
    envelope = Envelope.parse(text)
    assert envelope is None or isinstance(json.loads(envelope.stamped("s")), dict)
