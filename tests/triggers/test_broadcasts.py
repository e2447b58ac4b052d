"""Events for everybody who subscribed, and sessions that listeners start for them (rest-runners.md 8.3, 8.7, 8.8)."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.sessions.stage import Answer, Stage, until
from tests.triggers.desk import Daemon, Desk, desk
from tests.triggers.family import entries_of
from tests.triggers.post import fire, got, publish, published
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Json

PUSH: Json = {"type": "github:push", "payload": {"repo": "a/b"}}


@pytest.fixture
async def at(stage: Stage, ann: Person) -> Desk:
    return await desk(stage, ann)


async def broadcast(
    at: Desk, more: Json | None = None, *, person: Person | None = None, runner_id: str = "r1"
) -> Answer:
    return await at.call("POST", f"/api/runners/{runner_id}/trigger-broadcast", {**PUSH, **(more or {})}, person)


async def reached(at: Desk, **more: object) -> tuple[object, object]:
    """Broadcast; answer how many sessions got it and how many were started."""
    answer = await broadcast(at, more)
    assert answer.status == 200, answer.body
    return answer.body["delivered"], answer.body["spawned"]


async def second(at: Desk, session_id: str = "s2") -> Agent:
    agent = await at.stage.agent(at.person, session_id)
    await at.daemon.host(session_id)
    return agent


# Subscribers


async def test_every_subscribed_session_gets_it_once_under_one_id(at: Desk) -> None:
    other = await second(at)
    for session_id in ("s1", "s1", "s2"):
        await at.subscribed("github:push", session_id)
    viewer = await at.viewer()
    answer = await broadcast(at, {"source": "github", "summary": "Push to main"})
    trigger = await got(at.agent)
    trigger_id = answer.body["triggerId"]
    assert answer.body == {"ok": True, "delivered": 2, "spawned": 0, "triggerId": trigger_id}
    assert trigger == {
        "type": "github:push",
        "sourceSessionId": "external:github",
        "sourceSessionName": "Push to main",
        "targetSessionId": "s1",
        "payload": {"repo": "a/b"},
        "deliverAs": "followUp",
        "expectsResponse": False,
        "triggerId": trigger_id,
        "ts": trigger["ts"],
    }
    assert await got(other) == {**trigger, "targetSessionId": "s2"}
    await at.agent.socket.call("get_linked_child_count", {"token": at.agent.token})
    assert "session_trigger" not in at.agent.socket.unread()
    assert (await viewer.take("trigger_delivered"))["triggerId"] == f"{trigger_id}_s1"
    (entry,) = await entries_of(at.stage.app.triggers.history, "s1")
    assert entry == {
        "triggerId": f"{trigger_id}_s1",
        "type": "github:push",
        "source": "external:github",
        "summary": "Push to main",
        "payload": {"repo": "a/b"},
        "deliverAs": "followUp",
        "ts": trigger["ts"],
        "direction": "inbound",
    }


async def test_without_a_summary_the_service_is_named_and_nobody_is_no_error(at: Desk) -> None:
    assert await reached(at) == (0, 0)
    await at.subscribed()
    assert await reached(at, deliverAs="steer") == (1, 0)
    trigger = await got(at.agent)
    assert (trigger["sourceSessionName"], trigger["sourceSessionId"]) == ("Service (service)", "external:service")
    assert trigger["deliverAs"] == "steer"
    (entry,) = await entries_of(at.stage.app.triggers.history, "s1")
    assert "summary" not in entry
    assert entry["deliverAs"] == "steer"


async def test_runners_20_who_is_not_connected_is_not_counted_and_not_queued(at: Desk) -> None:
    other = await second(at)
    await at.subscribed()
    await at.subscribed("github:push", "s2")
    await other.socket.wire.close()
    await until(lambda: at.stage.app.sessions.registry.get("s2") is None)
    assert await reached(at) == (1, 0)
    again = await second(at)
    await again.socket.call("get_linked_child_count", {"token": again.token})
    assert "session_trigger" not in again.socket.unread()


async def test_any_fitting_subscription_of_a_session_is_enough(at: Desk) -> None:
    await at.subscribed(filters=[{"field": "repo", "value": "c/d"}])
    assert await reached(at) == (0, 0)
    await at.subscribed(filters=[{"field": "repo", "value": "a/b"}])
    assert await reached(at) == (1, 0)


async def test_runners_12_a_broadcast_needs_the_owners_key(at: Desk, bob: Person) -> None:
    for answer in (await broadcast(at, person=bob), await broadcast(at, runner_id="nobody")):
        assert (answer.status, answer.body) == (404, {"error": "Runner not found"})
    cookie = {"Cookie": at.person.cookie}
    path = "/api/runners/r1/trigger-broadcast"
    assert (await at.stage.ask("POST", path, None, PUSH, **cookie)).status == 401
    wrongs: list[Json] = [{"type": ""}, {"payload": []}, {"deliverAs": "later"}]
    for wrong in wrongs:
        assert (await broadcast(at, wrong)).status == 400


async def test_an_event_without_a_target_goes_to_all_the_callers_runners(at: Desk, bob: Person) -> None:
    far = Daemon(at.stage, at.person, "r2")
    await far.connect()
    other = await at.stage.agent(at.person, "s2")
    await far.host("s2")
    await at.subscribed()
    assert (await at.routed("github:push", "s2", deliverAs="steer")).status == 200
    body = await published(at.stage, at.person, {**PUSH, "summary": "x"})
    deliveries = body["deliveries"]
    assert isinstance(deliveries, list)
    assert [one["sessionId"] for one in deliveries] == ["s1", "s2"]
    assert (await got(at.agent))["deliverAs"] == "followUp"
    assert (await got(other))["deliverAs"] == "steer"
    assert await reached(at) == (1, 0)
    assert (await published(at.stage, bob, PUSH))["deliveries"] == []


async def test_a_repeat_of_an_event_that_reached_nobody_is_tried_again(at: Desk) -> None:
    assert (await published(at.stage, at.person, {**PUSH, "fireId": "x"}))["deliveries"] == []
    await at.subscribed()
    body = await published(at.stage, at.person, {**PUSH, "fireId": "x"})
    assert (body["created"], body["deliveries"]) == (
        True,
        [{"sessionId": "s1", "deliveryId": (await got(at.agent))["triggerId"]}],
    )
    again = await published(at.stage, at.person, {**PUSH, "fireId": "x"})
    assert (again["created"], again["eventId"]) == (False, body["eventId"])


async def test_an_answer_to_a_broadcast_is_recorded_in_the_receivers_history(at: Desk) -> None:
    await at.subscribed()
    answer = await broadcast(at, {"expectsResponse": True})
    assert (await got(at.agent))["expectsResponse"] is True
    trigger_id = answer.body["triggerId"]
    assert (await at.call("POST", f"/api/deliveries/{trigger_id}/response", {"response": "pong"})).status == 404
    body: Json = {"token": at.agent.token, "triggerId": trigger_id, "response": "pong"}
    sent = {**body, "targetSessionId": "external:service"}
    assert await at.agent.socket.call("trigger_response", sent) == [{"ok": True}]
    (entry,) = await entries_of(at.stage.app.triggers.history, "s1")
    response = entry["response"]
    assert isinstance(response, dict)
    assert response["text"] == "pong"


async def test_a_silent_receiver_holds_nobody_up(at: Desk) -> None:
    wire = await at.stage.wire()
    silent = await wire.join("/relay", {"apiKey": at.person.key, "protocolVersion": 1})
    await silent.emit("register", {"sessionId": "s2", "cwd": "/w", "acksSessionTrigger": True})
    await silent.take("registered")
    await at.daemon.host("s2")
    await at.subscribed()
    await at.subscribed("github:push", "s2")
    sending = asyncio.create_task(reached(at))
    await got(at.agent)
    assert not sending.done()
    assert await sending == (2, 0)


# One-shots


async def test_a_schedule_that_fired_is_gone_with_its_delivery(at: Desk) -> None:
    once = await at.subscribed("time:timer_fired", params={"duration": "4s"})
    cron = await at.subscribed("time:cron", params={"cron": "0 9 * * *"})
    await at.daemon.read()
    await published(at.stage, at.person, fire(fireId=f"os:{once}:1700000000000"))
    await published(at.stage, at.person, fire(fireId=f"cron:{cron}:1:1700000000000"))
    assert [one["routeId"] for one in await at.routes()] == [cron]
    (delta,) = await at.daemon.read()
    assert delta["action"] == "unsubscribe"
    assert (await at.call("DELETE", f"/api/routes/{once}")).status == 404
    repeat = await published(at.stage, at.person, fire(fireId=f"os:{once}:1700000000000"))
    assert repeat["created"] is False


async def test_a_schedule_whose_delivery_failed_stays(at: Desk) -> None:
    once = await at.subscribed("time:at", params={"at": "2030-01-01T00:00:00Z"})
    await at.agent.socket.wire.close()
    await until(lambda: at.stage.app.sessions.registry.get("s1") is None)
    await at.daemon.leave()
    assert (await publish(at.stage, at.person, fire(fireId=f"at:{once}:1"))).status == 503
    assert [one["routeId"] for one in await at.routes()] == [once]


async def test_nobody_deletes_another_users_schedule(at: Desk, bob: Person) -> None:
    once = await at.subscribed("time:timer_fired", params={"duration": "4s"})
    await at.stage.agent(bob, "his")
    await published(at.stage, bob, fire("his", fireId=f"os:{once}:1"))
    assert [one["routeId"] for one in await at.routes()] == [once]


# Listeners


async def listen(at: Desk, **more: object) -> str:
    answer = await at.listen("github:push", **more)
    assert answer.status == 200, answer.body
    return str(answer.body["listenerId"])


async def start(at: Desk, order: Json) -> Agent:
    """Be the worker of a session that was ordered."""
    session_id = str(order["sessionId"])
    await at.daemon.socket.emit("session_ready", {"sessionId": session_id})
    return await at.stage.agent(at.person, session_id)


async def test_a_listener_starts_a_session_without_prompt_and_gives_it_the_trigger(at: Desk) -> None:
    await listen(at, prompt=" look at it ", cwd="/w", model={"provider": "a", "id": "b"}, autoClose=True)
    sending = asyncio.create_task(broadcast(at, {"payload": {"repo": "a/b", "prompt": " mine "}}))
    order = await at.daemon.socket.take("new_session")
    session_id = order["sessionId"]
    assert order == {
        "sessionId": session_id,
        "cwd": "/w",
        "model": {"provider": "a", "id": "b"},
        "autoClose": True,
    }
    agent = await start(at, order)
    trigger = await got(agent)
    answer = await sending
    assert answer.body == {"ok": True, "delivered": 0, "spawned": 1, "triggerId": trigger["triggerId"]}
    assert trigger["payload"] == {"repo": "a/b", "prompt": "look at it\n\nmine"}
    assert (trigger["targetSessionId"], trigger["sourceSessionName"]) == (session_id, "Service (service)")
    names = [name for name, _ in agent.socket.log]
    assert names.index("registered") < names.index("session_trigger")
    (entry,) = await entries_of(at.stage.app.triggers.history, str(session_id))
    assert entry["triggerId"] == f"{trigger['triggerId']}_spawn_{str(session_id)[:8]}"
    assert at.stage.session(str(session_id)).runner_id == "r1"


async def test_a_model_that_is_hidden_by_now_is_left_out(at: Desk) -> None:
    await listen(at, model={"provider": "a", "id": "b"})
    await at.call("PUT", "/api/settings/hidden-models", {"hiddenModels": ["a/b"]})
    sending = asyncio.create_task(broadcast(at))
    order = await at.daemon.socket.take("new_session")
    assert "model" not in order
    assert order["hiddenModels"] == ["a/b"]
    await start(at, order)
    assert (await sending).body["spawned"] == 1


async def test_runners_09_params_choose_for_listeners(at: Desk) -> None:
    await listen(at, params={"repo": "c/d"})
    assert await reached(at) == (0, 0)


@pytest.mark.parametrize("how", ["refused", "silent", "no worker"])
async def test_runners_02_a_listener_that_does_not_start_counts_as_none(at: Desk, how: str) -> None:
    await listen(at)
    sending = asyncio.create_task(reached(at))
    order = await at.daemon.socket.take("new_session")
    if how == "refused":
        await at.daemon.socket.emit("session_error", {"sessionId": order["sessionId"], "message": "no"})
    elif how == "no worker":
        await at.daemon.socket.emit("session_ready", {"sessionId": order["sessionId"]})
    assert await sending == (0, 0)
    if how == "refused":
        await at.daemon.socket.wire.settled()
        assert "kill_session" not in at.daemon.socket.unread()
    else:
        assert await at.daemon.socket.take("kill_session") == {"sessionId": order["sessionId"]}


async def test_runners_20_a_slow_listener_delays_no_subscriber_and_four_start_at_once(at: Desk) -> None:
    for _ in range(5):
        await listen(at)
    await at.subscribed()
    began = time.monotonic()
    sending = asyncio.create_task(reached(at))
    await got(at.agent)
    limits = at.stage.app.triggers.publishing.limits
    assert time.monotonic() - began < limits.listener_ack
    orders = [await at.daemon.socket.take("new_session") for _ in range(4)]
    await at.daemon.socket.wire.settled()
    assert "new_session" not in at.daemon.socket.unread()
    for order in orders:
        await start(at, order)
    await start(at, await at.daemon.socket.take("new_session"))
    assert await sending == (1, 5)


async def test_a_due_schedule_fires_its_listener_and_is_gone(at: Desk) -> None:
    answer = await at.listen("time:timer_fired", params={"duration": "3s"}, prompt="make tea")
    listener_id = str(answer.body["listenerId"])
    await at.daemon.read()
    pseudo = f"runner-listener:{listener_id}"
    sending = asyncio.create_task(publish(at.stage, at.person, fire(pseudo, fireId=f"os:{listener_id}:17")))
    agent = await start(at, await at.daemon.socket.take("new_session"))
    trigger = await got(agent)
    assert trigger["payload"] == {"message": "tea", "prompt": "make tea"}
    assert trigger["sourceSessionName"] == "Service (time)"
    body = (await sending).body
    assert body["deliveries"] == [{"sessionId": agent.session_id, "deliveryId": trigger["triggerId"], "spawned": True}]
    assert (await at.call("GET", "/api/runners/r1/trigger-listeners")).body == {"listeners": []}
    assert [delta["action"] for delta in await at.daemon.read()] == ["unsubscribe"]


async def pseudo_trigger(at: Desk, listener_id: str, person: Person | None = None, **more: object) -> Answer:
    body = {"type": "time:cron", "payload": {}, **more}
    return await at.call("POST", f"/api/sessions/runner-listener:{listener_id}/trigger", body, person)


async def test_the_older_call_fires_a_listener_too_and_repeats_join(at: Desk) -> None:
    listener_id = await listen(at)
    sending = [asyncio.create_task(pseudo_trigger(at, listener_id)) for _ in range(2)]
    agent = await start(at, await at.daemon.socket.take("new_session"))
    answers = [await one for one in sending]
    trigger = await got(agent)
    for answer in answers:
        assert answer.status == 200
        assert answer.body["spawnedSessionId"] == agent.session_id
    assert trigger["sourceSessionId"] == "external:api"
    assert trigger["triggerId"] in [answer.body["triggerId"] for answer in answers]
    assert "new_session" not in at.daemon.socket.unread()


async def test_runners_01_a_listener_that_cannot_fire_now_is_503_and_an_unknown_one_404(at: Desk, bob: Person) -> None:
    listener_id = await listen(at)
    gone = {"error": "Listener not found"}
    for unknown in ("listener:r1:x:1:abcdefgh", "nonsense", ""):
        answer = await pseudo_trigger(at, unknown)
        assert (answer.status, answer.body) == (404, gone)
    assert (await pseudo_trigger(at, listener_id, bob)).body == gone
    assert (await pseudo_trigger(at, "nonsense", type="")).status == 400
    began = time.monotonic()
    assert (await pseudo_trigger(at, listener_id)).status == 503
    assert time.monotonic() - began < at.stage.app.triggers.publishing.limits.listener_ack
    await at.daemon.socket.take("kill_session")
    await at.daemon.leave()
    assert (await pseudo_trigger(at, listener_id)).status == 503
    his = Daemon(at.stage, bob)
    await at.stage.app.runners.identities.release("r1")
    await his.connect()
    assert (await pseudo_trigger(at, listener_id)).body == gone
