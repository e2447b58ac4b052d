"""Routes: the same rows under the names of client 0.52.0 (rest-runners.md 14.2)."""

from __future__ import annotations

import pytest

from tests.broken import broken_table
from tests.sessions.stage import Runner, Stage
from tests.triggers.desk import Desk, desk, listener, route, subscriptions
from tests.viewers.house import Person
from tests.viewers.wire import Json

CRON: Json = {"cron": "0 9 * * *", "_cwd": "/work/a", "_resumePath": "/work/a.jsonl"}


@pytest.fixture
async def at(stage: Stage, ann: Person) -> Desk:
    return await desk(stage, ann)


async def made(at: Desk, event_type: str = "github:push", **body: object) -> Json:
    answer = await at.routed(event_type, **body)
    assert answer.status == 200, answer.body
    assert answer.body["ok"] is True
    found = answer.body["route"]
    assert isinstance(found, dict)
    return found


async def spawned(at: Desk) -> str:
    """Let the runner start a session that has not registered yet."""
    return await at.stage.started(at.person, Runner(at.daemon.socket, at.daemon.id))


async def test_a_route_is_a_subscription_under_another_name(at: Desk, bob: Person) -> None:
    filters = [{"field": "repo", "value": "A/b", "op": "eq"}]
    found = await made(at, params={"branch": "main"}, filters=filters, filterMode="or", deliverAs="steer")
    route_id = str(found["routeId"])
    assert route_id.startswith("sub:s1:github:push:")
    assert found == {
        "routeId": route_id,
        "eventType": "github:push",
        "target": {"kind": "session", "sessionId": "s1"},
        "deliverAs": "steer",
        "params": {"branch": "main"},
        "filters": filters,
        "filterMode": "or",
        "runnerId": "r1",
        "createdAt": found["createdAt"],
    }
    assert await at.routes() == [found]
    assert await at.routes(bob) == []
    # The seed's view takes case for granted, so it says that case does not count here.
    assert [one["filters"] for one in await at.listed()] == [[{**filters[0], "caseSensitive": False}]]
    seed = await at.subscribed(filters=filters)
    assert [one["filters"] for one in await at.routes() if one["routeId"] == seed] == [
        [{**filters[0], "caseSensitive": True}]
    ]


async def test_case_counts_in_a_route_only_when_its_filter_says_so(at: Desk) -> None:
    filters = [
        {"field": "repo", "value": ["A"], "op": "contains", "caseSensitive": True},
        {"field": "repo", "value": "A", "op": "eq", "caseSensitive": False},
    ]
    found = await made(at, filters=filters)
    assert found["filters"] == [filters[0], {"field": "repo", "value": "A", "op": "eq"}]
    match = at.stage.app.triggers.subscriptions.matching
    assert len(match(at.person.id, "github:push", {"repo": "xAx"})) == 0
    assert len(match(at.person.id, "github:push", {"repo": "a"})) == 0
    assert (await at.call("PUT", route(str(found["routeId"])), {"filterMode": "or"})).status == 200
    assert len(match(at.person.id, "github:push", {"repo": "xAx"})) == 1
    assert len(match(at.person.id, "github:push", {"repo": "a"})) == 1
    assert len(match(at.person.id, "github:push", {"repo": "xax"})) == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"eventType": ""}, 400),
        ({"eventType": None}, 400),
        ({"eventType": "github:pull"}, 422),
        ({"eventType": "godmother:moved"}, 422),
        ({"eventType": "time:cron"}, 400),
        ({"target": None}, 400),
        ({"target": "s1"}, 400),
        ({"target": {"kind": "runner", "sessionId": "s1"}}, 400),
        ({"target": {"sessionId": "s1"}}, 400),
        ({"target": {"kind": "session"}}, 400),
        ({"target": {"kind": "session", "sessionId": 5}}, 400),
        ({"target": {"kind": "session", "sessionId": "nobody"}}, 404),
        ({"target": {"kind": "session", "sessionId": "his"}}, 404),
        ({"deliverAs": "later"}, 400),
        ({"params": {"force": 5}}, 400),
        ({"filters": [5]}, 400),
    ],
)
async def test_what_cannot_be_routed_is_refused_as_a_subscription_would_be(
    at: Desk, bob: Person, change: Json, status: int
) -> None:
    await at.stage.agent(bob, "his")
    assert (await at.routed(**change)).status == status
    assert await at.routes() == []
    assert await at.daemon.read() == []


async def test_a_catalogue_that_is_not_known_yet_is_503(stage: Stage, ann: Person) -> None:
    at = await desk(stage, ann, catalogue=None)
    assert (await at.routed()).status == 503


async def test_a_change_merges(at: Desk) -> None:
    found = await made(
        at, params={"branch": "main", "_cwd": "/a"}, filters=[{"field": "repo", "value": 1}], filterMode="or"
    )
    path = route(str(found["routeId"]))
    await at.daemon.read()

    async def put(body: Json) -> Json:
        answer = await at.call("PUT", path, body)
        assert (answer.status, answer.body["ok"]) == (200, True)
        changed = answer.body["route"]
        assert isinstance(changed, dict)
        return changed

    assert await put({}) == found
    assert await put({"params": None, "filters": None, "filterMode": None, "target": None}) == found
    assert await put({"filterMode": "and"}) == {**found, "filterMode": "and"}
    assert await put({"deliverAs": "steer", "filterMode": "or"}) == {**found, "deliverAs": "steer"}
    changed = await put({"params": {"depth": "3"}, "deliverAs": "followUp"})
    assert changed == {**found, "params": {"_cwd": "/a", "depth": 3}}
    changed = await put({"params": {"_cwd": None}, "filters": []})
    assert "params" not in changed
    assert "filters" not in changed
    assert (await at.call("PUT", path, {"params": {"depth": "x"}})).status == 400
    assert (await at.call("PUT", path, {"filters": [5]})).status == 400
    assert [delta["action"] for delta in await at.daemon.read()] == ["update"] * 6


