"""What a notification says: the table of rest-account.md 8.4 and the payload's limits of 8.5."""

from __future__ import annotations

import json

import pytest

from relay import jsontext
from relay.push.messages import Message, message_for
from relay.sessions.meta import MetaState
from relay.sessions.queue import SessionQueue
from relay.sessions.session import AgentSession
from relay.sessions.transcript import EventCache, Transcript
from tests.push.device import Json


def _session(name: str | None = "fix-ci", *, collab: bool = True, session_id: str = "0123456789ab") -> AgentSession:
    session = AgentSession(
        session_id,
        "user-ann",
        "ann",
        queue=SessionQueue(1000),
        transcript=Transcript(0, EventCache(10, 1000)),
        meta=MetaState(),
    )
    session.name, session.collab_mode = name, collab
    return session


def _made(event: Json, session: AgentSession | None = None) -> Message:
    made = message_for(session or _session(), str(event["type"]), jsontext.dumps(event))
    assert made is not None
    assert made.kind == made.payload["type"]
    return made


def _payload(event: Json, session: AgentSession | None = None) -> Json:
    value = json.loads(jsontext.dumps(_made(event, session).payload))
    assert isinstance(value, dict)
    return value


def _asks(args: object, call_id: object = "tc_1") -> Json:
    return {"type": "tool_execution_start", "toolName": "AskUserQuestion", "toolCallId": call_id, "args": args}


def _says(*parts: object, role: str = "assistant") -> Json:
    return {"role": role, "content": list(parts)}


def _text(text: object) -> Json:
    return {"type": "text", "text": text}


REPLY = {"action": "reply", "title": "✏️ Reply", "type": "text", "placeholder": "Type your answer…"}


def _button(index: int, title: str) -> Json:
    return {"action": f"option-{index}", "title": title, "type": "button"}


def test_the_documented_example_is_the_payload_to_the_letter() -> None:
    event = _asks({"questions": [{"question": "Deploy now?", "options": ["Yes", "No", "Later"]}]})
    assert list(_made(event).payload.items()) == [
        ("type", "agent_needs_input"),
        ("title", "Input needed"),
        ("body", 'Agent in "fix-ci" asks: Deploy now?'),
        ("sessionId", "0123456789ab"),
        ("sessionName", "fix-ci"),
        ("actions", [_button(0, "Yes"), _button(1, "No"), REPLY]),
        ("data", {"options": ["Yes", "No", "Later"], "toolCallId": "tc_1"}),
    ]


def test_a_session_without_a_name_goes_by_the_start_of_its_id() -> None:
    payload = _payload({"type": "agent_end"}, _session(None))
    assert payload == {
        "type": "agent_finished",
        "title": "Agent finished",
        "body": 'Your agent in "01234567" has finished its task.',
        "sessionId": "0123456789ab",
        "sessionName": "01234567",
    }


NOTHING_SAID = 'Your agent in "fix-ci" has finished its task.'


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        ([_says(_text("early")), _says(_text("late")), _says(_text("mine"), role="user")], "late"),
        ([_says(_text("one"), {"type": "thinking", "text": "hm"}, _text("two"))], "one\ntwo"),
        ([_says(_text("words")), _says({"type": "toolCall", "name": "bash"})], "words"),
        ([_says(_text("words")), _says(_text("  \n ")), _says()], "words"),
        ([_says(_text("  trimmed \n"))], "trimmed"),
        ([_says(_text(5), _text(None), "x", None, _text("ok"))], "ok"),
        ([_says(_text("x" * 300))], "x" * 300),
        ([_says(_text("x" * 301))], "x" * 297 + "…"),
        ([_says(_text("a\ud83dz"))], "a\ud83dz"),
        ([{"role": "assistant", "content": "plain"}, 5, None, "x", []], NOTHING_SAID),
        ([_says(_text("mine"), role="user")], NOTHING_SAID),
        ([], NOTHING_SAID),
        (None, NOTHING_SAID),
        ({"0": _says(_text("x"))}, NOTHING_SAID),
    ],
)
def test_the_end_of_a_run_quotes_the_last_words_of_the_assistant(messages: object, body: str) -> None:
    payload = _payload({"type": "agent_end", "messages": messages})
    assert payload["body"] == body
    assert set(payload) == {"type", "title", "body", "sessionId", "sessionName"}


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("out of tokens", 'Error in "fix-ci": out of tokens'),
        ("x" * 121, f'Error in "fix-ci": {"x" * 120}'),
        ("", 'An error occurred in session "fix-ci".'),
        (None, 'An error occurred in session "fix-ci".'),
        (["x"], 'An error occurred in session "fix-ci".'),
    ],
)
def test_an_error_quotes_its_message(message: object, body: str) -> None:
    payload = _payload({"type": "cli_error", "message": message})
    assert (payload["type"], payload["title"], payload["body"]) == ("agent_error", "Agent error", body)
    assert set(payload) == {"type", "title", "body", "sessionId", "sessionName"}


def test_a_plan_review_has_neither_buttons_nor_data() -> None:
    event: Json = {"type": "tool_execution_start", "toolName": "plan_mode", "toolCallId": "tc_1"}
    event["args"] = {"question": "no", "options": ["a"], "title": "Plan A"}
    payload = _payload(event)
    assert payload["body"] == 'Agent in "fix-ci" asks: Plan ready for review'
    assert payload["type"] == "agent_needs_input"
    assert payload["data"] == {}
    assert "actions" not in payload


