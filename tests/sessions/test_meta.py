"""Meta state: each patch of the table, versions, heartbeats; thinking durations."""

from __future__ import annotations

import json

import pytest

from relay.sessions.meta import PATCHES, MetaState
from relay.sessions.thinking import ThinkingTracker


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        ({"type": "todo_updated", "todoList": [{"id": 1}]}, "todoList", [{"id": 1}]),
        ({"type": "question_pending", "question": {"toolCallId": "t"}}, "pendingQuestion", {"toolCallId": "t"}),
        ({"type": "question_cleared", "toolCallId": "other"}, "pendingQuestion", None),
        ({"type": "plan_pending", "plan": {"title": "p"}}, "pendingPlan", {"title": "p"}),
        ({"type": "plan_cleared"}, "pendingPlan", None),
        ({"type": "plan_mode_toggled", "enabled": True}, "planModeEnabled", True),
        ({"type": "compact_started"}, "isCompacting", True),
        ({"type": "compact_ended"}, "isCompacting", False),
        ({"type": "retry_state_changed", "state": {"detectedAt": 1}}, "retryState", {"detectedAt": 1}),
        ({"type": "plugin_trust_required", "prompt": {"promptId": "p"}}, "pendingPluginTrust", {"promptId": "p"}),
        ({"type": "plugin_trust_resolved"}, "pendingPluginTrust", None),
        ({"type": "approval_pending", "approval": {"promptId": "p"}}, "pendingApproval", {"promptId": "p"}),
        ({"type": "approval_cleared"}, "pendingApproval", None),
        ({"type": "mcp_startup_report", "report": {"slow": True}, "ts": 1}, "mcpStartupReport", {"slow": True}),
        ({"type": "token_usage_updated", "tokenUsage": {"input": 1}}, "tokenUsage", {"input": 1}),
        ({"type": "thinking_level_changed", "level": "high"}, "thinkingLevel", "high"),
        ({"type": "auth_source_changed", "source": "env"}, "authSource", "env"),
        ({"type": "model_changed", "model": {"id": "m"}}, "model", {"id": "m"}),
        ({"type": "goal_updated", "goal": None}, "goal", None),
    ],
)
def test_each_meta_event_patches_its_field_and_raises_the_version(
    event: dict[str, object], field: str, value: object
) -> None:
    meta = MetaState(41)
    meta.apply(PATCHES[str(event["type"])](event))
    assert meta.get(field) == value
    assert meta.snapshot()["version"] == 42


def test_every_type_of_the_table_has_a_patch() -> None:
    assert len(PATCHES) == 19


def test_a_heartbeat_without_meta_fields_changes_nothing() -> None:
    meta = MetaState()
    assert meta.apply_heartbeat({"type": "heartbeat", "active": True}) is None
    assert meta.version == 0
    assert meta.apply_heartbeat({"model": {"id": "m"}}) is True
    assert meta.apply_heartbeat({"model": {"id": "m"}}) is False
    assert meta.version == 2


def test_metadata_keeps_a_known_context_window() -> None:
    meta = MetaState()
    meta.apply({"model": {"provider": "p", "id": "m", "contextWindow": 9}})
    meta.apply_metadata({"model": {"provider": "p", "id": "m", "name": "N"}, "sessionName": "x"})
    assert meta.get("model") == {"provider": "p", "id": "m", "contextWindow": 9, "name": "N"}


def test_stored_fields_come_back_and_strangers_do_not() -> None:
    meta = MetaState(3)
    meta.apply({"pendingQuestion": {"toolCallId": "t"}})
    fields = json.loads(meta.stored())
    assert fields["pendingQuestion"] == {"toolCallId": "t"}
    restored = MetaState(10, {**fields, "stranger": 1})
    assert restored.prompt_pending
    assert "stranger" not in restored.snapshot()


def _update(kind: str, index: object = 0) -> bytes:
    return json.dumps(
        {"type": "message_update", "assistantMessageEvent": {"type": kind, "contentIndex": index}}
    ).encode()


def test_thinking_time_is_added_to_the_final_message_rounded_up() -> None:
    tracker = ThinkingTracker()
    tracker.note(_update("thinking_start", 1), 10.0)
    tracker.note(_update("thinking_end", 1), 12.1)
    content = [{"type": "text"}, {"type": "thinking", "thinking": "hm"}]
    event = json.dumps({"type": "message_end", "message": {"role": "assistant", "content": content}}).encode()
    done = json.loads(tracker.finish(event))
    assert done["message"]["content"] == [
        {"type": "text"},
        {"type": "thinking", "thinking": "hm", "durationSeconds": 3},
    ]
    assert tracker.finish(event) == event


@pytest.mark.parametrize(
    "event",
    [
        b'{"type":"message_end"}',
        b'{"type":"message_end","message":5}',
        b'{"type":"message_end","message":{"content":"text"}}',
        b'{"type":"message_end","message":{"content":[{"type":"thinking","durationSeconds":7}]}}',
    ],
)
def test_a_message_without_such_a_part_is_left_as_it_is(event: bytes) -> None:
    tracker = ThinkingTracker()
    tracker.note(_update("thinking_start"), 1.0)
    tracker.note(_update("thinking_end"), 2.0)
    tracker.note(_update("thinking_start", "no number"), 2.0)
    assert tracker.finish(event) == event
