"""The seed's calls about subscriptions: every status, the coercions, the deltas (rest-runners.md 8.4 to 8.6, 8.9)."""

from __future__ import annotations

import re

import aiohttp
import pytest

from tests.broken import broken_table
from tests.sessions.stage import Runner, Stage
from tests.triggers.desk import CATALOGUE, PUSH, SCOPED, Desk, desk, subscriptions
from tests.viewers.house import Person
from tests.viewers.wire import Json


@pytest.fixture
async def at(stage: Stage, ann: Person) -> Desk:
    return await desk(stage, ann)


async def test_a_subscription_is_answered_listed_and_told_to_runner_and_viewers(at: Desk) -> None:
    viewer = await at.viewer()
    filters = [{"field": "repo", "value": "a/b", "op": "eq"}]
    answer = await at.subscribe(params={"branch": "main"}, filters=filters, filterMode="or")
    subscription_id = str(answer.body["subscriptionId"])
    assert re.fullmatch(r"sub:s1:github:push:[0-9]{13}:[0-9a-z]{8}", subscription_id)
    stored = {
        "subscriptionId": subscription_id,
        "triggerType": "github:push",
        "runnerId": "r1",
        "params": {"branch": "main"},
        "filters": filters,
        "filterMode": "or",
    }
    assert (answer.status, answer.body) == (200, {"ok": True, **stored})
    assert await at.listed() == [stored]
    assert await at.daemon.read() == [{"action": "subscribe", "subscription": {**stored, "sessionId": "s1"}}]
    assert await viewer.take("trigger_subscriptions_changed") == {"triggerType": "github:push", "action": "subscribe"}


async def test_what_was_not_said_is_left_out_and_nothing_is_deduplicated(at: Desk) -> None:
    first, second = await at.subscribed(), await at.subscribed(" github:push ", params={}, filters=[], filterMode="no")
    assert first != second
    plain = [{"subscriptionId": one, "triggerType": "github:push", "runnerId": "r1"} for one in (first, second)]
    assert await at.listed() == plain
    deltas = await at.daemon.read()
    assert [delta["subscription"] for delta in deltas] == [{**one, "sessionId": "s1"} for one in plain]


# The table of 8.6, in the order of its checks


async def test_row_1_only_the_callers_live_or_just_spawned_session_is_found(at: Desk, bob: Person) -> None:
    for person, session_id in (
        (at.person, "nobody"),
        (bob, "s1"),
        (at.person, "runner-listener:x"),
        (at.person, "%00"),
    ):
        answer = await at.call("POST", f"/api/sessions/{session_id}/trigger-subscriptions", {"triggerType": 5}, person)
        assert (answer.status, answer.body) == (404, {"error": "Session not found"})
    assert (await at.stage.ask("POST", subscriptions("s1"), None, {})).status == 401


async def test_row_1_a_session_spawned_here_may_subscribe_before_it_registers(at: Desk, bob: Person) -> None:
    task, order = await at.stage.spawn(at.person, Runner(at.daemon.socket, at.daemon.id))
    session_id = str(order["sessionId"])
    await at.daemon.socket.emit("session_ready", {"sessionId": session_id})
    assert (await task).status == 200
    cron = {"cron": "0 9 * * *"}
    subscription_id = await at.subscribed("time:cron", session_id, params=cron)
    foreign = await at.call("POST", subscriptions(session_id), {"triggerType": "time:cron", "params": cron}, bob)
    assert foreign.status == 404
    (delta,) = await at.daemon.read()
    entry = delta["subscription"]
    assert isinstance(entry, dict)
    assert (entry["subscriptionId"], entry["sessionId"], entry["runnerId"]) == (subscription_id, session_id, "r1")