@pytest.mark.parametrize(
    ("args", "question", "options"),
    [
        ({"questions": [{"question": " Why? ", "options": ["a"]}]}, "Why?", ["a"]),
        ({"questions": [{"question": " "}, {"question": "2nd?", "options": ["a", " ", 5, "b "]}]}, "2nd?", ["a", "b "]),
        ({"question": "Old?", "options": ["a"]}, "Old?", ["a"]),
        ({"questions": [], "question": "Old?", "options": ["a"]}, "Old?", ["a"]),
        ({"questions": "x", "question": "Old?", "options": ["a"]}, "Old?", ["a"]),
        ({"questions": [None, 5, {"question": "Q" * 121, "options": ["a"]}]}, "Q" * 120, ["a"]),
        ({"questions": [{"question": "Open?"}]}, "Open?", None),
        ({"questions": [{"question": "Open?", "options": []}]}, "Open?", None),
        ({"questions": [{"question": "Open?", "options": "ab"}]}, "Open?", None),
        ({"questions": [{"question": "One?", "options": ["a"]}, {"question": "Two?", "options": ["b"]}]}, "One?", None),
        ({"options": ["a"]}, None, None),
        ({"question": 5, "options": ["a"]}, None, None),
        (None, None, None),
        ([1], None, None),
    ],
)  # fmt: skip
def test_the_question_and_its_options_are_found_in_the_arguments(
    args: object, question: str | None, options: list[str] | None
) -> None:
    payload = _payload(_asks(args))
    asks = f'Agent in "fix-ci" asks: {question}'
    assert payload["body"] == (asks if question else 'Agent in "fix-ci" is waiting for your input.')
    expected: Json = {"toolCallId": "tc_1"} if options is None else {"options": options, "toolCallId": "tc_1"}
    assert payload["data"] == expected
    assert ("actions" in payload) is (options is not None)


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        (["a"], ["a"]),
        (["a", "b", "c"], ["a", "b"]),
        (["Type your own…", "a", "type-your-OWN", "b"], ["a", "b"]),
        (["Type your own"], []),
        (["Type your own answer", "b"], ["Type your own answer", "b"]),
        (["x" * 30, "y" * 31], ["x" * 30, "y" * 28 + "…"]),
    ],
)
def test_two_options_become_buttons_and_the_reply_always_follows(options: list[str], titles: list[str]) -> None:
    payload = _payload(_asks({"question": "?", "options": options}))
    assert payload["actions"] == [*(_button(index, title) for index, title in enumerate(titles)), REPLY]
    data = payload["data"]
    assert isinstance(data, dict)
    assert data["options"] == options


@pytest.mark.parametrize("call_id", [None, "", 5])
def test_without_a_call_id_there_is_nothing_to_answer(call_id: object) -> None:
    payload = _payload(_asks({"question": "?", "options": ["a"]}, call_id))
    assert payload["data"] == {}
    assert "actions" not in payload


def test_a_session_that_is_not_shared_takes_no_quick_reply() -> None:
    payload = _payload(_asks({"question": "?", "options": ["a"]}), _session(collab=False))
    assert payload["data"] == {"toolCallId": "tc_1"}
    assert "actions" not in payload


@pytest.mark.parametrize(
    "event",
    [
        {"type": "tool_execution_start", "toolName": "bash", "args": {"command": "echo AskUserQuestion plan_mode"}},
        {"type": "tool_execution_start"},
        {"type": "tool_execution_end", "toolName": "AskUserQuestion"},
        {"type": "heartbeat"},
        {"type": "session_active"},
    ],
)
def test_other_events_are_no_news(event: Json) -> None:
    assert message_for(_session(), str(event["type"]), jsontext.dumps(event)) is None


def test_a_large_payload_loses_its_buttons_first_and_then_the_length_of_names() -> None:
    most = 3993
    event = _asks({"question": "Q", "options": ["o" * 3000, "p"]})
    assert len(_made(event).encoded(most)) <= most
    assert json.loads(_made(event).encoded(most)) == _payload(event)

    event = _asks({"question": "Q", "options": ["o" * 5000, "p"]})
    slim = json.loads(_made(event).encoded(most))
    assert slim == {**{k: v for k, v in _payload(event).items() if k != "actions"}, "data": {"toolCallId": "tc_1"}}

    named = _session("名" * 1000)
    slim = json.loads(_made(event, named).encoded(most))
    assert slim["sessionName"] == "名" * 80
    assert slim["sessionId"] == "0123456789ab"
    assert len(slim["body"]) == 300

    event = _asks({"question": "Q", "options": ["a"]}, "c" * 5000)
    slim = json.loads(_made(event).encoded(most))
    assert "data" not in slim
    assert slim["body"] == 'Agent in "fix-ci" asks: Q'


@pytest.mark.parametrize("name", ["\x01" * 1000, "🦊" * 1000, '"' * 1000, "\ud800" * 1000])
def test_no_name_is_too_large_for_a_push_service(name: str) -> None:
    event = _asks({"question": "\x02" * 500, "options": ["\x03" * 999]}, "\x04" * 999)
    assert len(_made(event, _session(name)).encoded(3993)) <= 3993
