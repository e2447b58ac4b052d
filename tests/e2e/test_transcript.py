"""Prove the assembly that the end-to-end tests compare transcripts with (sockets-browsers.md 7.7)."""

from __future__ import annotations

from tests.e2e.transcript import JsonObject, Transcript, essence


def _assistant(text: str, timestamp: int | None = None) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return message if timestamp is None else {**message, "timestamp": timestamp}


def _user(text: str, timestamp: int) -> dict[str, object]:
    return {"role": "user", "content": text, "timestamp": timestamp}


def _update(text: str) -> JsonObject:
    return {
        "type": "message_update",
        "message": _assistant(text),
        "assistantMessageEvent": {"type": "text_delta", "partial": _assistant(text, 5)},
    }


def _snapshot(*messages: JsonObject) -> JsonObject:
    return {"type": "session_active", "state": {"messages": list(messages)}}


def test_a_streamed_answer_ends_as_one_message() -> None:
    shown = Transcript()
    shown.apply(_snapshot(_user("hi", 1)))
    shown.apply({"type": "message_start", "message": _assistant("", 5)})
    for text in ("one", "one two", "one two three"):
        shown.apply(_update(text))
    assert shown.last_text() == "one two three"
    shown.apply({"type": "message_end", "message": _assistant("one two three", 5)})
    shown.apply({"type": "turn_end", "message": _assistant("one two three", 5), "toolResults": []})
    assert essence(shown.messages()) == [("user", "hi", ()), ("assistant", "one two three", ())]
    assert shown.partials == ["one", "one two", "one two three"]


def test_a_partial_tool_output_is_replaced_by_the_result() -> None:
    shown = Transcript()
    shown.apply(_snapshot())
    shown.apply({"type": "tool_execution_start", "toolCallId": "c1", "toolName": "bash"})
    partial = {"content": [{"type": "text", "text": "half"}]}
    shown.apply(
        {"type": "tool_execution_update", "toolCallId": "c1", "toolName": "bash", "partialResult": partial},
    )
    assert shown.texts("toolResult") == ["half"]
    assert shown.active_tools == {"c1": "bash"}
    shown.apply({"type": "tool_execution_end", "toolCallId": "c1", "toolName": "bash"})
    result = {"role": "toolResult", "toolCallId": "c1", "content": [{"type": "text", "text": "whole"}], "timestamp": 9}
    shown.apply({"type": "message_end", "message": result})
    assert shown.texts("toolResult") == ["whole"]
    assert shown.active_tools == {}


def test_chunks_swap_the_transcript_only_when_complete() -> None:
    shown = Transcript()
    shown.apply(_snapshot(_user("old", 1)))
    shown.apply({"type": "session_active", "state": {"chunked": True, "snapshotId": "s", "messages": []}})
    shown.apply(_chunk(1, _user("b", 3), final=True))
    assert shown.needs_resync
    assert shown.texts("user") == ["old"]
    shown.apply({"type": "message_end", "message": _assistant("late", 9)})
    shown.apply(_chunk(0, _user("a", 2), final=False))
    assert essence(shown.messages()) == [("user", "a", ()), ("user", "b", ()), ("assistant", "late", ())]


def _chunk(index: int, message: JsonObject, *, final: bool) -> JsonObject:
    return {
        "type": "session_messages_chunk",
        "snapshotId": "s",
        "chunkIndex": index,
        "totalChunks": 2,
        "messages": [message],
        "final": final,
    }


def test_a_snapshot_drops_the_draft_of_a_finished_message() -> None:
    shown = Transcript()
    shown.apply(_snapshot(_user("q", 1), _assistant("ans"), _assistant("answer", 4)))
    assert essence(shown.messages()) == [("user", "q", ()), ("assistant", "answer", ())]


def test_the_end_of_a_run_keeps_what_was_assembled() -> None:
    shown = Transcript()
    shown.apply(_snapshot(_user("q", 1)))
    shown.apply({"type": "message_end", "message": _assistant("a", 2)})
    shown.apply({"type": "agent_end"})
    assert not shown.hydrated
    assert essence(shown.runs[-1]) == essence(shown.messages())