async def test_row_2_the_body_is_json_with_a_type(at: Desk) -> None:
    for body in ({}, {"triggerType": ""}, {"triggerType": "  "}, {"triggerType": 5}, {"triggerType": None}):
        answer = await at.call("POST", subscriptions("s1"), body)
        assert (answer.status, answer.body) == (400, {"error": "Missing triggerType"})
    headers = {"x-api-key": at.person.key, "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as client:
        for text in ("{", "null", "[]", '"x"'):
            for path, status in ((subscriptions("s1"), 400), (subscriptions("nobody"), 404)):
                async with client.post(at.stage.url + path, data=text, headers=headers) as response:
                    assert response.status == status
                async with client.put(f"{at.stage.url}{path}/x", data=text, headers=headers) as response:
                    assert response.status == status


async def test_row_3_a_session_without_a_runner_is_422(at: Desk) -> None:
    await at.stage.agent(at.person, "alone")
    answer = await at.subscribe(session_id="alone")
    assert (answer.status, answer.body) == (422, {"error": "Session has no associated runner"})
    assert (await at.routed("github:push", "alone")).status == 422
    assert (await at.call("GET", "/api/sessions/alone/available-triggers")).body == {"triggerDefs": []}


async def test_row_4_a_catalogue_that_is_not_known_yet_is_503(stage: Stage, ann: Person) -> None:
    at = await desk(stage, ann, catalogue=None)
    assert (await at.subscribe()).status == 503
    await at.daemon.announce({"serviceIds": [], "triggerDefs": [PUSH]})
    assert (await at.subscribe()).status == 503
    await at.daemon.announce({"disabledServiceIds": ["github"], "serviceIds": [], "triggerDefs": [PUSH, SCOPED]})
    assert (await at.subscribe()).status == 200
    await at.daemon.leave()
    answer = await at.subscribe()
    assert answer.status == 503
    assert "retry" in str(answer.body["error"])


async def test_row_5_a_type_that_the_runner_does_not_offer_is_422(at: Desk) -> None:
    answer = await at.subscribe("github:pull")
    assert (answer.status, answer.body["error"]) == (
        422,
        "Trigger type 'github:pull' is not available on this runner",
    )


async def test_row_6_a_type_for_other_modes_is_422(at: Desk) -> None:
    answer = await at.subscribe("godmother:moved")
    assert (answer.status, answer.body["error"]) == (
        422,
        "Trigger type 'godmother:moved' is scoped to modes [docs]",
    )
    at.stage.session("s1").cwd = "/work/docs/inner"
    assert (await at.subscribe("godmother:moved")).status == 200


@pytest.mark.parametrize(
    ("trigger_type", "params"),
    [
        ("time:cron", {}),
        ("time:cron", {"cron": 5}),
        ("time:cron", {"cron": "0 9 * *"}),
        ("time:cron", {"cron": "0 9 * * * *"}),
        ("time:cron", {"cron": "0 9 * * MON"}),
        ("time:at", {"at": "14:30"}),
        ("time:at", {"at": "2026-01-31"}),
        ("time:at", {"at": "2026-01-31T14:30"}),
        ("time:at", {"at": "tomorrow"}),
        ("time:timer_fired", {}),
        ("time:timer_fired", {"duration": 5}),
    ],
)
async def test_row_7_a_schedule_that_could_not_fire_is_400(at: Desk, trigger_type: str, params: Json) -> None:
    answer = await at.subscribe(trigger_type, params=params)
    assert answer.status == 400
    assert str(answer.body["error"]).startswith(trigger_type)
    assert await at.listed() == []


@pytest.mark.parametrize(
    ("trigger_type", "params"),
    [
        ("time:cron", {"cron": " */5  0,12 1-7 ? * "}),
        ("time:at", {"at": "9:05 utc"}),
        ("time:at", {"at": "14:30UTC"}),
        ("time:at", {"at": "2026-01-31T14:30Z"}),
        ("time:at", {"at": "2026-01-31T14:30:01.123+02:00"}),
        ("time:timer_fired", {"duration": "10m"}),
        ("time:timer_fired", None),
    ],
)
async def test_row_7_a_schedule_that_can_fire_is_stored_as_it_was_sent(
    at: Desk, trigger_type: str, params: Json | None
) -> None:
    await at.subscribed(trigger_type, params=params)
    assert [one.get("params") for one in await at.listed()] == [params]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"branch": 5, "other": {"a": [None]}}, {"branch": "5", "other": {"a": [None]}}),
        ({"branch": 1.0}, {"branch": "1"}),
        ({"branch": True}, {"branch": "true"}),
        ({"branch": ["a", None, 1]}, {"branch": "a,,1"}),
        ({"branch": {"a": 1}}, {"branch": "[object Object]"}),
        ({"branch": None, "gone": None, "kept": [None]}, {"kept": [None]}),
        ({"depth": " 0x10 "}, {"depth": 16}),
        ({"depth": ""}, {"depth": 0}),
        ({"depth": True}, {"depth": 1}),
        ({"depth": ["2.5"]}, {"depth": 2.5}),
        ({"force": "true"}, {"force": True}),
        ({"force": False}, {"force": False}),
        ({"level": 3}, {"level": "3"}),
        ({"level": "high"}, {"level": "high"}),
        ({"kinds": "2"}, {"kinds": [2]}),
        ({"kinds": [1, "3", "x", None]}, None),
        ({"kinds": [1, "3", "x"]}, {"kinds": [1, 3]}),
        ({"kinds": ["x"]}, None),
        ({"flags": ["true", "no", 1]}, {"flags": [True]}),
        ({"extra": {"deep": [1, {"a": None}]}}, {"extra": {"deep": [1, {"a": None}]}}),
        ({"extra": False}, {"extra": False}),
        ([1, 2], None),
        ("text", None),
    ],
)
async def test_row_8_params_are_coerced_as_in_javascript(at: Desk, sent: object, stored: Json | None) -> None:
    answer = await at.subscribe(params=sent)
    if sent == {"kinds": [1, "3", "x", None]}:
        # `Number(null)` is 0, which is no member.
        assert (answer.status, "0" in str(answer.body["error"])) == (400, True)
        return
    assert (answer.status, answer.body.get("params")) == (200, stored)
    assert (await at.listed())[0].get("params") == stored


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"depth": "many"}, ["depth"]),
        ({"depth": {}}, ["depth"]),
        ({"depth": "1e999"}, ["depth"]),
        ({"depth": 10**400}, ["depth"]),
        ({"depth": "-" + "9" * 400}, ["depth"]),
        ({"force": 1}, ["force"]),
        ({"force": "yes"}, ["force"]),
        ({"level": "middle"}, ["level", "low, high, 3"]),
        ({"kinds": [1, 9]}, ["kinds", "9"]),
        ({"flags": [False]}, ["flags", "false"]),
        ({"depth": "many", "force": 1}, ["depth", "; ", "force"]),
    ],
)
async def test_row_8_params_that_do_not_fit_are_400_with_every_reason(at: Desk, sent: Json, words: list[str]) -> None:
    answer = await at.subscribe(params=sent)
    assert answer.status == 400
    assert [word for word in words if word not in str(answer.body["error"])] == []


