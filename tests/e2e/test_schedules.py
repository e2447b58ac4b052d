"""Prove that schedules of the published runner fire once, whatever is killed between (rest-runners.md 14.1)."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from relay.clock import iso
from tests.e2e.processes import children_of, marked
from tests.e2e.provider import MODEL, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import HEARD, subscribe, until_catalogue, until_heard
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.waiting import poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

#: How an agent reads a schedule that fires.
FIRED = "External trigger|scheduled follow-up"


async def routes(stack: Stack) -> list[JsonObject]:
    """Answer all routes of the owner."""
    return as_objects((await stack.get("/api/routes")).get("routes"))


async def test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone(stack: Stack) -> None:
    stack.provider.plan(FIRED, Say("heard it"))
    await until_catalogue(stack)
    session_id = await stack.spawn()
    route_id = await subscribe(stack, session_id, "time:timer_fired", duration="4s", message="tea")
    assert [route["routeId"] for route in await routes(stack)] == [route_id]
    await stack.relay.kill()
    await stack.relay.start()
    await until_heard(stack, "tea")
    assert await routes(stack) == []
    # Its full length again, in which a timer that was armed twice would fire.
    await asyncio.sleep(5)
    assert stack.provider.count(FIRED) == 1


async def test_a_listener_starts_a_session_that_reads_the_trigger_and_its_prompt(stack: Stack) -> None:
    stack.provider.plan(FIRED, Say("heard it"))
    await until_catalogue(stack)
    hub = await stack.hub()
    body: dict[str, object] = {
        "triggerType": "time:timer_fired",
        "params": {"duration": "3s"},
        "prompt": "make tea",
        "cwd": str(stack.work),
        "model": MODEL,
        "autoClose": True,
    }
    await stack.post(f"/api/runners/{stack.runner_id}/trigger-listeners", body)
    await until_heard(stack, "External trigger.*make tea")
    assert (await stack.get(f"/api/runners/{stack.runner_id}/trigger-listeners"))["listeners"] == []
    await hub.changed.until(lambda: not hub.sessions, "the session to close itself", HEARD, lambda: hub.sessions)
    assert stack.provider.count(FIRED) == 1


def in_seconds(seconds: float) -> str:
    """Answer a moment from now as `time:at` takes it."""
    return iso((time.time() + seconds) * 1000)


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
async def test_a_moment_fires_once(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    await subscribe(stack, session_id, "time:at", at=in_seconds(5), message="tea")
    await until_heard(stack, FIRED)
    assert await routes(stack) == []


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
@pytest.mark.timeout(300)
async def test_a_cron_fires_over_a_restart_of_the_relay_and_stays(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    route_id = await subscribe(stack, session_id, "time:cron", cron="* * * * *", message="tea")
    await stack.relay.kill()
    await stack.relay.start()
    await until_heard(stack, FIRED, within=110)
    assert [route["routeId"] for route in await routes(stack)] == [route_id]


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
@pytest.mark.timeout(300)
async def test_a_timer_waits_for_a_runner_in_its_back_off(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    await subscribe(stack, session_id, "time:timer_fired", duration="24s", message="tea")
    await stack.relay.kill()
    await asyncio.sleep(20)
    await stack.relay.start()
    await until_heard(stack, FIRED, within=120)
    assert session_id in await stack.live_sessions()
    assert await routes(stack) == []
    assert stack.provider.count(FIRED) == 1


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
@pytest.mark.timeout(300)
async def test_a_timer_of_a_session_whose_worker_died_wakes_it(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn("remember me")
    viewer = await stack.viewer(session_id)
    await viewer.until_said("remember me")
    await subscribe(stack, session_id, "time:timer_fired", duration="6s", message="tea")
    os.kill(stack.worker_pid(session_id), signal.SIGKILL)
    await until_heard(stack, "External trigger.*tea", within=110)
    assert session_id in await stack.live_sessions()
    again = await stack.viewer(session_id)
    assert any("remember me" in text for text in again.transcript.texts("user"))
    assert await routes(stack) == []


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
async def test_a_timer_whose_owner_a_person_ended_gets_a_replacement(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    await subscribe(stack, session_id, "time:timer_fired", duration="4s", message="tea")
    await viewer.execute("end_session")
    await until_heard(stack, "scheduled follow-up")
    assert session_id not in await stack.live_sessions()
    assert await routes(stack) == []
    assert stack.provider.count("scheduled follow-up") == 1


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
@pytest.mark.timeout(600)
async def test_a_cron_whose_owner_is_gone_is_owned_anew_each_time(stack: Stack) -> None:
    await until_catalogue(stack)
    hub = await stack.hub()
    owner = await stack.spawn()
    route_id = await subscribe(stack, owner, "time:cron", cron="* * * * *", message="tea")
    owners = [owner]
    for times in (1, 2):
        viewer = await stack.viewer(owners[-1])
        await viewer.execute("end_session")
        await until_heard(stack, "scheduled follow-up", times=times, within=200)
        [fresh] = set(hub.sessions) - set(owners)
        owners.append(fresh)
        [route] = await routes(stack)
        assert route["routeId"] == route_id
        assert as_object(route["target"])["sessionId"] == fresh
        # The next minute is delivered there.
        await until_heard(stack, "External trigger", times=times, within=120)
        assert set(hub.sessions) == {fresh}


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
async def test_a_new_conversation_deletes_the_schedules_of_its_session(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    await subscribe(stack, session_id, "time:timer_fired", duration="2h", message="tea")
    await viewer.execute("new_session")
    async with asyncio.timeout(15):
        while await routes(stack):
            await asyncio.sleep(0.1)


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
async def test_an_auto_closing_session_ends_unless_a_route_needs_it(stack: Stack) -> None:
    await until_catalogue(stack)
    hub = await stack.hub()
    gate = asyncio.Event()
    stack.provider.plan("^stay", Say("one two three", gate=gate, before=1))
    staying = await stack.spawn("stay", autoClose=True)
    await subscribe(stack, staying, "time:timer_fired", duration="2h")
    gate.set()
    going = await stack.spawn("go", autoClose=True)
    await hub.until_gone(going, timeout=HEARD)
    assert staying in hub.sessions


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
@pytest.mark.timeout(300)
async def test_a_timer_outlives_the_death_of_its_runner_and_wakes_its_session(stack: Stack) -> None:
    stack.provider.plan(FIRED, Say("heard it"))
    await until_catalogue(stack)
    session_id = await stack.spawn("remember me")
    viewer = await stack.viewer(session_id)
    await viewer.until_said("remember me")
    await viewer.until_idle()
    await subscribe(stack, session_id, "time:timer_fired", duration="25s", message="tea")
    worker = stack.worker_pid(session_id)
    # The supervisor starts its child again; the workers of that child go with it.
    assert stack.runner is not None
    [daemon] = children_of(stack.runner.pid)
    os.kill(daemon, signal.SIGKILL)
    await poll(lambda: worker not in marked(stack.id), "the worker's end", 20)
    assert not stack.provider.heard(FIRED)
    await until_heard(stack, "External trigger.*tea", within=110)
    assert session_id in await stack.live_sessions()
    assert stack.worker_pid(session_id) != worker
    again = await stack.viewer(session_id)
    assert any("remember me" in text for text in again.transcript.texts("user"))
    assert await routes(stack) == []
    assert stack.provider.count(FIRED) == 1


@pytest.mark.slow(gate="tests/e2e/test_schedules.py::test_a_timer_fires_once_over_a_restart_of_the_relay_and_is_gone")
@pytest.mark.timeout(300)
async def test_a_timer_whose_time_comes_while_its_runner_is_stopped_fires_when_it_is_back(stack: Stack) -> None:
    stack.provider.plan(FIRED, Say("heard it"))
    await until_catalogue(stack)
    session_id = await stack.spawn()
    await subscribe(stack, session_id, "time:timer_fired", duration="8s", message="tea")
    worker = stack.worker_pid(session_id)
    assert stack.runner is not None
    await stack.runner.stop(signal.SIGTERM)
    await poll(lambda: worker not in marked(stack.id), "the worker's end", 20)
    await asyncio.sleep(8)
    assert not stack.provider.heard(FIRED)
    assert len(await routes(stack)) == 1
    stack.runner.start()
    await until_heard(stack, "External trigger.*tea", within=110)
    assert session_id in await stack.live_sessions()
    assert await routes(stack) == []
    # Its full length again, in which the timer of the runner's snapshot would fire.
    await asyncio.sleep(9)
    assert stack.provider.count(FIRED) == 1
