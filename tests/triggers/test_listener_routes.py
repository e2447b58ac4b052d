"""Triggers, schedules and listeners of a runner (rest-runners.md 5.17 to 5.19)."""

from __future__ import annotations

import re

import pytest

from tests.broken import broken_table
from tests.sessions.stage import Stage
from tests.triggers.desk import CATALOGUE, Desk, desk, listener
from tests.viewers.house import Person
from tests.viewers.wire import Json

MODEL: Json = {"provider": "anthropic", "id": "claude"}
BASE = "/api/runners/r1/trigger-listeners"


@pytest.fixture
async def at(stage: Stage, ann: Person) -> Desk:
    return await desk(stage, ann, roots=["/work"])


async def made(at: Desk, trigger_type: str = "github:push", **body: object) -> Json:
    answer = await at.listen(trigger_type, **body)
    assert answer.status == 200, answer.body
    found = answer.body["listener"]
    assert isinstance(found, dict)
    return found


async def listed(at: Desk) -> list[Json]:
    found = (await at.call("GET", BASE)).body["listeners"]
    assert isinstance(found, list)
    return found


async def test_a_listener_is_answered_listed_and_told_to_its_runner(at: Desk) -> None:
    full = {"prompt": "Do it", "cwd": "/work/a", "model": {**MODEL, "name": "x"}, "params": {"branch": 5}}
    answer = await at.listen(" any:thing ", **full, autoClose=True)
    listener_id = str(answer.body["listenerId"])
    assert re.fullmatch(r"listener:r1:any:thing:[0-9]{13}:[A-Za-z0-9_-]{8}", listener_id)
    found = answer.body["listener"]
    assert isinstance(found, dict)
    created = found["createdAt"]
    expected = {
        "listenerId": listener_id,
        "triggerType": "any:thing",
        **full,
        "model": MODEL,
        "autoClose": True,
        "createdAt": created,
    }
    assert answer.body == {"ok": True, "listenerId": listener_id, "triggerType": "any:thing", "listener": expected}
    assert await listed(at) == [expected]
    assert (await at.call("GET", "/api/runners/r1/triggers")).body == {
        "triggerDefs": CATALOGUE["triggerDefs"],
        "listeners": [expected],
    }
    assert await at.daemon.read() == [
        {
            "action": "subscribe",
            "subscription": {
                "subscriptionId": listener_id,
                "sessionId": f"runner-listener:{listener_id}",
                "triggerType": "any:thing",
                "runnerId": "r1",
                "params": {"branch": 5},
            },
        }
    ]


async def test_wrong_typed_fields_are_ignored_and_the_newest_comes_first(at: Desk) -> None:
    first = await made(at, prompt=5, cwd="", model="claude", params=[1], autoClose="yes")
    assert set(first) == {"listenerId", "triggerType", "createdAt"}
    second = await made(at, model={"provider": "a"}, autoClose=False)
    assert set(second) == {"listenerId", "triggerType", "createdAt"}
    assert [one["createdAt"] for one in await listed(at)] == sorted(
        (str(first["createdAt"]), str(second["createdAt"])), reverse=True
    )


@pytest.mark.parametrize("wrong", [None, "", "  ", 5, "\ud800"])
async def test_a_listener_needs_a_type(at: Desk, wrong: object) -> None:
    answer = await at.call("POST", BASE, {"triggerType": wrong})
    assert (answer.status, answer.body) == (400, {"error": "Missing triggerType"})
    assert await listed(at) == []


async def test_runners_12_another_users_runner_is_403_and_an_unknown_one_404(at: Desk, bob: Person) -> None:
    for method, path in (
        ("GET", "triggers"),
        ("GET", "schedules"),
        ("GET", "trigger-listeners"),
        ("POST", "trigger-listeners"),
        ("PUT", "trigger-listeners/x"),
        ("DELETE", "trigger-listeners/x"),
    ):
        answer = await at.call(method, f"/api/runners/r1/{path}", {}, bob)
        assert (answer.status, answer.body) == (403, {"error": "Forbidden"})
        answer = await at.call(method, f"/api/runners/nobody/{path}", {})
        assert (answer.status, answer.body) == (404, {"error": "Runner not found"})
    # The same failure on a session's route does not tell the session from none.
    assert (await at.call("GET", "/api/sessions/s1/trigger-subscriptions", person=bob)).status == 404