async def test_row_8_required_params_are_asked_for(at: Desk) -> None:
    missing = "Missing required param 'must'; Missing required param 'some'"
    absent: tuple[object, ...] = (None, {}, [], {"must": None, "some": []})
    for params in absent:
        answer = await at.subscribe("github:needy", params=params)
        assert (answer.status, answer.body) == (400, {"error": missing})
    assert (await at.subscribe("github:needy", params={"must": "", "some": "a"})).body["params"] == {
        "must": "",
        "some": ["a"],
    }


async def test_row_8_params_too_deep_or_too_large_are_400(at: Desk) -> None:
    nested: object = 1
    for _ in range(200):
        nested = [nested]
    for params in ({"extra": nested}, {"x": "y" * 300_000}):
        assert (await at.subscribe(params=params)).status == 400
    assert await at.listed() == []


async def test_row_9_filters_that_do_not_fit_are_400_with_every_reason(at: Desk) -> None:
    filters: list[object] = [5, {}, {"field": ""}, {"field": "repo"}, {"field": "repo", "value": None}]
    filters += [{"field": "nope", "value": 1}, {"field": "nope.repo", "value": 1}]
    answer = await at.subscribe(filters=filters)
    assert answer.status == 400
    assert len(str(answer.body["error"]).split("; ")) == len(filters)


