"""Every row of rest-account.md 8.2, with the API reference's own examples."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from relay.clock import Clock
from relay.config import PushSettings
from relay.push.limits import PushLimits
from tests.push.device import Browser, Json, PushService, unb64
from tests.push.office import Office
from tests.viewers.house import Person

ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"
KEYS = {"p256dh": "base64-encoded-key", "auth": "base64-encoded-auth"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIELDS = "Missing required fields: endpoint, keys.p256dh, keys.auth"
GUARD = "Invalid push endpoint: must be an https:// URL not targeting private/loopback addresses"


async def test_the_public_key_is_for_everybody_and_stays_the_same(office: Office) -> None:
    key = await office.public_key()
    assert len(key) == 87
    assert unb64(key)[0] == 4
    assert key == await office.public_key()


async def test_the_examples_of_the_api_reference(office: Office, ann: Person) -> None:
    subscribed = await office.ask(
        "POST", "/api/push/subscribe", ann, {"endpoint": ENDPOINT, "keys": KEYS, "enabledEvents": "question,error"}
    )
    assert subscribed.status == 200
    assert set(subscribed.body) == {"ok", "id"}
    assert subscribed.body["ok"] is True
    assert UUID.fullmatch(str(subscribed.body["id"]))
    [listed] = await office.subscriptions(ann)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(listed.pop("createdAt")))
    assert listed == {
        "id": subscribed.body["id"],
        "endpoint": ENDPOINT,
        "enabledEvents": "question,error",
        "suppressChildNotifications": False,
    }
    body = {"endpoint": ENDPOINT, "enabledEvents": "question,error,completion"}
    assert (await office.ask("PUT", "/api/push/events", ann, body)).body == {"ok": True}
    body2 = {"endpoint": ENDPOINT, "suppress": True}
    assert (await office.ask("PUT", "/api/push/child-notifications", ann, body2)).body == {"ok": True}
    [listed] = await office.subscriptions(ann)
    assert (listed["enabledEvents"], listed["suppressChildNotifications"]) == ("question,error,completion", True)
    gone = await office.ask("POST", "/api/push/unsubscribe", ann, {"endpoint": ENDPOINT})
    assert (gone.status, gone.body) == (200, {"ok": True})
    assert await office.subscriptions(ann) == []


@pytest.mark.parametrize("chosen", ["*", "", " agent_error , question", "nonsense,*", "agent_finished"])
async def test_the_choice_of_events_is_echoed_word_for_word(office: Office, ann: Person, chosen: str) -> None:
    assert (await office.subscribe(ann, Browser(), ENDPOINT, enabledEvents=chosen)).status == 200
    [listed] = await office.subscriptions(ann)
    assert listed["enabledEvents"] == chosen


@pytest.mark.parametrize("more", [{}, {"enabledEvents": None}])
async def test_without_a_choice_every_event_is_wanted(office: Office, ann: Person, more: Json) -> None:
    await office.subscribe(ann, Browser(), ENDPOINT, **more)
    [listed] = await office.subscriptions(ann)
    assert listed["enabledEvents"] == "*"


BAD: list[tuple[str, str, object, int, str]] = [
    *(
        ("POST", "subscribe", body, 400, FIELDS)
        for body in (
            {},
            {"endpoint": ENDPOINT},
            {"endpoint": ENDPOINT, "keys": {"auth": "x"}},
            {"endpoint": ENDPOINT, "keys": {"p256dh": "x"}},
            {"endpoint": ENDPOINT, "keys": {"p256dh": "x", "auth": ""}},
            {"endpoint": ENDPOINT, "keys": {"p256dh": 5, "auth": "x"}},
            {"endpoint": ENDPOINT, "keys": ["p256dh", "auth"]},
            {"endpoint": ENDPOINT, "keys": None},
            {"endpoint": "", "keys": KEYS},
            {"endpoint": {"x": 1}, "keys": KEYS},
            {"endpoint": ENDPOINT, "keys": KEYS, "enabledEvents": 5},
            {"endpoint": ENDPOINT, "keys": KEYS, "enabledEvents": ["*"]},
            {"endpoint": ENDPOINT, "keys": KEYS, "enabledEvents": "\ud800"},
            {"endpoint": ENDPOINT, "keys": KEYS, "enabledEvents": "x" * 5000},
            {"endpoint": ENDPOINT, "keys": {"p256dh": "\udfff", "auth": "x"}},
            {"endpoint": "https://x/\ud800", "keys": KEYS},
        )
    ),
    *(
        ("POST", "subscribe", {"endpoint": endpoint, "keys": KEYS}, 400, GUARD)
        for endpoint in ("ftp://x.example/", "x", "https://a:b@push.example/")
    ),
    *(("POST", "unsubscribe", body, 400, "Missing endpoint") for body in ({}, {"endpoint": ""}, {"endpoint": 5})),
    *(
        ("PUT", "events", body, 400, "Missing endpoint or enabledEvents")
        for body in (
            {},
            {"endpoint": ENDPOINT},
            {"enabledEvents": "*"},
            {"endpoint": ENDPOINT, "enabledEvents": ""},
            {"endpoint": ENDPOINT, "enabledEvents": 5},
            {"endpoint": 5, "enabledEvents": "*"},
        )
    ),
    *(
        ("PUT", "child-notifications", body, 400, "Missing endpoint or suppress (boolean)")
        for body in ({}, {"endpoint": ENDPOINT}, {"suppress": True}, {"endpoint": ENDPOINT, "suppress": 1})
    ),
    (
        "PUT",
        "child-notifications",
        {"endpoint": ENDPOINT, "suppress": True},
        404,
        "No matching subscription found for this endpoint",
    ),
    (
        "POST",
        "register-native",
        {"platform": "android"},
        503,
        "Native push is not configured on this server (PIZZAPI_NTFY_URL unset)",
    ),
    ("PUT", "child-notifications-native", {}, 400, "Missing suppress (boolean)"),
    ("PUT", "child-notifications-native", {"suppress": "yes"}, 400, "Missing suppress (boolean)"),
    ("PUT", "child-notifications-native", {"suppress": True}, 404, "No native push registration found"),
    *(
        (method, path, [1], 400, "Invalid JSON body")
        for method, path in (
            ("POST", "subscribe"),
            ("POST", "unsubscribe"),
            ("PUT", "events"),
            ("PUT", "child-notifications"),
            ("PUT", "child-notifications-native"),
            ("POST", "answer"),
        )
    ),
]


async def test_what_is_wrong_is_said_with_the_row_s_status_and_text(office: Office, ann: Person) -> None:
    async with aiohttp.ClientSession() as client:
        for method, path, body, status, error in BAD:
            url = f"{office.url}/api/push/{path}"
            async with client.request(method, url, json=body, headers={"x-api-key": ann.key}) as response:
                assert (response.status, await response.json()) == (status, {"error": error}), (path, body)
    assert await office.subscriptions(ann) == []


async def test_broken_json_is_400_and_changes_nothing(office: Office, ann: Person) -> None:
    async with aiohttp.ClientSession(headers={"x-api-key": ann.key}) as client:
        for method, path in (("POST", "subscribe"), ("POST", "unsubscribe"), ("PUT", "events"), ("POST", "answer")):
            url = f"{office.url}/api/push/{path}"
            async with client.request(method, url, data=b'{"endpoint":') as response:
                assert (response.status, await response.json()) == (400, {"error": "Invalid JSON body"})


async def test_what_is_not_there_can_be_left_and_chosen(office: Office, ann: Person) -> None:
    for method, path, body in (
        ("POST", "unsubscribe", {"endpoint": ENDPOINT}),
        ("POST", "unsubscribe", {"endpoint": "\ud800"}),
        ("PUT", "events", {"endpoint": ENDPOINT, "enabledEvents": "*"}),
    ):
        answer = await office.ask(method, f"/api/push/{path}", ann, body)
        assert (answer.status, answer.body) == (200, {"ok": True})
    answer = await office.ask("POST", "/api/push/unregister-native", ann)
    assert (answer.status, answer.body) == (200, {"ok": True, "removed": False})


async def test_everything_but_the_key_needs_an_account(office: Office) -> None:
    for method, path in (
        ("POST", "subscribe"),
        ("POST", "unsubscribe"),
        ("GET", "subscriptions"),
        ("PUT", "events"),
        ("PUT", "child-notifications"),
        ("POST", "answer"),
        ("POST", "register-native"),
        ("POST", "unregister-native"),
        ("PUT", "child-notifications-native"),
    ):
        assert (await office.ask(method, f"/api/push/{path}", None, {})).status == 401, path


async def test_a_cookie_is_as_good_as_a_key_but_not_from_a_foreign_page(office: Office, ann: Person) -> None:
    async def send(origin: str) -> int:
        body = {"endpoint": ENDPOINT, "keys": KEYS}
        return (await office.ask("POST", "/api/push/subscribe", None, body, Cookie=ann.cookie, Origin=origin)).status

    assert await send("https://evil.example") == 403
    assert await office.subscriptions(ann) == []
    assert await send(office.url) == 200


async def test_subscribing_again_gives_a_new_id_and_all_events_but_keeps_the_choice_about_children(
    office: Office, ann: Person
) -> None:
    first = await office.subscribe(ann, Browser(), ENDPOINT, enabledEvents="error")
    await office.ask("PUT", "/api/push/child-notifications", ann, {"endpoint": ENDPOINT, "suppress": True})
    second = await office.subscribe(ann, Browser(), ENDPOINT)
    [listed] = await office.subscriptions(ann)
    assert listed["id"] == second.body["id"] != first.body["id"]
    assert (listed["enabledEvents"], listed["suppressChildNotifications"]) == ("*", True)


async def test_two_users_of_one_browser_do_not_see_each_other(office: Office, ann: Person, bob: Person) -> None:
    await office.subscribe(ann, Browser(), ENDPOINT)
    await office.subscribe(bob, Browser(), ENDPOINT, enabledEvents="error")
    await office.ask("POST", "/api/push/unsubscribe", ann, {"endpoint": ENDPOINT})
    assert await office.subscriptions(ann) == []
    [listed] = await office.subscriptions(bob)
    assert listed["enabledEvents"] == "error"


async def test_subscriptions_at_the_same_time_leave_one_row(office: Office, ann: Person) -> None:
    answers = await asyncio.gather(*(office.subscribe(ann, Browser(), ENDPOINT) for _ in range(5)))
    [listed] = await office.subscriptions(ann)
    assert listed["id"] in [answer.body["id"] for answer in answers]
    rows = await office.app.storage.fetch_all("SELECT id FROM push_subscription")
    assert [row["id"] for row in rows] == [listed["id"]]


async def test_beyond_the_bound_the_oldest_browser_goes(tmp_path: Path) -> None:
    async with Office(tmp_path / "data", Clock(), PushLimits(subscriptions=3)) as office:
        ann = await office.person("ann")
        for name in ("a", "b", "c", "b", "d"):
            assert (await office.subscribe(ann, Browser(), f"https://push.example/{name}")).status == 200
        expected = [f"https://push.example/{name}" for name in ("c", "b", "d")]
        assert [listed["endpoint"] for listed in await office.subscriptions(ann)] == expected
        await office.restart()
        assert [listed["endpoint"] for listed in await office.subscriptions(ann)] == expected


async def test_account_16_the_relay_refuses_private_endpoints_unless_told_otherwise(tmp_path: Path) -> None:
    async with Office(tmp_path / "data", Clock(), push=PushSettings()) as office:
        ann = await office.person("ann")
        for endpoint in (
            "https://2130706433/",
            "https://[::ffff:127.0.0.1]/",
            "https://localhost.",
            "http://push.example/",
        ):
            answer = await office.subscribe(ann, Browser(), endpoint)
            assert (answer.status, answer.body) == (400, {"error": GUARD}), endpoint
        assert (await office.subscribe(ann, Browser(), "https://push.example/")).status == 200


async def test_account_18_subscriptions_choices_and_the_key_outlive_a_restart(
    office: Office, service: PushService, ann: Person
) -> None:
    key = await office.public_key()
    await office.subscribe(ann, Browser(), service.endpoint("a"), enabledEvents="error")
    await office.subscribe(ann, Browser(), service.endpoint("b"))
    await office.ask(
        "PUT", "/api/push/child-notifications", ann, {"endpoint": service.endpoint("b"), "suppress": False}
    )
    before = await office.subscriptions(ann)
    await office.restart()
    assert await office.public_key() == key
    assert await office.subscriptions(ann) == before
    assert [known.suppress_child for known in office.app.push.subscriptions.of(ann.id)] == [None, False]