async def test_a_schedule_keeps_what_its_replacement_needs(at: Desk) -> None:
    found = await made(at, "time:cron", params=CRON)
    path = route(str(found["routeId"]))
    await at.daemon.read()
    answer = await at.call("PUT", path, {"params": {"cron": "5 9 * * *", "_cwd": "/work/b"}})
    changed = answer.body["route"]
    assert isinstance(changed, dict)
    assert changed["params"] == {"cron": "5 9 * * *", "_cwd": "/work/b", "_resumePath": "/work/a.jsonl"}
    assert [delta["action"] for delta in await at.daemon.read()] == ["unsubscribe", "subscribe"]
    assert (await at.call("PUT", path, {"params": {"_cwd": "/work/c"}})).status == 400


async def test_a_cron_is_owned_anew_by_a_session_that_was_only_just_spawned(at: Desk, bob: Person) -> None:
    found = await made(at, "time:cron", params=CRON)
    viewer = await at.viewer()
    session_id = await spawned(at)
    await at.daemon.read()
    target = {"kind": "session", "sessionId": session_id}
    answer = await at.call("PUT", route(str(found["routeId"])), {"target": target})
    assert answer.body == {"ok": True, "route": {**found, "target": target}}
    assert await at.daemon.read() == [
        {
            "action": "update",
            "subscription": {
                "subscriptionId": found["routeId"],
                "sessionId": session_id,
                "triggerType": "time:cron",
                "runnerId": "r1",
                "params": CRON,
            },
        }
    ]
    assert await at.listed() == []
    assert [one["subscriptionId"] for one in await at.listed(session_id)] == [found["routeId"]]
    assert (await viewer.take("trigger_subscriptions_changed"))["action"] == "unsubscribe"
    # A repeat is told again: the daemon has dropped its copy before it asks.
    assert (await at.call("PUT", route(str(found["routeId"])), {"target": target})).status == 200
    assert [delta["action"] for delta in await at.daemon.read()] == ["update"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ({"kind": "session", "sessionId": "nobody"}, 404),
        ({"kind": "session", "sessionId": "his"}, 404),
        ({"kind": "session", "sessionId": "\ud800"}, 404),
        ({"kind": "listener", "sessionId": "s1"}, 400),
        ({"kind": "session", "sessionId": ""}, 400),
        ([], 400),
    ],
)
async def test_a_route_moves_to_the_callers_sessions_alone(at: Desk, bob: Person, target: object, status: int) -> None:
    await at.stage.agent(bob, "his")
    found = await made(at)
    assert (await at.call("PUT", route(str(found["routeId"])), {"target": target})).status == status
    assert await at.routes() == [found]


async def test_a_route_may_be_made_for_a_session_that_was_only_just_spawned(at: Desk) -> None:
    session_id = await spawned(at)
    answer = await at.routed("time:timer_fired", session_id, params={"duration": "4s"})
    assert answer.status == 200
    agent = await at.stage.agent(at.person, session_id)
    assert agent.session_id == session_id
    assert [one["triggerType"] for one in await at.listed(session_id)] == ["time:timer_fired"]


async def test_foreign_and_unknown_ids_are_404_and_a_listeners_id_can_be_deleted(at: Desk, bob: Person) -> None:
    found = await made(at)
    listener_id = str((await at.listen("time:at", cwd="/work")).body["listenerId"])
    await at.daemon.read()
    assert [one["routeId"] for one in await at.routes()] == [found["routeId"]]
    for person, route_id in ((bob, str(found["routeId"])), (bob, listener_id), (at.person, "sub:nope")):
        for method in ("PUT", "DELETE"):
            answer = await at.call(method, route(route_id), {}, person)
            assert (answer.status, answer.body) == (404, {"error": "Route not found"})
    assert (await at.call("PUT", route(listener_id), {})).status == 404
    for route_id in (str(found["routeId"]), listener_id):
        answer = await at.call("DELETE", route(route_id))
        assert (answer.status, answer.body) == (200, {"ok": True})
        assert (await at.call("DELETE", route(route_id))).status == 404
    removed = [(delta["action"], delta["subscription"]) for delta in await at.daemon.read()]
    assert [action for action, _ in removed] == ["unsubscribe", "unsubscribe"]
    assert at.daemon.books.entries == {}
    assert (await at.call("DELETE", listener(listener_id))).body["removed"] == 0


async def test_what_could_not_be_stored_is_told_and_changes_nothing(at: Desk) -> None:
    found = await made(at)
    await at.daemon.read()
    async with broken_table(at.stage.database, "trigger_subscription"):
        assert (await at.routed()).status == 503
        assert (await at.call("PUT", route(str(found["routeId"])), {"filterMode": "or"})).status == 503
        assert (await at.call("DELETE", route(str(found["routeId"])))).status == 503
    assert await at.routes() == [found]
    assert await at.daemon.read() == []


async def test_both_faces_change_the_same_row(at: Desk) -> None:
    found = await made(at, params={"branch": "main"})
    path = subscriptions("s1", str(found["routeId"]))
    assert (await at.call("PUT", path, {"filterMode": "or"})).status == 200
    (changed,) = await at.routes()
    assert {**changed, "params": {"branch": "main"}, "filterMode": "and"} == found
    assert "params" not in changed
    assert (await at.call("DELETE", path)).status == 200
    assert await at.routes() == []