async def test_row_9_filters_are_read_leniently(at: Desk) -> None:
    answer = await at.subscribe(
        filters=[
            {"field": "repo", "value": [1, "a", None, {}, True]},
            {"field": "commit.author", "value": {"a": 1}, "op": "equals"},
            {"field": "count", "value": 0, "op": "contains", "caseSensitive": "no"},
            {"field": "count", "value": "x", "caseSensitive": False},
            {"field": "count", "value": "x", "op": "contains", "caseSensitive": True},
        ],
        filterMode="xor",
    )
    assert answer.body["filters"] == [
        {"field": "repo", "value": [1, "a", True], "op": "eq"},
        {"field": "commit.author", "value": "[object Object]", "op": "eq"},
        {"field": "count", "value": 0, "op": "contains"},
        {"field": "count", "value": "x", "op": "eq", "caseSensitive": False},
        {"field": "count", "value": "x", "op": "contains", "caseSensitive": True},
    ]
    assert "filterMode" not in answer.body
    none: tuple[object, ...] = ("repo", {}, [], 5)
    for filters in none:
        assert "filters" not in (await at.subscribe(filters=filters)).body


async def test_row_10_what_could_not_be_stored_is_503_and_nobody_is_told(at: Desk) -> None:
    viewer = await at.viewer()
    kept = await at.subscribed()
    await viewer.take("trigger_subscriptions_changed")
    await at.daemon.read()
    async with broken_table(at.stage.database, "trigger_subscription"):
        assert (await at.subscribe()).status == 503
        assert (await at.call("PUT", subscriptions("s1", kept), {})).status == 503
        assert (await at.call("DELETE", subscriptions("s1", kept))).status == 503
    assert await at.daemon.read() == []
    assert [one["subscriptionId"] for one in await at.listed()] == [kept]
    await viewer.wire.settled()
    assert "trigger_subscriptions_changed" not in viewer.unread()


# Update


async def test_runners_08_an_update_replaces_and_what_it_lacks_is_erased(at: Desk) -> None:
    first = await at.subscribed(params={"branch": "a"}, filters=[{"field": "repo", "value": 1}], filterMode="or")
    second = await at.subscribed(params={"branch": "b"})
    viewer = await at.viewer()
    await at.daemon.read()
    answer = await at.call("PUT", subscriptions("s1", second), {"params": {"depth": "7"}, "filterMode": "and"})
    stored = {"subscriptionId": second, "triggerType": "github:push", "runnerId": "r1", "params": {"depth": 7}}
    assert answer.body == {"ok": True, **stored, "filterMode": "and"}
    assert (await at.call("PUT", subscriptions("s1", first), {})).status == 200
    plain = {"subscriptionId": first, "triggerType": "github:push", "runnerId": "r1"}
    assert await at.listed() == [plain, stored]
    assert await at.daemon.read() == [
        {"action": "update", "subscription": {**stored, "sessionId": "s1"}},
        {"action": "update", "subscription": {**plain, "sessionId": "s1"}},
    ]
    assert await viewer.take("trigger_subscriptions_changed") == {"triggerType": "github:push", "action": "update"}


async def test_an_update_finds_its_target_by_query_body_id_or_type(at: Desk) -> None:
    first, second = await at.subscribed(), await at.subscribed()
    other = await at.subscribed("github:needy", params={"must": "x", "some": "a"})

    async def hit(path: str, body: Json) -> object:
        return (await at.call("PUT", path, body)).body.get("subscriptionId")

    by_type, anything = subscriptions("s1", "github:push"), subscriptions("s1", "_")
    assert await hit(by_type, {}) == first
    assert await hit(f"/api/sessions/s1/trigger-subscriptions/{second}", {}) == second
    assert await hit(f"{by_type}?subscriptionId={second}", {}) == second
    assert await hit(f"{anything}?subscriptionId=%20{second}", {"subscriptionId": first}) == second
    assert await hit(by_type, {"subscriptionId": second}) == second
    assert await hit(f"{by_type}?subscriptionId=%20", {"subscriptionId": ""}) == first
    assert await hit(anything, {"subscriptionId": other, "params": {"must": "y", "some": "b"}}) == other
    for path, body in (
        (anything, {}),
        (f"{by_type}?subscriptionId=nope", {}),
        (by_type, {"subscriptionId": "nope"}),
        (subscriptions("s1", "time:cron"), {"params": {"cron": "nonsense"}}),
    ):
        answer = await at.call("PUT", path, body)
        assert answer.status == 404
        assert "not subscribed" in str(answer.body["error"])