async def test_a_hidden_model_is_403_and_an_unreadable_list_hides_nothing(at: Desk) -> None:
    await at.stage.app.hidden_models.replace(at.person.id, ["anthropic/claude"])
    answer = await at.listen(model={"provider": " anthropic", "id": "claude "})
    assert (answer.status, answer.body) == (403, {"error": "Requested model is not available"})
    found = await made(at, model={"provider": "other", "id": "m"})
    assert (await at.call("PUT", listener(str(found["listenerId"])), {"model": MODEL})).status == 403
    # A model that was hidden later does not stand in the way of another change.
    await at.stage.app.hidden_models.replace(at.person.id, ["other/m"])
    assert (await at.call("PUT", listener(str(found["listenerId"])), {"prompt": "x"})).status == 200


async def test_a_folder_outside_the_roots_is_400_and_one_outside_the_mode_422(at: Desk) -> None:
    assert (await at.listen(cwd="/etc")).body == {"error": "Runner cannot access cwd: /etc"}
    assert (await at.listen("godmother:moved")).status == 422
    assert (await at.listen("godmother:moved", cwd="/work")).status == 422
    found = await made(at, "godmother:moved", cwd="/work/docs/x")
    path = listener(str(found["listenerId"]))
    assert (await at.call("PUT", path, {"cwd": "/etc"})).status == 400
    assert (await at.call("PUT", path, {"cwd": "/work"})).status == 422
    assert (await at.call("PUT", path, {"prompt": "p"})).status == 200
    plain = await made(at, cwd="/work")
    answer = await at.call("PUT", listener(str(plain["listenerId"])), {"triggerType": "godmother:moved"})
    assert answer.status == 422
    assert {one["triggerType"] for one in await listed(at)} == {"godmother:moved", "github:push"}


async def test_a_change_leaves_what_it_does_not_give(at: Desk) -> None:
    found = await made(at, prompt="p", cwd="/work", model=MODEL, params={"a": 1}, autoClose=True)
    path = listener(str(found["listenerId"]))
    await at.daemon.read()

    async def put(body: Json) -> object:
        answer = await at.call("PUT", path, body)
        assert (answer.status, answer.body["listenerId"]) == (200, found["listenerId"])
        return answer.body["listener"]

    assert await put({}) == found
    assert await put({"prompt": None, "cwd": None, "model": None, "params": None, "autoClose": None}) == found
    assert await put({"params": {"b": 2}}) == {**found, "params": {"b": 2}}
    cleared = {key: value for key, value in found.items() if key not in ("prompt", "cwd", "autoClose")}
    assert await put({"prompt": "", "cwd": "", "autoClose": False}) == {**cleared, "params": {"b": 2}}
    deltas = await at.daemon.read()
    assert [delta["action"] for delta in deltas] == ["update"] * 4
    entry = deltas[-1]["subscription"]
    assert isinstance(entry, dict)
    assert entry["params"] == {"b": 2}


async def test_a_changed_type_or_cron_is_a_new_beginning_for_the_runner(at: Desk) -> None:
    found = await made(at, "time:cron", params={"cron": "0 9 * * *"})
    path = listener(str(found["listenerId"]))
    await at.daemon.read()
    assert (await at.call("PUT", path, {"params": {"cron": "1 9 * * *"}})).status == 200
    answer = await at.call("PUT", path, {"triggerType": "time:at", "params": {"at": "9:00 UTC"}})
    assert answer.body["triggerType"] == "time:at"
    told = [(delta["action"], delta["subscription"]) for delta in await at.daemon.read()]
    assert [action for action, _ in told] == ["unsubscribe", "subscribe"] * 2
    types = [entry["triggerType"] for _, entry in told if isinstance(entry, dict)]
    assert types == ["time:cron", "time:cron", "time:cron", "time:at"]


async def test_runners_05_a_target_is_an_id_on_this_runner_or_else_a_type(at: Desk, bob: Person) -> None:
    first, second = await made(at, prompt="1"), await made(at, prompt="2")
    other = await made(at, "any:thing")

    async def hit(target: object, **body: object) -> object:
        return (await at.call("PUT", listener(str(target)), body)).body.get("listenerId")

    assert await hit(first["listenerId"]) == first["listenerId"]
    # The first one is now the one changed last.
    assert await hit("github:push") == first["listenerId"]
    assert await hit("github:push", listenerId=second["listenerId"]) == second["listenerId"]
    assert await hit("github:push") == second["listenerId"]
    assert await hit("github:push", listenerId="nope") == second["listenerId"]
    answer = await at.call("PUT", listener("nope"), {})
    assert (answer.status, answer.body["error"]) == (404, "No trigger listener for 'nope'")
    # Another runner's listener is none of this runner's.
    await at.stage.runner(bob, "r2")
    his = await at.call("POST", "/api/runners/r2/trigger-listeners", {"triggerType": "github:push"}, bob)
    foreign = str(his.body["listenerId"])
    assert (await at.call("PUT", listener(foreign), {})).status == 404
    assert await hit("any:thing", listenerId=foreign) == other["listenerId"]
    assert (await at.call("DELETE", listener(foreign))).body == {"ok": True, "triggerType": foreign, "removed": 0}
    left = await at.call("GET", "/api/runners/r2/trigger-listeners", person=bob)
    assert left.body["listeners"] == [his.body["listener"]]


