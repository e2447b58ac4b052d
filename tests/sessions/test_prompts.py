"""The first prompt of a session, which lists name and find it by."""

from __future__ import annotations

import json

import pytest

from relay.sessions.prompts import MAX_PROMPT, in_message, in_snapshot
from relay.sessions.transcript import Snapshot
from tests.e2e.transcript import as_objects
from tests.sessions.stage import Stage
from tests.viewers.house import Person


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


async def test_the_hub_hears_of_the_first_prompt_and_a_restart_keeps_it(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    hub = await stage.hub(ann)
    for text in ("fix the test", "and the other"):
        await agent.send({"type": "message_start", "message": {"role": "user", "content": text}})
    status = await hub.take("session_status", lambda body: "firstPrompt" in body)
    assert (status["sessionId"], status["firstPrompt"]) == ("s1", "fix the test")
    await stage.restart()
    listed = await (await stage.hub(ann)).take("sessions")
    assert [row["firstPrompt"] for row in as_objects(listed["sessions"])] == ["fix the test"]


async def test_a_snapshot_that_comes_first_names_the_session_as_well(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    state = {"messages": [{"role": "user", "content": "from a file"}], "model": None}
    await agent.send({"type": "session_active", "state": state})
    assert stage.session("s1").info()["firstPrompt"] == "from a file"
