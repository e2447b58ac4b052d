"""What a trigger is answered by the state of its target: the table of rest-runners.md 8.2, and what 14.1 adds."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.sessions.stage import Answer, Stage, until
from tests.triggers.family import family
from tests.triggers.post import fire, gone, got, lifecycle, publish
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Json

NOT_LIVE: Json = {"error": "Session not found or not connected"}
AWAY: Json = {"error": "Session is registered but not currently connected"}


class Door:
    """Send to the session `s1` through one of the two calls."""

    def __init__(self, stage: Stage, person: Person, call: str) -> None:
        self.stage = stage
        self.person = person
        self._call = call

    async def send(self, *, wake: bool = False, session_id: str = "s1", person: Person | None = None) -> Answer:
        who = person or self.person
        if self._call == "events":
            return await publish(self.stage, who, fire(session_id, wake=wake, fireId=None))
        body = {"type": "api:x", "payload": {}, "wakeSession": wake}
        return await self.stage.ask("POST", f"/api/sessions/{session_id}/trigger", who, body)

    async def quickly(self, *, wake: bool = False) -> Answer:
        """Send; nothing may be waited for."""
        began = time.monotonic()
        answer = await self.send(wake=wake)
        assert time.monotonic() - began < self.stage.app.triggers.publishing.limits.wake
        return answer


@pytest.fixture(params=["trigger", "events"])
async def door(request: pytest.FixtureRequest, stage: Stage, ann: Person) -> Door:
    return Door(stage, ann, str(request.param))


async def ended_on_purpose(stage: Stage, person: Person, how: str) -> None:
    """End `s1` for a person."""
    runner = await stage.runner(person)
    agent = await stage.agent(person, "s1")
    await runner.ready("s1")
    await until(lambda: stage.session("s1").runner_id == "r1")
    if how == "killed":
        await runner.socket.emit("session_killed", {"sessionId": "s1"})
        await until(lambda: stage.session("s1").runner_id is None)
        await agent.socket.wire.close()
    else:
        viewer = await stage.viewer(person)
        await viewer.emit("switch_session", {"sessionId": "s1"})
        await viewer.take("connected")
        await viewer.emit("exec", {"type": "exec", "id": "e1", "command": "end_session"})
        await agent.socket.take("exec")
        await agent.socket.emit("exec_result", {"id": "e1", "ok": True, "command": "end_session"})
        await viewer.take("exec_result")
        if how == "closed":
            await agent.socket.wire.close()
        else:
            await agent.socket.emit("session_end", {"token": agent.token, "sessionId": "s1"})
    await gone(stage, "s1")


async def away(stage: Stage, person: Person) -> Agent:
    """Let the worker of `s1` lose its connection, while nobody can say whether it still runs."""
    agent = await stage.agent(person, "s1")
    await agent.socket.wire.close()
    await gone(stage, "s1")
    return agent


@pytest.mark.parametrize("wake", [False, True])
async def test_a_connected_session_gets_it(door: Door, stage: Stage, ann: Person, wake: bool) -> None:
    agent = await stage.agent(ann, "s1")
    answer = await door.quickly(wake=wake)
    assert answer.status == 200
    assert (await got(agent))["targetSessionId"] == "s1"


@pytest.mark.parametrize("wake", [False, True])
async def test_one_just_spawned_here_is_waited_for(door: Door, stage: Stage, ann: Person, wake: bool) -> None:
    session_id = await stage.started(ann, await stage.runner(ann))
    sending = asyncio.create_task(door.send(wake=wake, session_id=session_id))
    await asyncio.sleep(0.05)
    assert not sending.done()
    agent = await stage.agent(ann, session_id)
    assert (await sending).status == 200
    events = [event for event, _ in agent.socket.log]
    await got(agent)
    assert events.index("registered") == 0


@pytest.mark.parametrize("wake", [False, True])
async def test_one_just_spawned_that_does_not_come_is_503(door: Door, stage: Stage, ann: Person, wake: bool) -> None:
    session_id = await stage.started(ann, await stage.runner(ann))
    began = time.monotonic()
    answer = await door.send(wake=wake, session_id=session_id)
    assert (answer.status, answer.body) == (503, AWAY)
    assert time.monotonic() - began >= stage.app.sessions.limits.just_spawned


async def test_one_just_spawned_for_another_user_is_404(door: Door, stage: Stage, ann: Person, bob: Person) -> None:
    session_id = await stage.started(ann, await stage.runner(ann))
    answer = await door.send(session_id=session_id, person=bob)
    assert (answer.status, answer.body) == (404, NOT_LIVE)


async def test_runners_01_one_that_is_away_is_503_and_never_404(door: Door, stage: Stage, ann: Person) -> None:
    await away(stage, ann)
    answer = await door.quickly()
    assert (answer.status, answer.body) == (503, AWAY)


async def test_runners_01_one_that_is_awaited_after_a_start_is_503(door: Door, stage: Stage, ann: Person) -> None:
    await stage.agent(ann, "s1")
    await stage.restart()
    answer = await door.quickly()
    assert (answer.status, answer.body) == (503, AWAY)


@pytest.mark.parametrize("wake", [False, True])
@pytest.mark.parametrize("how", ["killed", "closed", "ended"])
async def test_one_that_a_person_ended_is_404_and_never_woken(
    door: Door, stage: Stage, ann: Person, how: str, wake: bool
) -> None:
    await ended_on_purpose(stage, ann, how)
    answer = await door.quickly(wake=wake)
    assert (answer.status, answer.body) == (404, NOT_LIVE)


async def test_a_child_that_its_parent_cleaned_up_is_404_and_never_woken(door: Door, stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    parent = await stage.agent(ann, "parent")
    child = await stage.child(ann, parent, "s1")
    await runner.ready("s1")
    cleanup = asyncio.create_task(
        parent.socket.call("cleanup_child_session", {"token": parent.token, "childSessionId": "s1"})
    )
    await child.socket.take("exec")
    await child.socket.emit("session_end", {"token": child.token, "sessionId": "s1"})
    await cleanup
    await gone(stage, "s1")
    answer = await door.quickly(wake=True)
    assert (answer.status, answer.body) == (404, NOT_LIVE)


async def test_one_that_ended_by_itself_is_404_without_wake(door: Door, stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1")
    await agent.socket.emit("session_end", {"token": agent.token, "sessionId": "s1"})
    await gone(stage, "s1")
    for wake in (False, True):
        # Without a runner there is nobody who could resume it.
        answer = await door.quickly(wake=wake)
        assert (answer.status, answer.body) == (404, NOT_LIVE)


@pytest.mark.parametrize("wake", [False, True])
async def test_an_unknown_or_foreign_one_is_404(door: Door, stage: Stage, ann: Person, bob: Person, wake: bool) -> None:
    await stage.agent(bob, "s1")
    assert ((await door.send(wake=wake)).body) == NOT_LIVE
    assert ((await door.send(wake=wake, session_id="nobody")).body) == NOT_LIVE
    assert ((await door.send(wake=wake, session_id="x" * 400)).body) == NOT_LIVE
    him = await stage.viewer(bob)
    assert not him.unread()


async def test_one_away_for_longer_than_a_silent_one_lives_has_ended(stage: Stage, ann: Person) -> None:
    await away(stage, ann)
    door = Door(stage, ann, "events")
    assert (await door.quickly()).status == 503

    async def long_ago() -> None:
        await stage.app.storage.write(
            lambda tx: tx.execute("UPDATE relay_session SET ended_at = '2020-01-01T00:00:00.000Z'")
        )

    await long_ago()
    await stage.app.sessions.sweeper.sweep()
    assert (await door.quickly()).status == 404


# Hold (14.1)


@pytest.mark.parametrize("kind", ["ask_question", "plan_review", "session_error"])
async def test_agents_13_what_its_sender_does_not_repeat_waits_for_a_parent_that_is_away(
    stage: Stage, ann: Person, kind: str
) -> None:
    home = await family(stage, ann)
    await home.leave(home.parent)
    asking = asyncio.create_task(publish(stage, ann, lifecycle(kind)))
    await asyncio.sleep(0.1)
    assert not asking.done()
    home.parent = await home.back(home.parent)
    assert (await asking).status == 200
    assert (await got(home.parent))["payload"] == {"question": "which?"}


async def test_a_completion_is_not_held(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.leave(home.parent)
    began = time.monotonic()
    answer = await publish(stage, ann, lifecycle("session_complete"))
    assert (answer.status, answer.body) == (503, AWAY)
    assert time.monotonic() - began < 4


async def test_a_parent_that_stays_away_is_503_in_the_end(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.leave(home.parent)
    began = time.monotonic()
    answer = await publish(stage, ann, lifecycle())
    assert (answer.status, answer.body) == (503, AWAY)
    assert time.monotonic() - began >= stage.app.triggers.publishing.limits.hold


async def test_agents_13_a_parent_that_ends_while_it_is_waited_for_is_404_at_once(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    home = await family(stage, ann)
    await home.leave(home.parent)
    asking = asyncio.create_task(publish(stage, ann, lifecycle()))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    stage.app.sessions.ends.killed(stage.app.runners.registry.of_user(ann.id)[0], "parent", None)
    answer = await asking
    assert (answer.status, answer.body) == (404, NOT_LIVE)
    assert time.monotonic() - began < 4
    assert runner.id == "r1"


async def test_a_parent_that_is_awaited_after_a_start_is_held_for_longer(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await stage.restart()
    targets = stage.app.triggers.publishing.targets
    target = await targets.look("parent", ann.id)
    patience = targets.patience(target, hold=True)
    assert patience is not None
    assert 100 < patience <= 120
    asking = asyncio.create_task(publish(stage, ann, lifecycle()))
    await asyncio.sleep(0.05)
    home.parent = await home.back(home.parent)
    assert (await asking).status == 200