async def test_an_update_is_validated_against_the_real_type(at: Desk) -> None:
    needy = await at.subscribed("github:needy", params={"must": "x", "some": "a"})
    cron = await at.subscribed("time:cron", params={"cron": "0 9 * * *"})
    undeclared = {"must": "y", "some": "b", "n": 1, "list": ["a", 1], "object": {}, "objects": [{}], "nothing": None}
    for path in (subscriptions("s1", needy), subscriptions("s1", "_") + f"?subscriptionId={needy}"):
        answer = await at.call("PUT", path, {"params": undeclared})
        assert answer.body["params"] == {"must": "y", "some": ["b"], "n": 1, "list": ["a", 1]}
    assert (await at.call("PUT", subscriptions("s1", needy), {"params": {}})).status == 400
    assert (await at.call("PUT", subscriptions("s1", needy), {"params": {"must": "y", "some": "z"}})).status == 400
    assert (await at.call("PUT", subscriptions("s1", cron), {"params": {"cron": "no"}})).status == 400
    assert (await at.call("PUT", subscriptions("s1", needy), {"filters": [{"field": 5}]})).status == 400
    # Without params nothing is required, and they are gone.
    assert "params" not in (await at.call("PUT", subscriptions("s1", needy), {})).body


async def test_an_update_works_while_session_and_runner_are_away(at: Desk, bob: Person) -> None:
    subscription_id = await at.subscribed("time:cron", params={"cron": "0 9 * * *"})
    await at.daemon.leave()
    await at.agent.leave(await at.stage.hub(at.person))
    path = subscriptions("s1", subscription_id)
    answer = await at.call("PUT", path, {"params": {"cron": "1 9 * * *", "object": {}}})
    assert (answer.status, answer.body["params"]) == (200, {"cron": "1 9 * * *"})
    assert (await at.call("PUT", path, {}, bob)).body == {"error": "Session not found"}
    await at.daemon.connect()
    await at.daemon.read()
    assert at.daemon.books.entries[subscription_id]["params"] == {"cron": "1 9 * * *"}


async def test_a_changed_cron_is_armed_anew(at: Desk) -> None:
    subscription_id = await at.subscribed("time:cron", params={"cron": "0 9 * * *"})
    before = {"subscriptionId": subscription_id, "sessionId": "s1", "triggerType": "time:cron", "runnerId": "r1"}
    await at.daemon.read()
    await at.call("PUT", subscriptions("s1", subscription_id), {"params": {"cron": "0 9 * * *", "x": 1}})
    assert [delta["action"] for delta in await at.daemon.read()] == ["update"]
    await at.call("PUT", subscriptions("s1", subscription_id), {"params": {"cron": "5 9 * * *"}})
    assert await at.daemon.read() == [
        {"action": "unsubscribe", "subscription": before},
        {"action": "subscribe", "subscription": {**before, "params": {"cron": "5 9 * * *"}}},
    ]


# Delete


async def test_runners_07_each_removed_subscription_is_told_by_its_real_id(at: Desk) -> None:
    ids = [await at.subscribed(params={"branch": name}) for name in "abc"]
    other = await at.subscribed("time:timer_fired", params={"duration": "1h"})
    viewer = await at.viewer()
    await at.daemon.read()
    answer = await at.call("DELETE", subscriptions("s1", ids[1]))
    one = {"ok": True, "subscriptionId": ids[1], "triggerType": "github:push", "removed": 1}
    assert (answer.status, answer.body) == (200, one)
    answer = await at.call("DELETE", subscriptions("s1", "github:push"))
    assert (answer.status, answer.body) == (200, {"ok": True, "triggerType": "github:push", "removed": 2})
    assert await at.daemon.read() == [
        {
            "action": "unsubscribe",
            "subscription": {
                "subscriptionId": gone,
                "sessionId": "s1",
                "triggerType": "github:push",
                "runnerId": "r1",
            },
        }
        for gone in (ids[1], ids[0], ids[2])
    ]
    assert [one["subscriptionId"] for one in await at.listed()] == [other]
    told = await viewer.take("trigger_subscriptions_changed")
    assert told == {"triggerType": "github:push", "action": "unsubscribe"}


