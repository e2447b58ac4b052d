"""Steering a live session over HTTP: model, abort, thinking (rest-runners.md 7.4)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from tests.sessions.stage import Stage
from tests.viewers.house import Person

MISSING = (404, {"error": "Session not found or not connected"})
GOOD: tuple[tuple[str, dict[str, object] | None], ...] = (
    ("model", {"provider": "p", "modelId": "m"}),
    ("abort", None),
    ("thinking", {"level": "high"}),
)
controls = pytest.mark.parametrize(("control", "body"), GOOD, ids=[name for name, _ in GOOD])
LEVELS = ("off", "minimal", "low", "medium", "high", "xhigh", "max")
BAD_LEVEL = f"Invalid 'level': expected one of {', '.join(LEVELS)}"


async def steer(
    stage: Stage, person: Person | None, control: str, body: Mapping[str, object] | None, session: str = "s1"
) -> tuple[int, dict[str, object]]:
    answer = await stage.ask("POST", f"/api/sessions/{session}/{control}", person, body)
    return answer.status, answer.body


async def test_a_model_is_switched_with_both_parts_trimmed(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    wanted = {"provider": " p ", "modelId": " a/b "}
    assert await steer(stage, ann, "model", wanted) == (200, {"ok": True, "provider": "p", "modelId": "a/b"})
    assert await agent.socket.take("model_set") == {"provider": "p", "modelId": "a/b"}


async def test_abort_and_thinking_are_commands_with_fresh_ids(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    ids: set[str] = set()
    for _ in range(2):
        assert await steer(stage, ann, "abort", None) == (200, {"ok": True})
        order = await agent.socket.take("exec")
        ids.add(str(order.pop("id")))
        assert order == {"type": "exec", "command": "abort"}
    assert len(ids) == 2
    assert all(re.fullmatch(r"abort_[0-9a-f]{16}", each) for each in ids)
    for level in LEVELS:
        assert await steer(stage, ann, "thinking", {"level": level}) == (200, {"ok": True, "level": level})
        order = await agent.socket.take("exec")
        assert re.fullmatch(r"think_[0-9a-f]{16}", str(order.pop("id")))
        assert order == {"type": "exec", "command": "set_thinking_level", "level": level}


@controls
async def test_runners_12_a_foreign_session_is_404_like_one_that_never_was(
    stage: Stage, ann: Person, bob: Person, control: str, body: dict[str, object] | None
) -> None:
    agent = await stage.agent(ann)
    assert await steer(stage, bob, control, body) == MISSING
    assert await steer(stage, ann, control, body, "unknown") == MISSING
    status, answer = await steer(stage, None, control, body)
    assert (status, answer) == (401, {"error": "Missing API key (x-api-key header)"})
    assert agent.socket.unread() == []


@controls
async def test_a_session_outside_collab_mode_is_409_before_its_body_is_looked_at(
    stage: Stage, ann: Person, control: str, body: dict[str, object] | None
) -> None:
    agent = await stage.agent(ann, collabMode=False)
    closed = (409, {"error": "Session is not in collab mode"})
    assert await steer(stage, ann, control, body) == closed
    assert await steer(stage, ann, control, {}) == closed
    assert agent.socket.unread() == []


@controls
async def test_a_session_whose_agent_is_awaited_is_503(
    stage: Stage, ann: Person, control: str, body: dict[str, object] | None
) -> None:
    await stage.agent(ann)
    await stage.restart()
    assert stage.session("s1").socket is None
    away = (503, {"error": "Session is registered but not currently connected"})
    assert await steer(stage, ann, control, body) == away


async def test_bad_bodies_are_400(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    missing = (400, {"error": "Missing 'provider' or 'modelId'"})
    models: tuple[dict[str, object], ...] = (
        {},
        {"provider": "p"},
        {"modelId": "m"},
        {"provider": " ", "modelId": "m"},
        {"provider": 1, "modelId": None},
    )
    for model in models:
        assert await steer(stage, ann, "model", model) == missing
    levels: tuple[dict[str, object], ...] = ({}, {"level": "huge"}, {"level": 5}, {"level": ["low"]}, {"level": "LOW"})
    for level in levels:
        assert await steer(stage, ann, "thinking", level) == (400, {"error": BAD_LEVEL})
    async with aiohttp.ClientSession(headers={"x-api-key": ann.key}) as client:
        for control in ("model", "thinking"):
            for text in ("null", "[]", "{"):
                async with client.post(f"{stage.url}/api/sessions/s1/{control}", data=text) as answer:
                    assert (answer.status, await answer.json()) == (400, {"error": "Invalid JSON body"})
    assert agent.socket.unread() == []


async def test_a_hidden_model_is_403_and_others_are_not(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    hidden = {"hiddenModels": ["p/m"]}
    assert (await stage.ask("PUT", "/api/settings/hidden-models", ann, hidden)).status == 200
    refused = (403, {"error": "Model not available"})
    assert await steer(stage, ann, "model", {"provider": "p", "modelId": "m"}) == refused
    assert (await steer(stage, ann, "model", {"provider": "p", "modelId": "M"}))[0] == 200
    assert (await agent.socket.take("model_set"))["modelId"] == "M"
    assert "model_set" not in agent.socket.unread()


async def test_a_list_that_can_not_be_read_hides_nothing(stage: Stage, ann: Person, tmp_path: Path) -> None:
    agent = await stage.agent(ann)
    [database] = (tmp_path / "data").glob("*.db")
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("ALTER TABLE user_hidden_model RENAME TO user_hidden_model_away")
    connection.close()
    assert (await steer(stage, ann, "model", {"provider": "p", "modelId": "m"}))[0] == 200
    assert (await agent.socket.take("model_set"))["modelId"] == "m"
