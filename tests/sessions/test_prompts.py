"""The first prompt of a session, which lists name and find it by."""

from __future__ import annotations

import json

import pytest

from relay.sessions.prompts import MAX_PROMPT, in_message, in_snapshot
from relay.sessions.transcript import Snapshot


def _event(message: object) -> bytes:
    return json.dumps({"type": "message_start", "message": message}).encode()


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ("  fix the test  ", "fix the test"),
        ([{"type": "text", "text": "fix it"}], "fix it"),
        ([{"type": "image", "data": "x"}, {"type": "text", "text": "what is this"}], "what is this"),
        ([{"type": "image", "data": "x"}], None),
        ("x" * 1000, "x" * MAX_PROMPT),
        ("\ud800 odd", "? odd"),
        ("", None),
        (None, None),
        (7, None),
        ({"text": "x"}, None),
        ([["text"], {"type": "text", "text": 7}, {"type": "text", "text": "then"}], "then"),
    ],
)
def test_a_users_message_is_a_prompt_whatever_its_shape(content: object, prompt: str | None) -> None:
    assert in_message(_event({"role": "user", "content": content})) == prompt


def test_only_a_user_prompts() -> None:
    assert in_message(_event({"role": "assistant", "content": "hello"})) is None
    assert in_message(b'{"type":"message_start"}') is None
    assert in_message(b"[]") is None


def test_a_snapshot_shows_its_first_prompt() -> None:
    messages = [
        {"role": "custom", "content": "note"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": "two"},
    ]
    assert in_snapshot(Snapshot(json.dumps({"messages": messages}).encode())) == "one"
    assert in_snapshot(Snapshot(b'{"messages":[]}')) is None
    assert in_snapshot(Snapshot(b"{}")) is None
