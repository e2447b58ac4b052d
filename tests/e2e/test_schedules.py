"""Prove that schedules of the published runner fire once, whatever is killed between (rest-runners.md 14.1)."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.provider import MODEL, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import HEARD, until_heard
from tests.e2e.transcript import JsonObject, as_object, as_objects

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

#: How an agent reads a schedule that fires.
FIRED = "External trigger|scheduled follow-up"


async def subscribe(stack: Stack, session_id: str, event_type: str, **params: object) -> str:
    """Subscribe a session to an event as the agent's tool does; answer the route's id."""
    target = {"kind": "session", "sessionId": session_id}
    body = {"eventType": event_type, "target": target, "deliverAs": "followUp", "params": params}
    return str(as_object((await stack.post("/api/routes", body)).get("route"))["routeId"])


async def routes(stack: Stack) -> list[JsonObject]:
    """Answer all routes of the owner."""
    return as_objects((await stack.get("/api/routes")).get("routes"))


async def until_catalogue(stack: Stack) -> None:
    """Wait until the runner has announced the triggers of its services."""
    async with asyncio.timeout(30):
        while not (await stack.get(f"/api/runners/{stack.runner_id}/triggers")).get("triggerDefs"):
            await asyncio.sleep(0.1)


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
