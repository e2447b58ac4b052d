"""Say in a notification what an agent's event means (rest-account.md 8.4). Pure: events in, payloads out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from relay import jsontext
from relay.sessions.heads import NULL, MessagesEvent, read, split_array
from relay.sessions.session import AgentSession

ASK: Final = "AskUserQuestion"
PLAN: Final = "plan_mode"
#: How much of a text fits on a lock screen (8.4).
_LONGEST_BODY: Final = 300
_LONGEST_QUOTE: Final = 120
_LONGEST_BUTTON: Final = 30
_BUTTONS: Final = 2
#: What is left of a name when the payload is too large; names are a line in a list as a rule.
_SHORT_LABEL: Final = 80
_NOT_A_LETTER: Final = re.compile(r"[^a-z]")


class ToolStart(msgspec.Struct):
    """Hold what a `tool_execution_start` or `_end` says about the call."""

    toolName: object = None  # noqa: N815 - the contract's name
    toolCallId: object = None  # noqa: N815 - the contract's name
    args: msgspec.Raw = NULL


class ErrorEvent(msgspec.Struct):
    """Hold the text of a `cli_error`."""

    message: object = None


class AssistantMessage(msgspec.Struct):
    """Hold who speaks and what."""

    role: object = None
    content: msgspec.Raw = NULL


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one notification: `kind` is its event name (8.3), `payload` its JSON object."""

    kind: str
    session_id: str
    payload: dict[str, object]

    def encoded(self, most: int) -> bytes:
        """Answer the JSON in at most `most` bytes; the buttons go first, then the length of names (8.5)."""
        text = jsontext.dumps(self.payload)
        if len(text) <= most:
            return text
        slim = {key: value for key, value in self.payload.items() if key != "actions"}
        data = slim.get("data")
        if isinstance(data, dict):
            slim["data"] = {key: value for key, value in data.items() if key != "options"}
        text = jsontext.dumps(slim)
        if len(text) <= most:
            return text
        slim["sessionName"] = str(slim["sessionName"])[:_SHORT_LABEL]
        slim["body"] = str(slim["body"])[:_LONGEST_BODY]
        text = jsontext.dumps(slim)
        return text if len(text) <= most else jsontext.dumps({key: slim[key] for key in slim if key != "data"})


@dataclass(frozen=True, slots=True)
class Question:
    """Hold what an AskUserQuestion asks: the first question, its options, and how many there are."""

    text: str = ""
    options: tuple[str, ...] = ()
    count: int = 0


def call_of(event: bytes) -> ToolStart | None:
    """Answer the call of a tool event that concerns a person, None for every other tool.

    A tool's arguments may be megabytes; they are looked into only where one of the two names occurs.
    """
    if ASK.encode() not in event and PLAN.encode() not in event:
        return None
    call = read(ToolStart, event)
    return call if call is not None and call.toolName in (ASK, PLAN) else None


def message_for(session: AgentSession, kind: str, event: bytes) -> Message | None:
    """Answer the notification of an event, None when it is not worth one."""
    label = session.name or session.id[:8]
    match kind:
        case "agent_end":
            body = last_words(event) or f'Your agent in "{label}" has finished its task.'
            if len(body) > _LONGEST_BODY:
                body = body[: _LONGEST_BODY - 3] + "…"
            return _message(session, label, "agent_finished", "Agent finished", body)
        case "cli_error":
            error = read(ErrorEvent, event)
            text = error.message if error is not None and isinstance(error.message, str) else ""
            body = f'Error in "{label}": {text[:_LONGEST_QUOTE]}' if text else ""
            body = body or f'An error occurred in session "{label}".'
            return _message(session, label, "agent_error", "Agent error", body)
        case "tool_execution_start":
            call = call_of(event)
            return _needs_input(session, label, call) if call is not None else None
    return None


def overdue(session: AgentSession) -> Message:
    """Answer the notification that nobody answered a child's question in time (rest-runners.md 14.3)."""
    label = session.name or session.id[:8]
    return _message(
        session, label, "agent_needs_input", "Input needed", f'A question in "{label}" is still unanswered.'
    )


def last_words(event: bytes) -> str:
    """Answer the text of the last assistant message in an `agent_end` that has one, trimmed; "" without."""
    outer = read(MessagesEvent, event)
    for raw in reversed((split_array(outer.messages) or []) if outer is not None else []):
        message = read(AssistantMessage, raw)
        if message is None or message.role != "assistant":
            continue
        content = jsontext.loads(bytes(message.content))
        parts = content if isinstance(content, list) else []
        texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
        text = "\n".join(text for text in texts if isinstance(text, str)).strip()
        if text:
            return text
    return ""


def question_in(args: object) -> Question:
    """Read an AskUserQuestion's arguments: `questions`, else the older `question` and `options`."""
    if not isinstance(args, dict):
        return Question()
    listed = args.get("questions")
    asked = [entry for entry in listed if _text(entry)] if isinstance(listed, list) else []
    if not asked and _text(args):
        asked = [args]
    if not asked:
        return Question()
    options = asked[0].get("options")
    offered = [option for option in options if isinstance(option, str)] if isinstance(options, list) else []
    return Question(_text(asked[0]), tuple(option for option in offered if option.strip()), len(asked))


def buttons(options: tuple[str, ...]) -> list[dict[str, str]]:
    """Answer the actions for the options of a question: two of them at most, then the reply."""
    # The service worker filters its list in the same way and takes the number in `option-N` as an index into it.
    real = [option for option in options if _NOT_A_LETTER.sub("", option.lower()) != "typeyourown"]
    actions = [
        {
            "action": f"option-{index}",
            "title": option if len(option) <= _LONGEST_BUTTON else option[: _LONGEST_BUTTON - 2] + "…",
            "type": "button",
        }
        for index, option in enumerate(real[:_BUTTONS])
    ]
    reply = {"action": "reply", "title": "✏️ Reply", "type": "text", "placeholder": "Type your answer…"}
    return [*actions, reply]


def _needs_input(session: AgentSession, label: str, call: ToolStart) -> Message:
    if call.toolName == PLAN:
        question, call_id = Question("Plan ready for review"), ""
    else:
        question = question_in(jsontext.loads(bytes(call.args)))
        call_id = call.toolCallId if isinstance(call.toolCallId, str) else ""
    asks = f'Agent in "{label}" asks: {question.text[:_LONGEST_QUOTE]}'
    body = asks if question.text else f'Agent in "{label}" is waiting for your input.'
    more: dict[str, object] = {}
    data: dict[str, object] = {}
    # A notification carries one answer; anything that it could not deliver gets no buttons.
    if question.count <= 1 and session.collab_mode and call_id and question.options:
        more["actions"] = buttons(question.options)
        data["options"] = list(question.options)
    if call_id:
        data["toolCallId"] = call_id
    return _message(session, label, "agent_needs_input", "Input needed", body, **more, data=data)


def _message(session: AgentSession, label: str, kind: str, title: str, body: str, **more: object) -> Message:
    payload: dict[str, object] = {"type": kind, "title": title, "body": body}
    payload |= {"sessionId": session.id, "sessionName": label, **more}
    return Message(kind, session.id, payload)


def _text(entry: object) -> str:
    question = entry.get("question") if isinstance(entry, dict) else None
    return question.strip() if isinstance(question, str) else ""
