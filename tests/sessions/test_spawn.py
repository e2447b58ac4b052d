"""Starting sessions over HTTP, with a runner that answers or does not (rest-runners.md 5.2, 13)."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.sessions.stage import Stage, until
from tests.viewers.house import Person


async def test_runners_04_a_spawn_answers_ok_runner_and_session(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    task, order = await stage.spawn(ann, runner, prompt="hi", cwd="/work")
    await runner.ready(str(order["sessionId"]))
    answer = await task
    assert answer.status == 200
    assert answer.body == {
        "ok": True,
        "runnerId": "r1",
        "sessionId": order["sessionId"],
        "pending": False,
        "shareUrl": f"{stage.url}/sessions/{order['sessionId']}",
    }
    assert order == {"sessionId": order["sessionId"], "prompt": "hi", "cwd": "/work"}


async def test_runners_02_a_spawn_without_a_word_from_the_runner_is_pending_and_linked(
    stage: Stage, ann: Person
) -> None:
    runner = await stage.runner(ann)
    task, order = await stage.spawn(ann, runner)
    answer = await task
    assert (answer.status, answer.body["ok"], answer.body["pending"]) == (200, True, True)
    await stage.agent(ann, str(order["sessionId"]))
    assert stage.session(str(order["sessionId"])).runner_id == "r1"


async def test_runners_03_a_word_that_comes_at_once_is_not_lost_and_ready_is_not_connected(
    stage: Stage, ann: Person
) -> None:
    runner = await stage.runner(ann)
    session_id = await stage.started(ann, runner)
    assert stage.app.sessions.registry.get(session_id) is None
    await stage.agent(ann, session_id)
    session = stage.session(session_id)
    assert (session.runner_id, session.links.runner_name) == ("r1", "box")


async def test_the_runners_own_error_is_the_answer(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    task, order = await stage.spawn(ann, runner)
    await runner.socket.emit("session_error", {"sessionId": order["sessionId"], "message": "agent not found"})
    answer = await task
    assert (answer.status, answer.body) == (400, {"error": "agent not found"})
    assert not stage.app.sessions.runner_links.is_recent(str(order["sessionId"]), ann.id)


async def test_an_error_without_a_reason_has_a_default(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    task, order = await stage.spawn(ann, runner)
    await runner.socket.emit("session_error", {"sessionId": order["sessionId"]})
    assert (await task).body == {"error": "Runner spawn failed"}


async def test_runners_01_an_unknown_runner_is_404_but_the_callers_own_away_one_503(
    stage: Stage, ann: Person, bob: Person
) -> None:
    runner = await stage.runner(ann)
    body = {"runnerId": "r1"}
    assert (await stage.ask("POST", "/api/runners/spawn", bob, body)).status == 403
    await runner.leave()
    await until(lambda: stage.app.runners.registry.get("r1") is None)
    away = await stage.ask("POST", "/api/runners/spawn", ann, body)
    assert (away.status, away.body) == (503, {"error": "Runner is not connected to this server"})
    foreign = await stage.ask("POST", "/api/runners/spawn", bob, body)
    unknown = await stage.ask("POST", "/api/runners/spawn", ann, {"runnerId": "nobody"})
    for answer in (foreign, unknown):
        assert (answer.status, answer.body) == (404, {"error": "Runner not found"})


async def test_checks_come_in_the_order_of_the_contract(stage: Stage, ann: Person) -> None:
    await stage.runner(ann, roots=["/work"])
    path = "/api/runners/spawn"
    assert (await stage.ask("POST", path, None, {})).status == 401
    bad_agent = {"agent": {"name": "a/b"}}
    assert (await stage.ask("POST", path, ann, bad_agent)).body == {"error": "Invalid agent name"}
    assert (await stage.ask("POST", path, ann, {})).body == {"error": "Missing runnerId"}
    outside = {"runnerId": "r1", "cwd": "/home"}
    assert (await stage.ask("POST", path, ann, outside)).body == {"error": "Runner cannot access cwd: /home"}
    effort = await stage.ask("POST", path, ann, {"runnerId": "r1", "effort": "huge"})
    assert effort.status == 400


async def test_a_hidden_model_is_refused_and_the_list_goes_along(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    await stage.ask("PUT", "/api/settings/hidden-models", ann, {"hiddenModels": ["p/secret"]})
    body = {"runnerId": "r1", "model": {"provider": "p", "id": "secret"}}
    refused = await stage.ask("POST", "/api/runners/spawn", ann, body)
    assert (refused.status, refused.body) == (400, {"error": "Requested model is not available"})
    task, order = await stage.spawn(ann, runner, model="p/open")
    await runner.ready(str(order["sessionId"]))
    assert (await task).status == 200
    assert order["hiddenModels"] == ["p/secret"]
    assert order["model"] == {"provider": "p", "id": "open"}


async def test_a_bare_model_is_looked_up_at_the_runner(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    task = asyncio.create_task(stage.ask("POST", "/api/runners/spawn", ann, {"runnerId": "r1", "model": "big"}))
    request = await runner.socket.take("list_models")
    models = [{"provider": "q", "id": "small"}, {"provider": "p", "id": "big"}]
    await runner.socket.emit("models_list", {"requestId": request["requestId"], "models": models})
    order = await runner.socket.take("new_session")
    assert order["model"] == {"provider": "p", "id": "big"}
    await runner.ready(str(order["sessionId"]))
    assert (await task).status == 200


async def test_a_bare_model_that_nobody_has_is_400_and_a_failing_lookup_502(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    body = {"runnerId": "r1", "model": "big"}
    for reply, status in (({"models": []}, 400), ({"models": [], "error": "no network"}, 502)):
        task = asyncio.create_task(stage.ask("POST", "/api/runners/spawn", ann, body))
        request = await runner.socket.take("list_models")
        await runner.socket.emit("models_list", {"requestId": request["requestId"], **reply})
        assert (await task).status == status
    task = asyncio.create_task(stage.ask("POST", "/api/runners/spawn", ann, body))
    await runner.socket.take("list_models")
    await runner.leave()
    assert (await task).status == 502


async def test_a_parent_is_passed_on_only_when_it_is_the_callers_and_live(
    stage: Stage, ann: Person, bob: Person
) -> None:
    runner = await stage.runner(ann)
    await stage.agent(ann, "mine")
    await stage.agent(bob, "his")
    for parent, expected in (("mine", "mine"), ("his", None), ("nobody", None)):
        task, order = await stage.spawn(ann, runner, parentSessionId=parent)
        assert order.get("parentSessionId") == expected
        await runner.ready(str(order["sessionId"]))
        await task


async def test_the_folder_of_a_spawn_is_remembered_unless_a_parent_ordered_it(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    await stage.agent(ann, "mine")
    await stage.started(ann, runner, cwd="/one")
    await stage.started(ann, runner, cwd="/two", parentSessionId="mine")
    answer = await stage.ask("GET", "/api/runners/r1/recent-folders", ann)
    assert answer.body == {"folders": ["/one"]}


async def test_the_path_may_name_the_runner(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann, "r/1")
    task = asyncio.create_task(stage.ask("POST", "/api/runners/r%2F1/spawn", ann, {"runnerId": "other"}))
    order = await runner.socket.take("new_session")
    await runner.ready(str(order["sessionId"]))
    assert (await task).body["runnerId"] == "r/1"


async def test_runners_16_a_spawn_goes_on_when_its_caller_leaves(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    task, order = await stage.spawn(ann, runner, cwd="/kept")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.ready(str(order["sessionId"]))
    await stage.agent(ann, str(order["sessionId"]))
    assert stage.session(str(order["sessionId"])).runner_id == "r1"
    async with asyncio.timeout(5):
        while (await stage.ask("GET", "/api/runners/r1/recent-folders", ann)).body != {"folders": ["/kept"]}:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("body", ["null", "[]", "not json", '"text"', "5"])
async def test_runners_12_a_body_that_is_no_object_counts_as_empty(stage: Stage, ann: Person, body: str) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{stage.url}/api/runners/spawn", data=body, headers={"x-api-key": ann.key}) as response,
    ):
        assert response.status == 400
        assert await response.json() == {"error": "Missing runnerId"}
