"""Prove the delivery log, its pages and bounds, replays, rotation with an overlap, and what is deleted when."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from relay.app_settings import Tuning, webhook_limits
from relay.clock import parse_iso
from relay.config_load import load_settings
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Runner
from tests.viewers.house import Person
from tests.webhooks.conftest import BRISK
from tests.webhooks.office import Hook, Office, ShiftedClock

DAY = 86_400


async def rotate(office: Office, person: Person, hook: Hook, overlap: object) -> tuple[int, Hook]:
    answer = await office.ask("POST", f"/api/webhooks/{hook.id}/rotate", person, {"overlapSeconds": overlap})
    webhook = answer.body.get("webhook")
    return answer.status, Hook(hook.id, str(webhook["secret"]) if isinstance(webhook, dict) else "")


async def test_an_entry_says_what_happened(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    before = office.clock.now_ms()
    answer, _, _ = await office.delivered(hook, runner, ann, {"type": "push"})
    [entry] = await office.deliveries(ann, hook)
    received, took = entry.pop("receivedAt"), entry.pop("durationMs")
    # The clock of a virtual machine steps back by a millisecond now and then.
    assert before - 50 <= (parse_iso(str(received)) or 0) <= office.clock.now_ms() + 50
    assert isinstance(took, int)
    assert 0 <= took < 5000
    assert entry == {
        "n": 1,
        "type": "push",
        "outcome": "delivered",
        "status": 200,
        "error": None,
        "sessionId": answer.body["sessionId"],
        "triggerId": answer.body["triggerId"],
        "replayOf": None,
        "bodyBytes": len(json.dumps({"type": "push"})),
        "bodyKept": True,
    }


async def test_every_signed_delivery_is_logged_and_no_other(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, eventFilter=["push"])
    await office.fire(hook, {"type": "issues"})
    await office.fire(hook, b"payload=x")
    await office.fire(hook, {"type": "push"})
    await office.post(hook.id, b"{}", {"X-Webhook-Signature": "0" * 64})
    await office.post(hook.id, b"{}", {})
    await office.ask("PUT", f"/api/webhooks/{hook.id}", ann, {"runnerId": runner.id})
    await runner.leave()
    await office.fire(hook, {"type": "push"})
    entries = await office.deliveries(ann, hook)
    assert [(entry["n"], entry["outcome"], entry["status"], entry["error"]) for entry in entries] == [
        (4, "runner_away", 503, "Runner is not connected to this server"),
        (3, "no_runner", 500, "Webhook has no runner assigned"),
        (2, "invalid_body", 400, "Invalid JSON body"),
        (1, "filtered", 200, None),
    ]


async def test_pages_show_every_entry_once_newest_first(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    for _ in range(7):
        await office.fire(hook)
    seen: list[object] = []
    cursor, pages = "", 0
    while True:
        answer = await office.ask("GET", f"/api/webhooks/{hook.id}/deliveries?limit=3{cursor}", ann)
        entries = answer.body["deliveries"]
        assert isinstance(entries, list)
        seen += [entry["n"] for entry in entries]
        pages += 1
        if answer.body["nextCursor"] is None:
            break
        cursor = f"&cursor={answer.body['nextCursor']}"
    assert (seen, pages) == ([7, 6, 5, 4, 3, 2, 1], 3)
    for query in ("?cursor=x", "?cursor=0", "?cursor=-1", "?cursor=" + "9" * 40, "?limit=0", "?limit=x"):
        assert len(await office.deliveries(ann, hook, query)) == 7
    assert len(await office.deliveries(ann, hook, "?limit=7")) == 7


async def test_the_newest_rows_stay_and_numbers_go_on_after_a_restart(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    for _ in range(15):
        await office.fire(hook)
    assert [entry["n"] for entry in await office.deliveries(ann, hook)] == list(range(15, 3, -1))
    await office.restart()
    await office.fire(hook)
    assert [entry["n"] for entry in await office.deliveries(ann, hook, "?limit=2")] == [16, 15]


async def test_a_replay_delivers_the_same_body_to_a_new_session(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    body = {"type": "push", "n": 1}
    first, _, _ = await office.delivered(hook, runner, ann, body)
    path = f"/api/webhooks/{hook.id}/deliveries/1/replay"
    task = asyncio.create_task(office.ask("POST", path, ann))
    order = await runner.socket.take("new_session")
    await runner.ready(str(order["sessionId"]))
    agent = await office.agent(ann, str(order["sessionId"]))
    trigger = (await agent.socket.take("session_trigger"))["trigger"]
    assert isinstance(trigger, dict)
    assert trigger["payload"] == body
    answer = await task
    assert (answer.status, answer.body) == (
        200,
        {"ok": True, "triggerId": trigger["triggerId"], "sessionId": order["sessionId"]},
    )
    assert answer.body["sessionId"] != first.body["sessionId"]
    entries = await office.deliveries(ann, hook)
    assert [(entry["n"], entry["replayOf"], entry["outcome"]) for entry in entries] == [
        (2, 1, "delivered"),
        (1, None, "delivered"),
    ]


async def test_a_replay_is_judged_as_if_it_came_now(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, source="github", eventFilter=["issues"])
    body = b'{"ref":"main"}'
    assert (await office.post(hook.id, body, hook.github(body, "push"))).body["filtered"] is True
    path = f"/api/webhooks/{hook.id}/deliveries/1/replay"
    assert (await office.ask("POST", path, ann)).body == {"ok": True, "filtered": True}
    await office.ask("PUT", f"/api/webhooks/{hook.id}", ann, {"eventFilter": ["push"]})
    # The type that GitHub said in its header is remembered.
    answer = await office.ask("POST", path, ann)
    assert (answer.status, answer.body) == (500, {"error": "Webhook has no runner assigned"})
    await office.ask("PUT", f"/api/webhooks/{hook.id}", ann, {"enabled": False})
    answer = await office.ask("POST", path, ann)
    assert (answer.status, answer.body) == (409, {"error": "Webhook is disabled"})


@pytest.mark.parametrize("number", ["2", "0", "-1", "x", "1x", "9" * 30, "1.0", "%201"])
async def test_a_delivery_that_never_was_cannot_be_replayed(office: Office, ann: Person, number: str) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    await office.fire(hook)
    answer = await office.ask("POST", f"/api/webhooks/{hook.id}/deliveries/{number}/replay", ann)
    assert (answer.status, answer.body) == (404, {"error": "Delivery not found"})


async def test_what_was_no_json_cannot_be_replayed(office: Office, ann: Person) -> None:
    hook = await office.hook(ann)
    await office.fire(hook, b"payload=x")
    answer = await office.ask("POST", f"/api/webhooks/{hook.id}/deliveries/1/replay", ann)
    assert (answer.status, answer.body) == (410, {"error": "The body of this delivery is not kept"})


async def test_bodies_go_after_seven_days_and_rows_after_thirty(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    await office.fire(hook)
    sweep = office.app.sessions.sweeper.sweep
    office.wind(7 * DAY - 60)
    await sweep()
    assert [entry["bodyKept"] for entry in await office.deliveries(ann, hook)] == [True]
    office.wind(120)
    await sweep()
    assert [entry["bodyKept"] for entry in await office.deliveries(ann, hook)] == [False]
    answer = await office.ask("POST", f"/api/webhooks/{hook.id}/deliveries/1/replay", ann)
    assert answer.status == 410
    office.wind(23 * DAY - 120)
    await sweep()
    assert len(await office.deliveries(ann, hook)) == 1
    office.wind(120)
    await sweep()
    assert await office.deliveries(ann, hook) == []
    await office.fire(hook)
    assert [entry["n"] for entry in await office.deliveries(ann, hook)] == [2]


async def test_only_the_newest_bodies_within_the_bound_are_kept(tmp_path: Path) -> None:
    limits = replace(BRISK, body_bytes=100_000)
    async with Office(tmp_path / "data", ShiftedClock(), Tuning(sessions=QUICK, webhooks=limits)) as office:
        ann = await office.person("ann")
        hook = await office.hook(ann, eventFilter=["x"])
        for _ in range(6):
            await office.fire(hook, b'{"a":"%b"}' % (b"x" * 30_000))
            await office.deliveries(ann, hook)
        kept = [entry["bodyKept"] for entry in await office.deliveries(ann, hook)]
        assert kept == [True] * 3 + [False] * 3


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("2 d", 2.0 * DAY), ("90", 90.0)])
def test_how_long_bodies_are_kept_is_a_setting(value: str, seconds: float) -> None:
    settings = load_settings(environment={"RELAY_WEBHOOKS_KEEP_BODIES": value})
    assert webhook_limits(settings, Tuning()).keep_bodies == seconds


async def test_a_deleted_webhook_takes_its_log_along_while_a_delivery_is_under_way(
    office: Office, ann: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    assert (await office.ask("DELETE", f"/api/webhooks/{hook.id}", ann)).status == 200
    await runner.ready(str(order["sessionId"]))
    await office.agent(ann, str(order["sessionId"]))
    assert (await task).status == 200
    await office.app.webhooks.deliveries.flush()
    for table in ("webhook", "webhook_delivery", "webhook_nonce"):
        assert await office.app.storage.fetch_all(f"SELECT * FROM {table}") == []
    assert (await office.fire(hook)).status == 404


async def test_both_secrets_verify_in_an_overlap_and_the_new_one_alone_after_it(office: Office, ann: Person) -> None:
    old = await office.hook(ann, eventFilter=["x"])
    status, new = await rotate(office, ann, old, 600)
    assert status == 200
    assert new.secret != old.secret
    assert len(new.secret) == len("whsec_") + 64
    for hook in (old, new):
        assert (await office.fire(hook)).status == 200
        assert (await office.fire(hook, nonce=hook.secret[-8:])).status == 200
    await office.restart()
    assert [(await office.fire(hook)).status for hook in (old, new)] == [200, 200]
    office.wind(601)
    assert [(await office.fire(hook)).status for hook in (old, new)] == [401, 200]
    await office.app.sessions.sweeper.sweep()
    row = await office.app.storage.fetch_one("SELECT previous_secret, previous_until FROM webhook")
    assert row is not None
    assert tuple(row) == (None, None)


async def test_without_an_overlap_the_old_secret_ends_at_once(office: Office, ann: Person) -> None:
    old = await office.hook(ann, eventFilter=["x"])
    _, new = await rotate(office, ann, old, 0)
    assert [(await office.fire(hook)).status for hook in (old, new)] == [401, 200]


async def test_a_second_rotation_ends_the_first_secret(office: Office, ann: Person) -> None:
    first = await office.hook(ann, eventFilter=["x"])
    _, second = await rotate(office, ann, first, 600)
    _, third = await rotate(office, ann, first, 600)
    assert [(await office.fire(hook)).status for hook in (first, second, third)] == [401, 200, 200]


async def test_a_rotation_says_until_when_and_shows_the_new_secret_alone(office: Office, ann: Person) -> None:
    hook = await office.hook(ann)
    answer = await office.ask("POST", f"/api/webhooks/{hook.id}/rotate", ann, {"overlapSeconds": 1.5})
    assert set(answer.body) == {"webhook", "previousSecretUntil"}
    assert str(answer.body["previousSecretUntil"]) > office.clock.now_iso()
    assert hook.secret not in json.dumps(answer.body)
    read = await office.ask("GET", f"/api/webhooks/{hook.id}", ann)
    assert read.body == {"webhook": answer.body["webhook"]}


@pytest.mark.parametrize("overlap", [-1, "60", None, True, 30 * DAY + 1, [], 1e308])
async def test_what_is_no_overlap_rotates_nothing(office: Office, ann: Person, overlap: object) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    text = json.dumps({"overlapSeconds": overlap}).replace("Infinity", "1e400")
    answer = await office.ask(
        "POST", f"/api/webhooks/{hook.id}/rotate", ann, json.loads(text.replace("1e400", "1e308"))
    )
    assert (answer.status, answer.body) == (
        400,
        {"error": "Invalid 'overlapSeconds': expected a number from 0 to 2592000"},
    )
    assert (await office.fire(hook)).status == 200
