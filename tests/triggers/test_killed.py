"""A killed child is reported to its parent, since it reports nothing itself (rest-runners.md 14.1)."""

from __future__ import annotations

import asyncio

import pytest

from tests.sessions.stage import Runner, Stage, until
from tests.triggers.family import Family, family
from tests.triggers.post import answer, deliveries, gone, got, lifecycle, published
from tests.viewers.house import Person
from tests.viewers.wire import Json


@pytest.fixture
async def runner(stage: Stage, ann: Person) -> Runner:
    return await stage.runner(ann)


@pytest.fixture
async def home(stage: Stage, ann: Person, runner: Runner) -> Family:
    made = await family(stage, ann)
    await runner.ready("child")
    await until(lambda: stage.session("child").runner_id == "r1")
    return made


async def kill(home: Family, runner: Runner) -> None:
    """Let the runner kill the child, in the order in which a daemon reports it."""
    await runner.socket.emit("session_killed", {"sessionId": "child"})
    await until(lambda: home.stage.session("child").runner_id is None)
    await home.child.socket.wire.close()
    await gone(home.stage, "child")


async def completions(home: Family) -> list[Json]:
    return [row for row in await deliveries(home.stage) if row["type"] == "lifecycle:session_complete"]


async def test_a_parent_hears_of_its_killed_child_and_acknowledges(home: Family, runner: Runner) -> None:
    await published(home.stage, home.person, lifecycle())
    question = await got(home.parent)
    await kill(home, runner)
    trigger = await got(home.parent)
    payload = trigger["payload"]
    assert isinstance(payload, dict)
    assert (trigger["type"], trigger["sourceSessionId"]) == ("lifecycle:session_complete", "child")
    assert (payload["exitReason"], payload["exitCode"]) == ("killed", 130)
    assert trigger["expectsResponse"] is True
    assert (await home.history())[0]["type"] == "session_complete"
    cleanup = {"token": home.parent.token, "childSessionId": "child"}
    assert await home.parent.socket.call("cleanup_child_session", cleanup) == [{"ok": True}]
    assert (await answer(home.stage, home.person, trigger["triggerId"], "thanks", action="ack")).status == 200
    # What it asked is over with it.
    assert (await answer(home.stage, home.person, question["triggerId"])).status == 404


async def test_an_older_parent_hears_it_by_the_old_name(stage: Stage, ann: Person, runner: Runner) -> None:
    parent = await stage.agent(ann, "parent")
    child = await stage.child(ann, parent, "child")
    await runner.ready("child")
    await until(lambda: stage.session("child").runner_id == "r1")
    await kill(Family(stage, ann, parent, child), runner)
    assert (await got(parent))["type"] == "session_complete"


async def test_a_parent_that_is_away_hears_it_when_it_registers(home: Family, runner: Runner) -> None:
    await home.leave(home.parent)
    await kill(home, runner)
    await until(lambda: not home.stage.app.triggers.publishing.killed.busy)
    await home.stage.restart()
    home.parent = await home.back(home.parent, acksSessionTrigger=True)
    assert (await got(home.parent))["type"] == "lifecycle:session_complete"


async def test_a_child_that_completed_is_not_reported_twice(home: Family, runner: Runner) -> None:
    await published(home.stage, home.person, lifecycle("session_complete"))
    await got(home.parent)
    await kill(home, runner)
    await until(lambda: not home.stage.app.triggers.publishing.killed.busy)
    assert len(await completions(home)) == 1
    await home.parent.socket.call("get_linked_child_count", {"token": home.parent.token})
    assert "session_trigger" not in home.parent.socket.unread()


async def crash(home: Family, runner: Runner) -> None:
    """Let the child's worker die by itself: its transport closes and its runner does not list it any more."""
    await home.child.socket.wire.close()
    await runner.socket.take("list_sessions")
    await runner.socket.emit("sessions_list", {"sessions": []})
    await gone(home.stage, "child")


async def test_a_parent_hears_of_a_child_that_crashed(home: Family, runner: Runner) -> None:
    await crash(home, runner)
    trigger = await got(home.parent)
    payload = trigger["payload"]
    assert isinstance(payload, dict)
    assert (trigger["sourceSessionId"], payload["exitReason"]) == ("child", "killed")
    row = await home.stage.app.sessions.store.row("child")
    assert row is not None
    assert row.ended_by == "other"


@pytest.mark.parametrize(("action", "told"), [("ack", 1), ("followUp", 2)])
async def test_a_child_that_was_done_ends_without_a_report_unless_it_was_sent_on(
    home: Family, runner: Runner, action: str, told: int
) -> None:
    await published(home.stage, home.person, lifecycle("session_complete"))
    done = await got(home.parent)
    assert (await answer(home.stage, home.person, done["triggerId"], "more", action=action)).status == 200
    await crash(home, runner)
    killed = home.stage.app.triggers.publishing.killed
    await until(lambda: not killed.busy and home.stage.app.sessions.registry.get("child") is None)
    if told == 2:
        assert (await got(home.parent))["type"] == "lifecycle:session_complete"
    assert len(await completions(home)) == told


async def test_a_kill_for_the_parents_cleanup_is_no_news(home: Family, runner: Runner) -> None:
    cleanup = asyncio.create_task(
        home.parent.socket.call("cleanup_child_session", {"token": home.parent.token, "childSessionId": "child"})
    )
    await runner.socket.take("kill_session")
    await kill(home, runner)
    assert await cleanup == [{"ok": True}]
    await until(lambda: not home.stage.app.triggers.publishing.killed.busy)
    assert await completions(home) == []


async def test_a_session_without_a_parent_and_a_severed_child_are_reported_to_nobody(
    home: Family, runner: Runner, stage: Stage, ann: Person
) -> None:
    alone = await stage.agent(ann, "alone")
    await runner.ready("alone")
    await until(lambda: stage.session("alone").runner_id == "r1")
    await runner.socket.emit("session_killed", {"sessionId": "alone"})
    await stage.app.sessions.links.delink("parent", ["child"])
    await kill(home, runner)
    await until(lambda: not stage.app.triggers.publishing.killed.busy)
    assert await completions(home) == []
    assert alone.socket.unread().count("session_trigger") == 0