async def test_deletion_is_by_id_or_by_type_and_each_one_is_told(at: Desk) -> None:
    first, second, third = [await made(at) for _ in range(3)]
    other = await made(at, "any:thing")
    await at.daemon.read()
    answer = await at.call("DELETE", listener(str(second["listenerId"])))
    one = {"ok": True, "listenerId": second["listenerId"], "triggerType": "github:push", "removed": 1}
    assert (answer.status, answer.body) == (200, one)
    answer = await at.call("DELETE", listener("github:push"))
    assert (answer.status, answer.body) == (200, {"ok": True, "triggerType": "github:push", "removed": 2})
    answer = await at.call("DELETE", listener("github:push"))
    assert (answer.status, answer.body) == (200, {"ok": True, "triggerType": "github:push", "removed": 0})
    gone = [delta["subscription"] for delta in await at.daemon.read() if delta["action"] == "unsubscribe"]
    assert [entry["subscriptionId"] for entry in gone if isinstance(entry, dict)] == [
        one["listenerId"] for one in (second, first, third)
    ]
    assert await listed(at) == [other]


async def test_what_could_not_be_stored_is_500_and_nobody_is_told(at: Desk) -> None:
    found = await made(at)
    path = listener(str(found["listenerId"]))
    await at.daemon.read()
    async with broken_table(at.stage.database, "runner_trigger_listener"):
        assert (await at.listen()).status == 500
        assert (await at.call("PUT", path, {"prompt": "x"})).status == 500
        assert (await at.call("DELETE", path)).status == 500
    assert await listed(at) == [found]
    assert await at.daemon.read() == []


async def test_params_too_large_are_400(at: Desk) -> None:
    assert (await at.listen(params={"x": "y" * 300_000})).status == 400


async def test_runners_09_params_filter_for_listeners_and_never_for_subscriptions(at: Desk) -> None:
    found = await made(at, params={"branch": "main", "repoContains": "A/"})
    await at.subscribed(params={"branch": "main"})
    triggers = at.stage.app.triggers
    for payload, heard in (
        ({"branch": "main", "repo": "a/b"}, [found["listenerId"]]),
        ({"branch": "dev", "repo": "a/b"}, []),
        ({"branch": "main"}, []),
    ):
        matching = triggers.listeners.matching(at.person.id, "github:push", payload, runner_id="r1")
        assert [one.listener_id for one in matching] == heard
        assert len(triggers.subscriptions.matching(at.person.id, "github:push", payload, runner_id="r1")) == 1


async def test_schedules_are_listed_with_their_sessions_live_or_not(at: Desk) -> None:
    live = await at.subscribed("time:cron", params={"cron": "0 9 * * *"})
    await at.subscribed("github:push")
    await at.listen("time:at", params={"at": "9:00 UTC"})
    await at.stage.agent(at.person, "s2", sessionName="Old one", cwd="/work/old")
    await at.daemon.host("s2")
    ended = await at.subscribed("time:timer_fired", "s2", params={"duration": "1h"})
    agent = await at.stage.agent(at.person, "s2", cwd="/work/old")
    await agent.end(await at.stage.hub(at.person))
    answer = await at.call("GET", "/api/runners/r1/schedules")
    assert answer.body == {
        "schedules": [
            {
                "subscriptionId": live,
                "sessionId": "s1",
                "runnerId": "r1",
                "triggerType": "time:cron",
                "params": {"cron": "0 9 * * *"},
                "sessionName": None,
                "cwd": "/work",
                "sessionLive": True,
            },
            {
                "subscriptionId": ended,
                "sessionId": "s2",
                "runnerId": "r1",
                "triggerType": "time:timer_fired",
                "params": {"duration": "1h"},
                "sessionName": None,
                "cwd": "/work/old",
                "sessionLive": False,
            },
        ]
    }
    await at.stage.app.storage.write(lambda tx: tx.execute("DELETE FROM relay_session WHERE id = 's2'"))
    schedules = (await at.call("GET", "/api/runners/r1/schedules")).body["schedules"]
    assert isinstance(schedules, list)
    assert [one["cwd"] for one in schedules] == ["/work", None]
