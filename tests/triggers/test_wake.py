"""Bringing a session back for a trigger (rest-runners.md 8.2, steps 7 and 8, and Wake)."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.sessions.stage import Answer, Runner, Stage, until
from tests.triggers.post import fire, gone, got, publish
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Json

AWAY: Json = {"error": "Session is registered but not currently connected"}
WAKING: Json = {**AWAY, "waking": True}
NOT_LIVE: Json = {"error": "Session not found or not connected"}


async def absent(stage: Stage, person: Person, *, ended: bool) -> Runner:
    """Make `s1` on the runner `r1`, and let its worker leave: away, or ended by itself."""
    runner = await stage.runner(person)
    agent = await stage.agent(person, "s1", cwd="/work/here")
    # Linked without a `session_ready`, which would be kept for the next spawn of the same id.
    stage.app.sessions.runner_links.link(stage.app.runners.registry.of_user(person.id)[0], "s1")
    if ended:
        await agent.socket.emit("session_end", {"token": agent.token, "sessionId": "s1"})
    else:
        await agent.socket.wire.close()
        await runner.socket.take("list_sessions")
        await runner.socket.emit("sessions_list", {"sessions": ["s1"]})
    await gone(stage, "s1")
    return runner


def waking(stage: Stage, person: Person, **more: object) -> asyncio.Task[Answer]:
    return asyncio.create_task(publish(stage, person, fire(**more)))


async def back(stage: Stage, person: Person) -> Agent:
    """Register the session's worker, which acknowledges triggers from the first on."""
    wire = await stage.wire()
    socket = await wire.join("/relay", {"apiKey": person.key, "protocolVersion": 1, "clientVersion": "0.52.0"})
    socket.answers["session_trigger"] = {"ok": True}
    await socket.emit("register", {"sessionId": "s1", "cwd": "/work", "acksSessionTrigger": True})
    registered = await socket.take("registered")
    return Agent(socket, "s1", str(registered["token"]))


@pytest.mark.parametrize("ended", [False, True])
async def test_runners_18_a_session_is_resumed_under_its_id_and_gets_the_event_in_the_same_request(
    stage: Stage, ann: Person, ended: bool
) -> None:
    runner = await absent(stage, ann, ended=ended)
    sending = waking(stage, ann)
    order = await runner.socket.take("new_session")
    assert order == {"sessionId": "s1", "cwd": "/work/here", "resumeId": "s1"}
    await runner.ready("s1")
    agent = await back(stage, ann)
    assert (await sending).status == 200
    assert (await got(agent))["payload"] == {"message": "tea"}
    names = [name for name, _ in agent.socket.log]
    assert names.index("registered") < names.index("session_trigger")
    assert stage.session("s1").runner_id == "r1"


async def test_a_wake_carries_the_hidden_models(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    put = await stage.ask("PUT", "/api/settings/hidden-models", ann, {"hiddenModels": ["a/b"]})
    assert put.status == 200
    sending = waking(stage, ann)
    assert (await runner.socket.take("new_session"))["hiddenModels"] == ["a/b"]
    sending.cancel()


async def test_a_wake_that_takes_too_long_is_503_and_goes_on(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    began = time.monotonic()
    answer = await waking(stage, ann)
    assert (answer.status, answer.body) == (503, WAKING)
    limits = stage.app.triggers.publishing.limits
    assert limits.wake <= time.monotonic() - began < limits.wake + 1
    await runner.socket.take("new_session")
    again = waking(stage, ann)
    agent = await back(stage, ann)
    assert (await again).status == 200
    await got(agent)
    assert "new_session" not in runner.socket.unread()
    assert "session_trigger" not in agent.socket.unread()


async def test_concurrent_triggers_wake_once(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    sending = [waking(stage, ann, fireId=f"os:r{number}:1") for number in range(3)]
    await runner.socket.take("new_session")
    agent = await back(stage, ann)
    assert [(await one).status for one in sending] == [200, 200, 200]
    assert "new_session" not in runner.socket.unread()
    assert len({str((await got(agent))["triggerId"]) for _ in range(3)}) == 3


async def test_a_worker_that_still_runs_is_waited_for(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=False)
    sending = waking(stage, ann)
    await runner.socket.take("new_session")
    await runner.socket.emit("session_error", {"sessionId": "s1", "message": "Session already running: s1"})
    await asyncio.sleep(0.05)
    assert not sending.done()
    agent = await back(stage, ann)
    assert (await sending).status == 200
    await got(agent)


async def test_a_wake_that_the_runner_refuses_is_503_at_once_and_tried_again(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    for _ in range(2):
        sending = waking(stage, ann)
        await runner.socket.take("new_session")
        await runner.socket.emit("session_error", {"sessionId": "s1", "message": "cwd is gone"})
        answer = await sending
        assert (answer.status, answer.body) == (503, AWAY)


async def test_a_session_whose_worker_never_came_can_be_woken_anew(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    assert (await waking(stage, ann)).body == WAKING
    await runner.socket.take("new_session")
    await until(lambda: not stage.app.sessions.runner_links.is_recent("s1", ann.id))
    # Without a wake it has ended; with one it is ordered again.
    assert (await publish(stage, ann, fire(wake=False))).status == 404
    sending = waking(stage, ann)
    await runner.socket.take("new_session")
    sending.cancel()


@pytest.mark.parametrize("ended", [False, True])
async def test_runners_01_a_runner_that_is_away_is_503_without_waking(stage: Stage, ann: Person, ended: bool) -> None:
    runner = await absent(stage, ann, ended=ended)
    await runner.leave()
    await until(lambda: stage.app.runners.registry.get("r1") is None)
    answer = await waking(stage, ann)
    assert (answer.status, answer.body) == (503, AWAY)


async def test_a_resume_never_goes_to_a_foreign_or_unknown_runner(stage: Stage, ann: Person, bob: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    await runner.leave()
    await until(lambda: stage.app.runners.registry.get("r1") is None)
    await stage.app.runners.identities.release("r1")
    assert (await waking(stage, ann)).body == NOT_LIVE
    his = await stage.runner(bob)
    assert (await waking(stage, ann)).body == NOT_LIVE
    assert "new_session" not in his.socket.unread()


@pytest.mark.parametrize(("ended", "status"), [(False, 503), (True, 404)])
async def test_a_session_without_a_runner_is_answered_as_without_wake(
    stage: Stage, ann: Person, ended: bool, status: int
) -> None:
    agent = await stage.agent(ann, "s1")
    if ended:
        await agent.socket.emit("session_end", {"token": agent.token, "sessionId": "s1"})
    else:
        await agent.socket.wire.close()
    await gone(stage, "s1")
    assert (await waking(stage, ann)).status == status


async def test_a_wake_is_given_up_when_the_relay_stops(stage: Stage, ann: Person) -> None:
    runner = await absent(stage, ann, ended=True)
    sending = waking(stage, ann)
    await runner.socket.take("new_session")
    async with asyncio.timeout(3):
        await stage.restart()
    await asyncio.gather(sending, return_exceptions=True)
