"""Every row of rest-runners.md 9.2 with its exact status and body, and the API reference's own examples."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from tests.sessions.stage import Answer, Runner
from tests.viewers.house import Person
from tests.viewers.wire import Json
from tests.webhooks.office import Office

MEMBERS = {
    "id",
    "userId",
    "name",
    "secret",
    "eventFilter",
    "source",
    "runnerId",
    "cwd",
    "prompt",
    "model",
    "enabled",
    "createdAt",
    "updatedAt",
}
SONNET = {"provider": "anthropic", "id": "claude-sonnet-4-20250514"}


def webhook_of(answer: Answer) -> Json:
    webhook = answer.body["webhook"]
    assert isinstance(webhook, dict)
    return webhook


async def put(office: Office, person: Person, webhook: Json, **changes: object) -> Answer:
    return await office.ask("PUT", f"/api/webhooks/{webhook['id']}", person, changes)


async def test_the_examples_of_the_api_reference(office: Office, ann: Person) -> None:
    await office.runner(ann, "runner_a1b2c3")
    wanted = {
        "name": "Deploy on push",
        "source": "github",
        "runnerId": "runner_a1b2c3",
        "cwd": "/path/to/project",
        "prompt": "Review the changes",
        "model": SONNET,
        "eventFilter": ["push", "pull_request"],
    }
    made = await office.ask("POST", "/api/webhooks", ann, wanted)
    webhook = webhook_of(made)
    assert made.status == 201
    assert {name: webhook[name] for name in wanted} == wanted
    assert re.fullmatch(r"wh_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(webhook["id"]))
    assert re.fullmatch(r"whsec_[0-9a-f]{64}", str(webhook["secret"]))
    assert webhook["enabled"] is True
    assert (await office.ask("GET", "/api/webhooks", ann)).body == {"webhooks": [webhook]}
    assert (await office.ask("GET", f"/api/webhooks/{webhook['id']}", ann)).body == {"webhook": webhook}
    updated = await put(office, ann, webhook, name="Updated name", enabled=True)
    assert updated.body == {
        "webhook": {**webhook, "name": "Updated name", "updatedAt": webhook_of(updated)["updatedAt"]}
    }
    gone = await office.ask("DELETE", f"/api/webhooks/{webhook['id']}", ann)
    assert (gone.status, gone.body) == (200, {"ok": True})
    assert (await office.ask("GET", "/api/webhooks", ann)).body == {"webhooks": []}


async def test_every_member_is_there_and_absent_ones_are_null(office: Office, ann: Person) -> None:
    webhook = await office.made(ann, name="  Deploy ", source=" ci\n", enabled=False)
    assert set(webhook) == MEMBERS
    assert (webhook["name"], webhook["source"], webhook["userId"]) == ("Deploy", "ci", ann.id)
    assert [webhook[name] for name in ("eventFilter", "runnerId", "cwd", "prompt", "model")] == [None] * 5
    assert webhook["enabled"] is True
    assert webhook["createdAt"] == webhook["updatedAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(webhook["createdAt"]))


async def test_blank_and_wrong_typed_options_become_null(office: Office, ann: Person) -> None:
    webhook = await office.made(
        ann, runnerId=" ", cwd=7, prompt="\t", model={"provider": "anthropic", "id": " "}, eventFilter=[]
    )
    assert [webhook[name] for name in ("runnerId", "cwd", "prompt", "model")] == [None] * 4
    assert webhook["eventFilter"] == []
    assert (await office.made(ann, model="anthropic/x"))["model"] is None
    assert (await office.made(ann, model={"provider": " a ", "id": " b "}))["model"] == {"provider": "a", "id": "b"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"source": "x"}, "Missing or invalid 'name': expected a text"),
        ({"name": " ", "source": "x"}, "Missing or invalid 'name': expected a text"),
        ({"name": 7, "source": "x", "eventFilter": 1}, "Missing or invalid 'name': expected a text"),
        ({"name": "x"}, "Missing or invalid 'source': expected a text"),
        ({"name": "x", "source": "\n", "eventFilter": 1}, "Missing or invalid 'source': expected a text"),
        (
            {"name": "x", "source": "x", "eventFilter": "push", "runnerId": "foreign"},
            "Invalid 'eventFilter': expected an array of strings, or null",
        ),
        (
            {"name": "x", "source": "x", "eventFilter": ["push", 1]},
            "Invalid 'eventFilter': expected an array of strings, or null",
        ),
    ],
)
async def test_creation_refuses_in_the_order_of_the_table(office: Office, ann: Person, body: Json, error: str) -> None:
    answer = await office.ask("POST", "/api/webhooks", ann, body)
    assert (answer.status, answer.body) == (400, {"error": error})


async def test_broken_json_is_400_and_nobody_is_401(office: Office, ann: Person) -> None:
    webhook = await office.made(ann)
    for method, path in (("POST", "/api/webhooks"), ("PUT", f"/api/webhooks/{webhook['id']}")):
        for body in (b"{", b"[]", b"null", b""):
            status, answer = await _raw(office, method, path, body, ann.key)
            assert (status, answer) == (400, {"error": "Invalid JSON body"})
    for method, path in (
        ("GET", "/api/webhooks"),
        ("POST", "/api/webhooks"),
        ("GET", f"/api/webhooks/{webhook['id']}"),
        ("PUT", f"/api/webhooks/{webhook['id']}"),
        ("DELETE", f"/api/webhooks/{webhook['id']}"),
        ("GET", f"/api/webhooks/{webhook['id']}/deliveries"),
        ("POST", f"/api/webhooks/{webhook['id']}/deliveries/1/replay"),
        ("POST", f"/api/webhooks/{webhook['id']}/rotate"),
    ):
        answer = await office.ask(method, path, None, {})
        assert (answer.status, answer.body) == (401, {"error": "Missing API key (x-api-key header)"})


async def _raw(office: Office, method: str, path: str, body: bytes, key: str) -> tuple[int, object]:
    headers = {"x-api-key": key, "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, f"{office.url}{path}", data=body, headers=headers) as response,
    ):
        return response.status, await response.json()


async def test_a_runner_must_be_the_callers_own_connected_or_not(
    office: Office, ann: Person, bob: Person, runner: Runner
) -> None:
    refusal = {"error": "Runner not found or not owned by the webhook's owner"}
    for person, runner_id in ((bob, runner.id), (ann, "nobody's")):
        body = {"name": "x", "source": "x", "runnerId": runner_id}
        answer = await office.ask("POST", "/api/webhooks", person, body)
        assert (answer.status, answer.body) == (403, refusal)
        webhook = await office.made(person)
        answer = await put(office, person, webhook, runnerId=runner_id)
        assert (answer.status, answer.body) == (403, refusal)
    await runner.leave()
    webhook = await office.made(ann, runnerId=f" {runner.id} ")
    assert webhook["runnerId"] == runner.id


async def test_a_hidden_model_is_403_and_a_bad_runner_comes_first(office: Office, ann: Person) -> None:
    await office.ask("PUT", "/api/settings/hidden-models", ann, {"hiddenModels": ["anthropic/" + SONNET["id"]]})
    body = {"name": "x", "source": "x", "model": SONNET}
    answer = await office.ask("POST", "/api/webhooks", ann, body)
    assert (answer.status, answer.body) == (403, {"error": "Requested model is not available"})
    answer = await office.ask("POST", "/api/webhooks", ann, {**body, "runnerId": "nobody's"})
    assert answer.body == {"error": "Runner not found or not owned by the webhook's owner"}
    webhook = await office.made(ann)
    assert (await put(office, ann, webhook, model=SONNET)).status == 403


async def test_lists_show_the_newest_first_and_ones_own_only(office: Office, ann: Person, bob: Person) -> None:
    first, second = await office.made(ann, name="1"), await office.made(ann, name="2")
    await office.made(bob)
    assert (await office.ask("GET", "/api/webhooks", ann)).body == {"webhooks": [second, first]}
    await put(office, ann, first, name="1")
    listed = (await office.ask("GET", "/api/webhooks", ann)).body["webhooks"]
    assert isinstance(listed, list)
    assert [one["name"] for one in listed] == ["2", "1"]


async def test_runners_12_a_foreign_webhook_is_404_as_an_unknown_one(office: Office, ann: Person, bob: Person) -> None:
    webhook = await office.made(ann)
    for person, hook_id in ((bob, webhook["id"]), (ann, "wh_unknown")):
        path = f"/api/webhooks/{hook_id}"
        for method, sub in (
            ("GET", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("POST", "/rotate"),
            ("GET", "/deliveries"),
            ("POST", "/deliveries/1/replay"),
        ):
            answer = await office.ask(method, path + sub, person, {"eventFilter": 7, "overlapSeconds": "x"})
            assert (answer.status, answer.body) == (404, {"error": "Webhook not found"})
    status, body = await _raw(office, "PUT", f"/api/webhooks/{webhook['id']}", b"{", bob.key)
    assert (status, body) == (404, {"error": "Webhook not found"})


async def test_an_update_changes_what_its_body_has(office: Office, ann: Person, runner: Runner) -> None:
    full = {"runnerId": runner.id, "cwd": "/w", "prompt": "p", "model": SONNET, "eventFilter": ["a"]}
    webhook = await office.made(ann, **full)

    async def after(**changes: object) -> Json:
        answer = await put(office, ann, webhook, **changes)
        assert answer.status == 200, answer.body
        return webhook_of(answer)

    ignored = await after(name=" ", source=7, enabled="no", model={"provider": "x"}, id="other", userId="other")
    assert {**ignored, "updatedAt": 0} == {**webhook, "updatedAt": 0}
    assert (await after(name=" n ", source=" s ", enabled=False))["name"] == "n"
    cleared = await after(runnerId=7, cwd=" ", prompt=None, model=None, eventFilter=None)
    assert [cleared[name] for name in full] == [None] * 5
    assert (cleared["name"], cleared["source"], cleared["enabled"]) == ("n", "s", False)
    again = await after(**full)
    assert {name: again[name] for name in full} == full
    answer = await put(office, ann, webhook, eventFilter=[1], runnerId="foreign")
    assert (answer.status, answer.body) == (
        400,
        {"error": "Invalid 'eventFilter': expected an array of strings, or null"},
    )


async def test_every_update_moves_its_time(office: Office, ann: Person) -> None:
    webhook = await office.made(ann)
    office.wind(2)
    updated = webhook_of(await put(office, ann, webhook))
    assert str(updated["updatedAt"]) > str(webhook["updatedAt"])
    assert updated["createdAt"] == webhook["createdAt"]


async def test_two_updates_at_the_same_time_both_count(office: Office, ann: Person) -> None:
    webhook = await office.made(ann)
    await asyncio.gather(put(office, ann, webhook, prompt="p"), put(office, ann, webhook, cwd="/c"))
    read = webhook_of(await office.ask("GET", f"/api/webhooks/{webhook['id']}", ann))
    assert (read["prompt"], read["cwd"]) == ("p", "/c")


async def test_one_user_has_a_bounded_number_of_webhooks(office: Office, ann: Person, bob: Person) -> None:
    body = {"name": "x", "source": "x"}
    answers = await asyncio.gather(*(office.ask("POST", "/api/webhooks", ann, body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] * 6 + [422] * 2
    assert (await office.ask("POST", "/api/webhooks", bob, body)).status == 201


async def test_text_that_the_database_refuses_does_no_harm(office: Office, ann: Person) -> None:
    status, body = await _raw(
        office, "POST", "/api/webhooks", b'{"name":"a\\ud800","source":"b\\u0000","eventFilter":["\\ud800"]}', ann.key
    )
    assert status == 201
    assert isinstance(body, dict)
    assert body["webhook"]["name"] == "a?"


async def test_webhooks_survive_a_restart_and_end_with_their_user(office: Office, ann: Person, bob: Person) -> None:
    first = await office.made(ann, prompt="p", eventFilter=["a"], model=SONNET)
    second = await office.made(ann, name="2")
    other = await office.made(bob)
    await office.restart()
    assert (await office.ask("GET", "/api/webhooks", ann)).body == {"webhooks": [second, first]}
    await office.app.accounts.users.remove(ann.id)
    assert office.app.webhooks.webhooks.get(str(first["id"])) is None
    assert office.app.webhooks.webhooks.get(str(other["id"])) is not None
    assert await office.app.storage.fetch_one("SELECT 1 FROM webhook WHERE user_id = ?", (ann.id,)) is None
