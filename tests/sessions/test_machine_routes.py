"""Reloads and analysis of a runner's sessions over HTTP (rest-runners.md 5.10, 5.11, 5.16)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.runners.limits import CommandLimits
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Answer, Runner, Stage, until
from tests.viewers.house import Agent, Person

SKILL = {"name": "deploy", "description": "", "filePath": "/s"}
SKILLS = "/api/runners/r1/skills/reload"
MCP = "/api/runners/r1/mcp/reload"
ANALYSIS = "/api/runners/r1/analysis/"
GATED = (("POST", SKILLS), ("POST", MCP), ("GET", ANALYSIS + "s1"))


@pytest.fixture
async def runner(stage: Stage, ann: Person) -> Runner:
    """A runner of ann's."""
    return await stage.runner(ann)


async def worker(stage: Stage, person: Person, runner: Runner) -> Agent:
    """Spawn a session and let its agent register."""
    session_id = await stage.started(person, runner)
    agent = await stage.agent(person, session_id)
    await until(lambda: stage.session(session_id).runner_id == runner.id)
    return agent


async def answered(task: asyncio.Task[Answer], runner: Runner, command: str, event: str, **reply: object) -> Answer:
    asked = await runner.socket.take(command)
    await runner.socket.emit(event, {**reply, "requestId": asked["requestId"]})
    return await task


async def test_the_gate_is_that_of_every_runner_route(stage: Stage, ann: Person, bob: Person, runner: Runner) -> None:
    for method, path in GATED:
        assert (await stage.ask(method, path, None)).status == 401
        foreign = await stage.ask(method, path, bob)
        assert (foreign.status, foreign.body) == (403, {"error": "Forbidden"})
        unknown = await stage.ask(method, path.replace("/r1/", "/r2/"), ann)
        assert (unknown.status, unknown.body) == (404, {"error": "Runner not found"})


async def test_a_reload_of_skills_rescans_and_tells_every_agent_of_this_runner(
    stage: Stage, ann: Person, runner: Runner
) -> None:
    mine = [await worker(stage, ann, runner) for _ in range(2)]
    elsewhere = await stage.agent(ann, "interactive")
    task = asyncio.create_task(stage.ask("POST", SKILLS, ann))
    answer = await answered(task, runner, "list_skills", "skills_list", skills=[SKILL])
    told = [agent.session_id for agent in mine]
    assert (answer.status, answer.body) == (
        200,
        {
            "ok": True,
            "skills": [SKILL],
            "skillNames": ["deploy"],
            "reloaded": 2,
            "failed": 0,
            "sessionIds": told,
            "failedSessionIds": [],
        },
    )
    for agent in mine:
        expected = {"text": "/skills reload", "attachments": [], "deliverAs": "followUp"}
        assert await agent.socket.take("input") == expected
    assert "input" not in elsewhere.socket.unread()


async def test_a_failed_rescan_tells_nobody(stage: Stage, ann: Person, runner: Runner) -> None:
    agent = await worker(stage, ann, runner)
    task = asyncio.create_task(stage.ask("POST", SKILLS, ann))
    await runner.socket.take("list_skills")
    await runner.leave()
    answer = await task
    assert (answer.status, answer.body) == (502, {"error": "Failed to refresh skills"})
    assert "input" not in agent.socket.unread()


async def test_a_reload_of_mcp_is_a_command_to_every_agent(stage: Stage, ann: Person, runner: Runner) -> None:
    agents = [await worker(stage, ann, runner) for _ in range(2)]
    answer = await stage.ask("POST", MCP, ann)
    told = [agent.session_id for agent in agents]
    expected = {"ok": True, "reloaded": 2, "failed": 0, "sessionIds": told, "failedSessionIds": []}
    assert (answer.status, answer.body) == (200, expected)
    ids: set[UUID] = set()
    for agent in agents:
        order = await agent.socket.take("exec")
        ids.add(UUID(str(order.pop("id"))))
        assert order == {"type": "exec", "command": "mcp", "action": "reload"}
    assert len(ids) == 2


async def test_an_awaited_session_counts_as_not_reloaded(stage: Stage, ann: Person, runner: Runner) -> None:
    agent = await worker(stage, ann, runner)
    await stage.restart()
    await stage.runner(ann)
    answer = await stage.ask("POST", MCP, ann)
    failed = [agent.session_id]
    expected = {"ok": True, "reloaded": 0, "failed": 1, "sessionIds": [], "failedSessionIds": failed}
    assert (answer.status, answer.body) == (200, expected)


async def test_live_and_ended_sessions_are_analysed_by_the_runner(stage: Stage, ann: Person, runner: Runner) -> None:
    hub = await stage.hub(ann)
    agent = await stage.agent(ann, "s1")
    for _ in range(2):
        task = asyncio.create_task(stage.ask("GET", ANALYSIS + "s1", ann))
        asked = await runner.socket.take("analyze_session")
        assert asked["sessionId"] == "s1"
        data = {"turns": [1, 2], "nested": {"a": None}}
        await runner.socket.emit("analyze_session_data", {"requestId": asked["requestId"], "data": data})
        answer = await task
        assert (answer.status, answer.body) == (200, data)
        if agent.socket.wire.closed.is_set() is False and stage.app.sessions.registry.get("s1") is not None:
            await agent.end(hub)
    assert stage.app.sessions.registry.get("s1") is None


async def test_what_goes_wrong_with_an_analysis_has_the_status_of_the_contract(
    stage: Stage, ann: Person, bob: Person, runner: Runner
) -> None:
    await stage.agent(bob, "foreign")
    await stage.agent(ann, "s1")
    unknown = await stage.ask("GET", ANALYSIS + "no", ann)
    assert (unknown.status, unknown.body) == (404, {"error": "Session not found"})
    foreign = await stage.ask("GET", ANALYSIS + "foreign", ann)
    assert (foreign.status, foreign.body) == (403, {"error": "Forbidden"})
    replies: tuple[tuple[str, dict[str, object], str], ...] = (
        ("analyze_session_error", {"error": "no file"}, "no file"),
        ("analyze_session_error", {}, "Runner command failed"),
        ("analyze_session_data", {"data": {"error": "too large"}}, "too large"),
    )
    for event, reply, error in replies:
        task = asyncio.create_task(stage.ask("GET", ANALYSIS + "s1", ann))
        answer = await answered(task, runner, "analyze_session", event, **reply)
        assert (answer.status, answer.body) == (502, {"error": error})


async def test_a_silent_runner_is_502_after_the_timeout(tmp_path_factory: pytest.TempPathFactory) -> None:
    tuning = Tuning(sessions=QUICK, commands=CommandLimits(skill=0.05, analysis=0.05))
    async with Stage(tmp_path_factory.mktemp("silent"), Clock(), tuning) as stage:
        ann = await stage.person("ann")
        await stage.runner(ann)
        agent = await stage.agent(ann, "s1")
        reload = await stage.ask("POST", SKILLS, ann)
        assert (reload.status, reload.body) == (502, {"error": "Failed to refresh skills"})
        analysis = await stage.ask("GET", ANALYSIS + "s1", ann)
        assert (analysis.status, analysis.body) == (502, {"error": "Runner command timed out"})
        assert "input" not in agent.socket.unread()
