"""Prove that the published agent's tools and its runner's time service agree with our subscriptions (14.2, 8.9)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping

import pytest

from tests.e2e.provider import Call, Conversation, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import subscribe, until_catalogue
from tests.e2e.test_schedules import routes
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.viewer import Viewer
from tests.e2e.waiting import NotReached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


async def armed(viewer: Viewer) -> dict[str, JsonObject]:
    """Ask the runner's time service what it has armed; answer it by subscription id."""
    request_id = uuid.uuid4().hex
    body = {"serviceId": "time", "type": "trigger_status_request", "requestId": request_id, "payload": {}}
    await viewer.emit("service_message", body)

    def answers() -> list[Mapping[str, object]]:
        return [one for one in viewer.events("service_message") if one.get("requestId") == request_id]

    await viewer.changed.until(lambda: bool(answers()), "the time service's answer", 15)
    found = as_objects(as_object(answers()[0]["payload"]).get("subscriptions"))
    return {str(one["subscriptionId"]): one for one in found}


async def ask_until(holds: Callable[[], Awaitable[bool]], what: str, timeout: float) -> None:
    """Ask again and again until the answer is yes."""
    try:
        async with asyncio.timeout(timeout):
            while not await holds():
                await asyncio.sleep(0.1)
    except TimeoutError as exc:
        raise NotReached(f"{what}: not within {timeout:g} s") from exc


async def test_a_changed_schedule_is_armed_anew_and_a_restart_of_the_relay_keeps_it(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    cron = await subscribe(stack, session_id, "time:cron", cron="0 9 * * *")
    timer = await subscribe(stack, session_id, "time:timer_fired", duration="2h", message="m")

    async def fires_at(hour: str) -> bool:
        return f"T{hour}:00:00" in str((await armed(viewer)).get(cron, {}).get("nextFireAt"))

    await ask_until(lambda: fires_at("09"), "the cron to be armed", 20)
    status, body = await stack.request("PUT", f"/api/routes/{cron}", {"params": {"cron": "0 15 * * *"}})
    assert status == 200, body
    await ask_until(lambda: fires_at("15"), "the new cron to be armed", 20)
    await stack.relay.kill()
    await stack.relay.start()
    await stack.until_runner(timeout=40)
    await stack.until_live(session_id, timeout=40)
    await viewer.changed.until(lambda: viewer.online and viewer.connects >= 2, "the viewer", 30)
    await ask_until(lambda: fires_at("15"), "the cron to be armed still", 30)
    assert set(await armed(viewer)) == {cron, timer}
    assert (await stack.request("DELETE", f"/api/routes/{timer}"))[0] == 200

    async def only_the_cron() -> bool:
        return set(await armed(viewer)) == {cron}

    await ask_until(only_the_cron, "the timer to be disarmed", 20)


async def test_an_agent_subscribes_updates_and_unsubscribes_with_its_tools(stack: Stack) -> None:
    def its_id(talk: Conversation) -> Mapping[str, object]:
        return {"subscriptionId": talk.find(r"(sub:[\w:.-]+)"), "filterMode": "or"}

    await until_catalogue(stack)
    stack.provider.plan("^subscribe$", Call("subscribe_trigger", _cron("0 9 * * *")), Say("subscribed"))
    stack.provider.plan(
        "^update$",
        Call("update_trigger_subscription", _cron("0 10 * * *")),
        Call("update_trigger_subscription", its_id),
        Call("list_available_triggers"),
        Say("updated"),
    )
    stack.provider.plan(
        "^unsubscribe$",
        Call("unsubscribe_trigger", {"triggerType": "time:cron"}),
        Call("subscribe_trigger", {"triggerType": "nosuch:thing"}),
        Say("unsubscribed"),
    )
    viewer = await stack.viewer(await stack.spawn())
    await viewer.insist("subscribe")
    await viewer.until_said("subscribed", 30)
    [made] = await routes(stack)
    params = as_object(made["params"])
    assert params["cron"] == "0 9 * * *"
    hidden = {key: value for key, value in params.items() if key.startswith("_")}
    assert hidden["_cwd"] == str(stack.work)
    await viewer.until_idle()
    await viewer.insist("update")
    await viewer.until_said("updated", 30)
    [changed] = await routes(stack)
    assert changed["routeId"] == made["routeId"]
    assert {**hidden, "cron": "0 10 * * *"} == changed["params"]
    assert changed["filterMode"] == "or"
    await viewer.until_idle(runs=2)
    await viewer.insist("unsubscribe")
    await viewer.until_said("unsubscribed", 30)
    assert await routes(stack) == []
    results = "\n".join(viewer.transcript.texts("toolResult"))
    for text in ("Subscribed to", "Updated subscription", "Unsubscribed from", "not available on this runner"):
        assert text in results
    told = viewer.events("trigger_subscriptions_changed")
    assert [one["action"] for one in told] == ["subscribe", "update", "update", "unsubscribe"]


def _cron(cron: str) -> Mapping[str, object]:
    return {"triggerType": "time:cron", "params": {"cron": cron}}
