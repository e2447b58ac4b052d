"""What runners report about sessions, through real sockets (sockets-agents.md 3.5, 3.9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.sessions.limits import SessionLimits
from relay.sessions.spawn_order import SpawnOrder
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Stage, until
from tests.viewers.house import Agent, Person


async def gone(stage: Stage, agent: Agent) -> None:
    """Let an agent's transport close and wait until its session is down."""
    await agent.socket.wire.close()
    await until(lambda: stage.app.sessions.registry.get(agent.session_id) is None)


async def _opened(gate: asyncio.Event) -> None:
    await gate.wait()


async def row_of(stage: Stage, session_id: str) -> tuple[str | None, str | None]:
    """Answer how a session ended and its runner, as stored."""
    row = await stage.app.sessions.store.row(session_id)
    assert row is not None
    return row.ended_by, row.runner_id


async def ended(stage: Stage, session_id: str) -> str:
    """Wait until a session is known to have ended for good; answer how."""
    async with asyncio.timeout(10):
        while (found := (await row_of(stage, session_id))[0]) is None:
            await asyncio.sleep(0.01)
    return found


async def test_agents_09_session_ready_before_register_links_the_runner(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    await runner.ready("s")
    found = stage.app.runners.registry.get("r1")
    assert found is not None
    await until(lambda: "s" in found.owned_sessions)
    await stage.agent(ann, "s")
    assert (await row_of(stage, "s"))[1] == "r1"
    assert stage.session("s").links.runner_name == "box"


async def test_agents_09_register_before_session_ready_links_the_runner_and_tells_the_hub(
    stage: Stage, ann: Person
) -> None:
    runner = await stage.runner(ann)
    await stage.agent(ann, "s")
    hub = await stage.hub(ann)
    await runner.ready("s")
    status = await hub.take("session_status", lambda body: body.get("runnerId") is not None)
    assert (status["sessionId"], status["runnerId"], status["runnerName"]) == ("s", "r1", "box")
    async with asyncio.timeout(10):
        while (await row_of(stage, "s"))[1] != "r1":
            await asyncio.sleep(0.01)


async def test_a_repeated_session_ready_releases_the_waiter(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    await runner.ready("s")
    await stage.agent(ann, "s")
    await until(lambda: stage.session("s").runner_id == "r1")
    waiter = stage.app.sessions.waiters.open(ann.id, "s")
    if waiter.done():
        waiter = stage.app.sessions.waiters.open(ann.id, "s")
    await runner.ready("s")
    assert (await stage.app.sessions.waiters.outcome(ann.id, "s", waiter, 5)).ok


async def test_another_users_session_is_not_claimed(stage: Stage, ann: Person, bob: Person) -> None:
    runner = await stage.runner(ann)
    await stage.agent(bob, "his")
    await runner.ready("his")
    await runner.ready("mine")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mine") == "r1")
    assert stage.session("his").runner_id is None


async def test_a_session_spawned_for_one_user_is_not_linked_to_another_users_agent(
    stage: Stage, ann: Person, bob: Person
) -> None:
    runner = await stage.runner(ann)
    session_id = await stage.started(ann, runner)
    await stage.agent(bob, session_id)
    assert stage.session(session_id).runner_id is None


async def test_a_turn_on_a_live_runner_is_not_taken_over(stage: Stage, ann: Person) -> None:
    first, second = await stage.runner(ann, "r1"), await stage.runner(ann, "r2")
    agent = await stage.agent(ann, "s")
    await first.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    await agent.send({"type": "heartbeat", "active": True})
    await second.ready("s")
    await second.ready("other")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("other") == "r2")
    assert stage.session("s").runner_id == "r1"
    await first.leave()
    await until(lambda: stage.app.runners.registry.get("r1") is None)
    await second.ready("s")
    await until(lambda: stage.session("s").runner_id == "r2")


async def test_a_killed_session_is_untied_and_ends_for_good(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    agent = await stage.agent(ann, "s")
    await runner.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    await runner.socket.emit("session_killed", {"sessionId": "s"})
    await until(lambda: stage.session("s").runner_id is None)
    await gone(stage, agent)
    assert await ended(stage, "s") == "deliberate"
    assert "session_ended" not in runner.socket.unread()


async def test_a_foreign_runner_kills_nothing(stage: Stage, ann: Person, bob: Person) -> None:
    mine, his = await stage.runner(ann, "r1"), await stage.runner(bob, "r2")
    await stage.agent(ann, "s")
    await mine.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    for event in ("session_killed", "disconnect_session", "session_error"):
        await his.socket.emit(event, {"sessionId": "s"})
    await his.ready("mark")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mark") == "r2")
    assert stage.session("s").runner_id == "r1"


async def test_a_foreign_runner_does_not_end_a_session_that_is_away(stage: Stage, ann: Person, bob: Person) -> None:
    his = await stage.runner(bob, "r2")
    agent = await stage.agent(ann, "s")
    await gone(stage, agent)
    await his.ready("s")
    await his.socket.emit("session_killed", {"sessionId": "s"})
    await his.ready("mark")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mark") == "r2")
    await until(lambda: not stage.app.sessions.ends.busy)
    assert (await row_of(stage, "s"))[0] is None


async def test_a_foreign_claim_does_not_keep_a_wake_from_its_runner(stage: Stage, ann: Person, bob: Person) -> None:
    mine, his = await stage.runner(ann, "r1"), await stage.runner(bob, "r2")
    agent = await stage.agent(ann, "s")
    await gone(stage, agent)
    await his.ready("s")
    await his.ready("mark")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mark") == "r2")
    runner = stage.app.runners.registry.get("r1")
    assert runner is not None
    waking = asyncio.create_task(stage.app.sessions.spawns.spawn(runner, SpawnOrder(), session_id="s", timeout=5))
    await mine.socket.take("new_session")
    await his.ready("s")
    await his.socket.emit("session_error", {"sessionId": "s", "message": "no"})
    await his.ready("mark")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mark") == "r2")
    assert not waking.done()
    await mine.ready("s")
    assert (await waking).outcome.ok


class TestFlood:
    @pytest.fixture
    def limits(self) -> SessionLimits:
        return replace(QUICK, queue_bytes=10_000)

    async def test_what_a_runner_publishes_waits_within_the_queues_bound(self, stage: Stage, ann: Person) -> None:
        runner = await stage.runner(ann)
        await stage.agent(ann, "s")
        await runner.ready("s")
        await until(lambda: stage.session("s").runner_id == "r1")
        queue, gate = stage.session("s").queue, asyncio.Event()
        queue.push(0, lambda: _opened(gate))
        for _ in range(50):
            await runner.socket.emit(
                "runner_session_event", {"sessionId": "s", "event": {"type": "note", "text": "x" * 1000}}
            )
        await until(lambda: queue.full)
        await stage.hub(ann)
        assert queue.queued_bytes < 12_000
        gate.set()
        await until(lambda: stage.session("s").transcript.seq == 50)


async def test_an_adopted_session_is_ended_politely_then_by_force(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    agent = await stage.agent(ann, "s")
    await runner.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    await runner.socket.emit("disconnect_session", {"sessionId": "s"})
    order = await agent.socket.take("exec")
    assert order["command"] == "end_session"
    assert str(order["id"]).startswith("disconnect-s-")
    await agent.socket.until_kicked()
    assert await ended(stage, "s") == "deliberate"


async def test_a_session_that_its_runner_no_longer_lists_has_ended(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    agent = await stage.agent(ann, "s")
    await runner.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    await gone(stage, agent)
    assert await runner.socket.take("list_sessions") == {}
    await runner.socket.emit("sessions_list", {"sessions": ["other"]})
    assert await ended(stage, "s") == "other"


@pytest.mark.parametrize("answer", [["s"], None])
async def test_a_listed_session_and_one_of_a_silent_runner_are_away(
    stage: Stage, ann: Person, answer: list[str] | None
) -> None:
    runner = await stage.runner(ann)
    agent = await stage.agent(ann, "s")
    await runner.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    await gone(stage, agent)
    await runner.socket.take("list_sessions")
    if answer is not None:
        await runner.socket.emit("sessions_list", {"sessions": answer})
    await until(lambda: not stage.app.sessions.ends.busy)
    assert (await row_of(stage, "s"))[0] is None


async def test_a_session_that_came_back_is_not_ended_by_an_old_answer(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    agent = await stage.agent(ann, "s")
    await runner.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    await gone(stage, agent)
    await runner.socket.take("list_sessions")
    await stage.agent(ann, "s")
    await runner.socket.emit("sessions_list", {"sessions": []})
    await runner.ready("mark")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mark") == "r1")
    assert (await row_of(stage, "s"))[0] is None
    assert stage.session("s").connected


async def test_a_session_without_a_runner_is_away(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s")
    await gone(stage, agent)
    assert not stage.app.sessions.ends.busy
    assert (await row_of(stage, "s"))[0] is None


async def test_a_runner_publishes_events_of_its_own_sessions_only(stage: Stage, ann: Person, bob: Person) -> None:
    mine, his = await stage.runner(ann, "r1"), await stage.runner(bob, "r2")
    await stage.agent(ann, "s")
    await mine.ready("s")
    await until(lambda: stage.session("s").runner_id == "r1")
    viewer = await stage.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s"})
    await viewer.take("connected")
    await his.socket.emit("runner_session_event", {"sessionId": "s", "event": {"type": "ui_notify", "from": "bob"}})
    for bad in (None, "x", {"sessionId": "s"}, {"sessionId": "s", "event": 5}, {"sessionId": 5, "event": {}}):
        await mine.socket.emit("runner_session_event", bad)
    await mine.socket.emit("runner_session_event", {"sessionId": "s", "event": {"type": "ui_notify", "from": "ann"}})
    seen = await viewer.take("event", lambda body: "ui_notify" in str(body["event"]))
    assert seen["event"] == {"type": "ui_notify", "from": "ann"}


async def test_agents_10_a_returning_runner_adopts_exactly_the_sessions_whose_agent_is_connected(
    stage: Stage, ann: Person, bob: Person
) -> None:
    runner = await stage.runner(ann)
    agents = {name: await stage.agent(ann, name, sessionFile=f"/{name}.jsonl") for name in ("a", "b", "free")}
    for name in ("a", "b"):
        await runner.ready(name)
    await until(lambda: stage.session("b").runner_id == "r1")
    await stage.agent(bob, "his")
    await runner.leave()
    await until(lambda: stage.app.runners.registry.get("r1") is None)
    await gone(stage, agents["b"])
    assert stage.session("a").runner_id == "r1"
    wire = await stage.wire()
    socket = await wire.join("/runner", {"apiKey": ann.key})
    await socket.emit("register_runner", {"runnerId": "r1", "runnerSecret": "s"})
    assert (await socket.take("runner_registered"))["existingSessions"] == [
        {"sessionId": "a", "cwd": "/work", "sessionFile": "/a.jsonl"}
    ]


@pytest.mark.parametrize("event", ["session_ready", "session_error", "session_killed", "disconnect_session"])
@pytest.mark.parametrize("body", [None, [], {}, {"sessionId": 5}, {"sessionId": ""}, {"sessionId": "\ud800"}])
async def test_nonsense_from_a_runner_changes_nothing(stage: Stage, ann: Person, event: str, body: object) -> None:
    runner = await stage.runner(ann)
    await runner.socket.emit(event, body)
    await runner.socket.emit("sessions_list", body)
    await runner.ready("mark")
    await until(lambda: stage.app.sessions.runner_links.take_pending_link("mark") == "r1")
    found = stage.app.runners.registry.get("r1")
    assert found is not None
    assert found.owned_sessions == {"mark"}
