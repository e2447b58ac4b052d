"""Event heads: what is read of an agent's event, whatever it looks like."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import jsontext
from relay.sessions.heads import (
    MessageEvent,
    ToolEvent,
    UpdateEvent,
    event_type,
    read,
    read_packet,
    split_array,
    split_object,
    update_kind,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'{"type":"heartbeat","x":1}', "heartbeat"),
        (b'{"x":1,"type":"heartbeat"}', "heartbeat"),
        (b'{"type": "heartbeat"}', "heartbeat"),
        (b'{"type":"a\\u0062c"}', "abc"),
        (b'{"type":5}', ""),
        (b"[]", ""),
        (b'"text"', ""),
        (b'{"type":"m","t":"\\ud83d"}', "m"),
        (b'{"t":"\\ud83d","type":"m"}', "m"),
    ],
)
def test_the_type_is_found_wherever_it_stands(event: bytes, kind: str) -> None:
    assert event_type(event) == kind


@given(JSON)
def test_any_json_as_event_is_read_without_an_error(value: object) -> None:
    event = jsontext.dumps(value)
    expected = value.get("type") if isinstance(value, dict) else None
    assert event_type(event) == (expected if isinstance(expected, str) else "")
    assert update_kind(event) == update_kind(event)


@given(JSON, JSON, JSON)
def test_any_json_in_the_packet_is_read_without_an_error(token: object, seq: object, event: object) -> None:
    packet = read_packet(jsontext.dumps({"token": token, "seq": seq, "event": event, "sessionId": 5}))
    assert packet is not None
    assert (packet.token, packet.seq) == (token, seq)
    assert json.loads(bytes(packet.event)) == event


def test_a_packet_that_is_no_object_is_none() -> None:
    assert read_packet(b"[1]") is None
    assert read_packet(b'{"event":') is None


def test_a_lone_surrogate_survives() -> None:
    packet = read_packet(b'{"token":"t","event":{"type":"message_end","message":{"role":"assistant","t":"\\ud83d"}}}')
    assert packet is not None
    event = bytes(packet.event)
    assert json.loads(event)["message"]["t"] == "\ud83d"
    outer = read(MessageEvent, event)
    assert outer is not None
    assert json.loads(bytes(outer.message)) == {"role": "assistant", "t": "\ud83d"}
    assert [bytes(item) for item in split_array(b'["\\ud83d",1]') or ()] == [b'"\\ud83d"', b"1"]
    assert {key: bytes(value) for key, value in (split_object(b'{"a":"\\ud83d"}') or {}).items()} == {"a": b'"\\ud83d"'}


def test_the_kind_of_an_update_is_never_taken_from_a_text() -> None:
    text = '"assistantMessageEvent":{"type":"text_delta"'
    event = jsontext.dumps({"type": "message_update", "m": text, "assistantMessageEvent": {"type": "text_end"}})
    assert update_kind(event) == "text_end"


def test_fields_of_other_shapes_count_as_absent() -> None:
    update = read(UpdateEvent, b'{"assistantMessageEvent":5}')
    assert update is not None
    assert update.assistantMessageEvent is None
    tool = read(ToolEvent, b'{"toolCallId":{"a":1}}')
    assert tool is not None
    assert tool.toolCallId == {"a": 1}
    assert read(ToolEvent, b"[]") is None
