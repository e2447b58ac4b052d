"""Every row of rest-runners.md 9.3 with its exact status and body, in its order, over real HTTP and sockets."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.sessions.stage import Runner, until
from tests.viewers.house import Person
from tests.webhooks.office import Office, told

GONE = (404, {"error": "Webhook not found"})
NO_SIGNATURE = (401, {"error": "Missing X-Webhook-Signature header"})
WRONG = (401, {"error": "Invalid signature"})


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


async def test_a_fire_starts_a_session_that_gets_the_payload(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, source="github", name="Deploy on push", runnerId=runner.id)
    body = {"type": "push", "repo": "a/b"}
    task, order = await office.firing(hook, runner, body)
    session_id = str(order["sessionId"])
    assert order == {"sessionId": session_id}
    await runner.ready(session_id)
    agent = await office.agent(ann, session_id)
    taken = await agent.socket.take("session_trigger")
    trigger = taken["trigger"]
    assert isinstance(trigger, dict)
    trigger_id, ts = trigger.pop("triggerId"), trigger.pop("ts")
    assert trigger == {
        "type": "webhook",
        "sourceSessionId": "external:github",
        "sourceSessionName": "Webhook: Deploy on push",
        "targetSessionId": session_id,
        "payload": body,
        "deliverAs": "steer",
        "expectsResponse": False,
    }
    assert told(await task) == (200, {"ok": True, "triggerId": trigger_id, "sessionId": session_id})
    assert len(trigger_id) == len("wh_") + 16
    answer = await office.ask("GET", f"/api/sessions/{session_id}/triggers", ann)
    entry = {
        "triggerId": trigger_id,
        "type": "webhook",
        "source": "external:github",
        "summary": "Deploy on push",
        "payload": body,
        "deliverAs": "steer",
        "ts": ts,
        "direction": "inbound",
    }
    assert answer.body == {"triggers": [entry]}


async def test_viewers_hear_of_the_delivery_and_the_session_has_its_runner(
    office: Office, ann: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    session_id = str(order["sessionId"])
    await office.agent(ann, session_id)
    viewer = await office.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": session_id})
    await viewer.take("connected")
    await runner.ready(session_id)
    answer = await task
    assert answer.status == 200, answer.body
    assert await viewer.take("trigger_delivered") == {"triggerId": answer.body["triggerId"]}
    assert office.session(session_id).runner_id == runner.id


async def test_runners_11_the_source_of_a_webhook_is_external(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id, source="api")
    answer, _, agent = await office.delivered(hook, runner, ann)
    trigger = (await agent.socket.take("session_trigger"))["trigger"]
    assert isinstance(trigger, dict)
    history = await office.ask("GET", f"/api/sessions/{answer.body['sessionId']}/triggers", ann)
    entries = history.body["triggers"]
    assert isinstance(entries, list)
    assert (trigger["sourceSessionId"], entries[0]["source"]) == ("external:api", "external:api")


async def test_the_order_has_folder_prompt_and_model_and_the_prompt_replaces_the_payloads(
    office: Office, ann: Person, runner: Runner
) -> None:
    model = {"provider": "anthropic", "id": "opus"}
    hook = await office.hook(ann, runnerId=runner.id, cwd="/not/a/root", prompt="Review", model=model)
    body = {"prompt": "evil", "n": 1}
    answer, order, agent = await office.delivered(hook, runner, ann, body)
    assert answer.status == 200
    assert order == {"sessionId": order["sessionId"], "cwd": "/not/a/root", "prompt": "Review", "model": model}
    trigger = (await agent.socket.take("session_trigger"))["trigger"]
    assert isinstance(trigger, dict)
    assert trigger["payload"] == {"prompt": "Review", "n": 1}


async def test_a_model_hidden_since_is_dropped(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id, model={"provider": "p", "id": "m"})
    await office.ask("PUT", "/api/settings/hidden-models", ann, {"hiddenModels": ["p/m"]})
    answer, order, _ = await office.delivered(hook, runner, ann)
    assert answer.status == 200
    assert order == {"sessionId": order["sessionId"], "hiddenModels": ["p/m"]}


async def test_row_1_unknown_and_disabled_look_the_same_before_anything_else(office: Office, ann: Person) -> None:
    hook = await office.hook(ann)
    await office.ask("PUT", f"/api/webhooks/{hook.id}", ann, {"enabled": False})
    for hook_id in ("wh_unknown", hook.id):
        assert told(await office.post(hook_id, b"{", {})) == GONE


async def test_row_2_a_body_over_a_mebibyte_is_413(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["none"])

    async def chunked() -> object:
        for _ in range(17):
            yield b" " * 65536

    largest = b'{"a":"%b"}' % (b"x" * (2**20 - 8))
    assert told(await office.fire(hook, largest)) == (200, {"ok": True, "filtered": True})
    error = {"error": "Payload Too Large: body exceeds 1048576 bytes"}
    assert told(await office.fire(hook, largest + b" ")) == (413, error)
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{office.url}/api/webhooks/{hook.id}/fire", data=chunked()) as response,
    ):
        assert (response.status, await response.json()) == (413, error)


async def test_row_3_no_signature(office: Office, ann: Person) -> None:
    hook = await office.hook(ann)
    nonsense = {"X-Webhook-Timestamp": "never", "X-Webhook-Nonce": "n"}
    for headers in ({}, {"X-Webhook-Signature": ""}, nonsense, hook.github(b"{", "push")):
        assert told(await office.post(hook.id, b"{", headers)) == NO_SIGNATURE


async def test_rows_5_to_8_time_and_nonce(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["none"])
    for at, error in (
        ("1736942400", "Invalid X-Webhook-Timestamp header"),
        (ago(-40), "X-Webhook-Timestamp is in the future"),
        (ago(310), "X-Webhook-Timestamp is too old"),
    ):
        answer = await office.post(hook.id, b"{}", hook.enhanced(b"{}", at=at))
        assert told(answer) == (401, {"error": error})
    blank = await office.post(hook.id, b"{}", hook.enhanced(b"{}", nonce="\u00a0"))
    assert told(blank) == (401, {"error": "Missing X-Webhook-Nonce header"})
    for at in (ago(-20), ago(290)):
        assert (await office.post(hook.id, b"{}", hook.enhanced(b"{}", at=at))).status == 200


async def test_row_9_a_wrong_signature_in_each_mode(office: Office, ann: Person) -> None:
    hook, other = await office.hook(ann, source="github"), await office.hook(ann)
    for headers in (
        other.legacy(b"{}"),
        other.enhanced(b"{}"),
        other.github(b"{}", "push"),
        {"X-Webhook-Signature": f"sha256={hook.sign(b'{}')}"},
        {"X-Webhook-Signature": "\u00e9"},
        {**hook.enhanced(b"{}"), "X-Webhook-Nonce": "other"},
        {**hook.legacy(b"{}"), "X-Webhook-Timestamp": ago(0), "X-Webhook-Nonce": "n"},
    ):
        assert told(await office.post(hook.id, b"{}", headers)) == WRONG


async def test_row_10_a_nonce_counts_once_per_webhook(office: Office, ann: Person) -> None:
    first, second = await office.hook(ann, eventFilter=["x"]), await office.hook(ann, eventFilter=["x"])
    headers = first.enhanced(b"{}", nonce="n")
    assert (await office.post(first.id, b"{}", headers)).status == 200
    assert told(await office.post(first.id, b"{}", headers)) == (409, {"error": "Nonce already used"})
    assert (await office.post(second.id, b"{}", second.enhanced(b"{}", nonce="n"))).status == 200


async def test_a_forger_burns_no_nonce(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    forged = {**hook.enhanced(b"{}", nonce="n"), "X-Webhook-Signature": "0" * 64}
    assert told(await office.post(hook.id, b"{}", forged)) == WRONG
    assert (await office.fire(hook, b"{}", nonce="n")).status == 200


async def test_of_many_senders_of_one_nonce_one_gets_in(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    headers = hook.enhanced(b"{}", nonce="n")
    answers = await asyncio.gather(*(office.post(hook.id, b"{}", headers) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 11


async def test_runners_21_a_nonce_is_used_up_by_a_delivery_that_fails(
    office: Office, ann: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    await runner.leave()
    headers = hook.enhanced(b"{}", nonce="n")
    assert (await office.post(hook.id, b"{}", headers)).status == 503
    assert (await office.post(hook.id, b"{}", headers)).status == 409
    assert (await office.fire(hook, b"{}", nonce="fresh")).status == 503


async def test_a_nonce_is_remembered_over_a_restart_and_for_six_minutes(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    ahead = ago(-25)
    assert (await office.post(hook.id, b"{}", hook.enhanced(b"{}", at=ahead, nonce="n"))).status == 200
    await office.restart()
    # 5 minutes and 20 seconds later a time that was ahead is still good, and must not be good twice.
    office.wind(320)
    again = await office.post(hook.id, b"{}", hook.enhanced(b"{}", at=ahead, nonce="n"))
    assert told(again) == (409, {"error": "Nonce already used"})
    office.wind(45)
    now = (datetime.now(UTC) + timedelta(seconds=365)).isoformat()
    assert (await office.post(hook.id, b"{}", hook.enhanced(b"{}", at=now, nonce="n"))).status == 200


async def test_more_nonces_than_can_be_remembered_are_refused_and_none_is_forgotten(
    office: Office, ann: Person
) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    for number in range(8):
        assert (await office.fire(hook, b"{}", nonce=f"n{number}")).status == 200
    busy = {"error": "Too many deliveries of this webhook; try again later"}
    assert told(await office.fire(hook, b"{}", nonce="n8")) == (503, busy)
    assert (await office.fire(hook, b"{}", nonce="n0")).status == 409
    office.wind(361)
    at = (datetime.now(UTC) + timedelta(seconds=361)).isoformat()
    assert (await office.post(hook.id, b"{}", hook.enhanced(b"{}", at=at, nonce="n8"))).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"payload=%7B%7D",
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'{"a":' * 80 + b"1" + b"}" * 80,
    ],
)
async def test_row_11_what_is_no_json_object(office: Office, ann: Person, body: bytes) -> None:
    hook = await office.hook(ann)
    assert told(await office.fire(hook, body)) == (400, {"error": "Invalid JSON body"})


async def test_row_12_the_filter(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["push", "pull_request"])
    for body in ({"type": "issues"}, {"type": "Push"}, {"type": 7}, {"type": None}, {}, {"type": ["push"]}):
        assert told(await office.fire(hook, body)) == (200, {"ok": True, "filtered": True})
    assert told(await office.fire(hook, {"type": "push"})) == (500, {"error": "Webhook has no runner assigned"})
    # What names no type is of the type "webhook".
    await office.ask("PUT", f"/api/webhooks/{hook.id}", ann, {"eventFilter": ["webhook"]})
    assert (await office.fire(hook, {})).status == 500
    await office.ask("PUT", f"/api/webhooks/{hook.id}", ann, {"eventFilter": []})
    assert (await office.fire(hook, {"type": "anything"})).status == 500


async def test_row_13_no_runner(office: Office, ann: Person) -> None:
    assert told(await office.fire(await office.hook(ann))) == (500, {"error": "Webhook has no runner assigned"})


async def test_row_14_a_runner_that_is_unknown_or_anothers(
    office: Office, ann: Person, bob: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    await runner.leave()
    refusal = (403, {"error": "Runner not found or not owned by the webhook's owner"})
    await until(lambda: office.app.runners.registry.get(runner.id) is None)
    assert (await office.ask("DELETE", f"/api/runners/{runner.id}", ann)).status == 200
    assert told(await office.fire(hook)) == refusal
    await office.runner(bob, runner.id)
    assert told(await office.fire(hook)) == refusal


async def test_row_15_an_own_runner_that_is_away(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    away = (503, {"error": "Runner is not connected to this server"})
    await runner.leave()
    assert told(await office.fire(hook)) == away
    await office.restart()
    assert told(await office.fire(hook)) == away


async def test_row_17_a_runner_that_refuses(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    await runner.socket.emit("session_error", {"sessionId": order["sessionId"], "message": "no such folder {x}"})
    assert told(await task) == (502, {"error": "no such folder {x}"})


async def test_runners_02_a_runner_that_stays_silent_is_waited_past(
    office: Office, ann: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    live = office.app.runners.registry.get(runner.id)
    assert live is not None
    # It is linked once nobody waits for the runner's word any more.
    await until(lambda: order["sessionId"] in live.owned_sessions)
    agent = await office.agent(ann, str(order["sessionId"]))
    answer = await task
    assert (answer.status, answer.body["sessionId"]) == (200, order["sessionId"])
    await agent.socket.take("session_trigger")
    assert office.session(str(order["sessionId"])).runner_id == runner.id


async def test_row_18_a_session_that_does_not_come(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    await runner.ready(str(order["sessionId"]))
    assert told(await task) == (504, {"error": "The session was started but did not connect in time"})
    # It is left alone: its prompt is at work already (9.3).
    assert "kill_session" not in [name for name, _ in runner.socket.log]


async def test_a_worker_that_came_before_the_runners_word_gets_its_trigger_once(
    office: Office, ann: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    agent = await office.agent(ann, str(order["sessionId"]))
    await runner.ready(str(order["sessionId"]))
    assert (await task).status == 200
    await agent.socket.take("session_trigger")
    assert "session_trigger" not in agent.socket.unread()


async def test_another_users_session_with_the_same_id_gets_nothing(
    office: Office, ann: Person, bob: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    thief = await office.agent(bob, str(order["sessionId"]))
    await runner.ready(str(order["sessionId"]))
    assert (await task).status == 504
    assert "session_trigger" not in thief.socket.unread()


async def test_two_fires_start_two_sessions(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    first, _, _ = await office.delivered(hook, runner, ann, {"n": 1})
    second, _, _ = await office.delivered(hook, runner, ann, {"n": 1})
    assert first.body["sessionId"] != second.body["sessionId"]
    assert first.body["triggerId"] != second.body["triggerId"]


async def test_more_sessions_at_a_time_than_allowed_are_refused(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    tasks = [(await office.firing(hook, runner))[0] for _ in range(3)]
    busy = {"error": "Too many deliveries of this webhook; try again later"}
    assert told(await office.fire(hook)) == (503, busy)
    assert [(await task).status for task in tasks] == [504] * 3
    answer, _, _ = await office.delivered(hook, runner, ann)
    assert answer.status == 200


async def test_a_sender_that_leaves_stops_nothing(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.ready(str(order["sessionId"]))
    agent = await office.agent(ann, str(order["sessionId"]))
    await agent.socket.take("session_trigger")


async def test_a_byte_order_mark_is_signed_and_does_no_harm(office: Office, ann: Person) -> None:
    hook = await office.hook(ann, eventFilter=["x"])
    assert (await office.fire(hook, b'\xef\xbb\xbf{"a":1}')).status == 200


async def test_half_a_surrogate_pair_reaches_the_agent(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, runnerId=runner.id)
    body = b'{"type":"\\ud800","text":"\\ud83d"}'
    task = asyncio.create_task(office.fire(hook, body))
    order = await runner.socket.take("new_session")
    await runner.ready(str(order["sessionId"]))
    agent = await office.agent(ann, str(order["sessionId"]))
    trigger = (await agent.socket.take("session_trigger"))["trigger"]
    assert isinstance(trigger, dict)
    assert trigger["payload"] == json.loads(body)
    assert (await task).status == 200
    [entry] = await office.deliveries(ann, hook)
    assert (entry["type"], entry["outcome"]) == ("?", "delivered")


async def test_runners_23_no_body_and_no_secret_is_logged(
    office: Office, ann: Person, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = await office.hook(ann, runnerId=runner.id, prompt="hush-hush")
    body = {"type": "deploy", "token": "in-the-body"}
    answer, _, _ = await office.delivered(hook, runner, ann, body)
    assert answer.status == 200
    await office.fire(hook, b'{"in-the-body')
    await office.post(hook.id, b"in-the-body", {"X-Webhook-Signature": "a" * 64})
    await office.ask("POST", f"/api/webhooks/{hook.id}/rotate", ann, {"overlapSeconds": 60})
    await runner.leave()
    await office.fire(hook, body)
    await office.deliveries(ann, hook)
    ours = [record for record in caplog.records if record.name.startswith("relay")]
    text = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert "webhook fired" in text
    for secret in ("in-the-body", "hush-hush", hook.secret, hook.secret.removeprefix("whsec_")):
        assert secret not in text