async def test_a_deletion_by_query_takes_that_one_and_reports_its_real_type(at: Desk, bob: Person) -> None:
    first, second = await at.subscribed(), await at.subscribed()
    path = subscriptions("s1", "anything/at%20all")
    assert (await at.call("DELETE", f"{path}?subscriptionId={first}", person=bob)).status == 404
    answer = await at.call("DELETE", f"{path}?subscriptionId={first}")
    assert answer.body == {"ok": True, "subscriptionId": first, "triggerType": "github:push", "removed": 1}
    for again in (f"{path}?subscriptionId={first}", subscriptions("s1", first), subscriptions("s1", "time:cron")):
        answer = await at.call("DELETE", again)
        assert (answer.status, answer.body) == (404, {"error": "Subscription not found"})
    assert [one["subscriptionId"] for one in await at.listed()] == [second]


async def test_runners_05_a_listener_is_retired_as_the_session_that_its_runner_takes_it_for(
    at: Desk, bob: Person
) -> None:
    made = await at.listen("time:at")
    listener_id = str(made.body["listenerId"])
    await at.daemon.read()
    pseudo = f"runner-listener:{listener_id}"
    path = subscriptions(pseudo, listener_id)
    assert (await at.call("DELETE", path, person=bob)).status == 404
    answer = await at.call("DELETE", path)
    assert (answer.status, answer.body) == (200, {"ok": True, "removed": 1})
    (delta,) = await at.daemon.read()
    assert delta == {
        "action": "unsubscribe",
        "subscription": {
            "subscriptionId": listener_id,
            "sessionId": pseudo,
            "triggerType": "time:at",
            "runnerId": "r1",
        },
    }
    assert (await at.call("DELETE", path)).body == {"ok": True, "removed": 0}
    for unknown in ("listener", "listener:nobody:x", "", "sub:s1"):
        assert (await at.call("DELETE", subscriptions(f"runner-listener:{unknown}", "x"))).status == 404
    await at.daemon.leave()
    assert (await at.call("DELETE", path)).body == {"ok": True, "removed": 0}
    for method, target in (("GET", None), ("PUT", "x")):
        assert (await at.call(method, subscriptions(pseudo, target), {})).status == 404


# What can be subscribed to


async def test_available_triggers_are_those_of_the_mode_and_sigils_are_all(at: Desk, bob: Person) -> None:
    async def types() -> list[object]:
        answer = await at.call("GET", "/api/sessions/s1/available-triggers")
        found = answer.body["triggerDefs"]
        assert isinstance(found, list)
        return [one["type"] for one in found]

    every = ["github:push", "github:needy", "godmother:moved", "time:cron", "time:at", "time:timer_fired"]
    assert await types() == [name for name in every if name != "godmother:moved"]
    at.stage.session("s1").cwd = "/work/docs"
    assert await types() == every
    sigils = await at.call("GET", "/api/sessions/s1/available-sigils")
    assert sigils.body == {"sigilDefs": CATALOGUE["sigilDefs"]}
    for name in ("available-triggers", "available-sigils"):
        assert (await at.call("GET", f"/api/sessions/s1/{name}", person=bob)).status == 404
        assert (await at.call("GET", f"/api/sessions/nobody/{name}")).status == 404
    await at.daemon.leave()
    assert await types() == []
    assert (await at.call("GET", "/api/sessions/s1/available-sigils")).body == {"sigilDefs": []}


async def test_the_list_of_an_ended_session_is_its_owners(at: Desk, bob: Person) -> None:
    subscription_id = await at.subscribed("time:cron", params={"cron": "0 9 * * *"})
    await at.agent.end(await at.stage.hub(at.person))
    assert [one["subscriptionId"] for one in await at.listed()] == [subscription_id]
    assert (await at.call("GET", subscriptions("s1"), person=bob)).status == 404
    assert (await at.call("GET", subscriptions("nobody"))).status == 404
    # Even when the session's own row is gone, what is left of it has an owner.
    await at.stage.app.storage.write(lambda tx: tx.execute("DELETE FROM relay_session WHERE id = 's1'"))
    assert [one["subscriptionId"] for one in await at.listed()] == [subscription_id]
    assert (await at.call("GET", subscriptions("s1"), person=bob)).status == 404
    assert (await at.call("DELETE", subscriptions("s1", subscription_id))).status == 200
    assert (await at.call("GET", subscriptions("s1"))).status == 404
