"""Prove what GitHub needs: its own signature and type header, an answer in time, a delivery that goes on after it."""

from __future__ import annotations

import asyncio

import pytest

from tests.sessions.stage import Runner
from tests.viewers.house import Person
from tests.webhooks.office import Office, told


async def test_githubs_own_deliveries(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, source="github", runnerId=runner.id, eventFilter=["push"])
    body = b'{"ref":"refs/heads/main"}'
    answer = await office.post(hook.id, body, hook.github(body, "issues"))
    assert told(answer) == (200, {"ok": True, "filtered": True})
    # Only what GitHub signed has its type in the header.
    answer = await office.post(hook.id, body, {**hook.legacy(body), "X-GitHub-Event": "push"})
    assert told(answer) == (200, {"ok": True, "filtered": True})
    task = asyncio.create_task(office.post(hook.id, body, hook.github(body, "push")))
    order = await runner.socket.take("new_session")
    await runner.ready(str(order["sessionId"]))
    await office.agent(ann, str(order["sessionId"]))
    assert (await task).status == 200
    assert [entry["type"] for entry in await office.deliveries(ann, hook)] == ["push", "webhook", "issues"]


@pytest.mark.parametrize("ready", [True, False], ids=["the worker is slow", "the runner is slow"])
async def test_github_is_answered_in_time_and_the_delivery_goes_on(
    office: Office, ann: Person, runner: Runner, ready: bool
) -> None:
    hook = await office.hook(ann, source="github", runnerId=runner.id)
    task, order = await office.firing(hook, runner, {"n": 1})
    session_id = str(order["sessionId"])
    if ready:
        await runner.ready(session_id)
    answer = await task
    trigger_id = answer.body["triggerId"]
    assert told(answer) == (
        200,
        {"ok": True, "triggerId": trigger_id, "sessionId": session_id, "pending": True},
    )
    [entry] = await office.deliveries(ann, hook)
    assert (entry["outcome"], entry["sessionId"], entry["triggerId"]) == ("pending", session_id, trigger_id)
    if not ready:
        await runner.ready(session_id)
    agent = await office.agent(ann, session_id)
    trigger = (await agent.socket.take("session_trigger"))["trigger"]
    assert isinstance(trigger, dict)
    assert trigger["triggerId"] == trigger_id
    assert await office.outcome(ann, hook) == "delivered"


async def test_only_github_is_answered_early(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, source="gitlab", runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    done, _ = await asyncio.wait({task}, timeout=1.0)
    assert not done
    await runner.ready(str(order["sessionId"]))
    await office.agent(ann, str(order["sessionId"]))
    answer = await task
    assert "pending" not in answer.body


async def test_what_fails_after_github_was_answered_is_in_the_log(office: Office, ann: Person, runner: Runner) -> None:
    hook = await office.hook(ann, source="github", runnerId=runner.id)
    task, order = await office.firing(hook, runner)
    assert (await task).body["pending"] is True
    await runner.socket.emit("session_error", {"sessionId": order["sessionId"], "message": "no"})
    assert await office.outcome(ann, hook) == "runner_refused"


async def test_a_stop_interrupts_what_is_under_way_and_the_log_says_so(
    office: Office, ann: Person, runner: Runner
) -> None:
    hook = await office.hook(ann, source="github", runnerId=runner.id)
    task, _ = await office.firing(hook, runner, {"n": 1})
    assert (await task).body["pending"] is True
    await office.restart()
    [entry] = await office.deliveries(ann, hook)
    assert (entry["outcome"], entry["bodyKept"]) == ("interrupted", True)
