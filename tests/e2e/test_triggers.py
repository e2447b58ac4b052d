"""Prove what children, parents and services say to each other through the relay (rest-runners.md 14, recipes)."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.provider import MODEL, Call, Refuse, Say, Step, bash
from tests.e2e.stack import Stack
from tests.e2e.talks import (
    ENDED,
    HEARD,
    QUESTION,
    Family,
    begin,
    newest_trigger,
    respond,
    subscribe,
    until_catalogue,
    until_heard,
)
from tests.e2e.transcript import JsonObject, as_objects

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


async def history(stack: Stack, session_id: str) -> list[JsonObject]:
    """Answer the trigger list of a session, newest first."""
    return as_objects((await stack.get(f"/api/sessions/{session_id}/triggers"))["triggers"])


def runner_log(stack: Stack) -> list[str]:
    """Answer what the runner and its workers wrote."""
    assert stack.runner is not None
    return stack.runner.output().splitlines()


async def test_a_question_survives_the_death_of_the_relay(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("Which way", Say("thinking"))
    stack.provider.plan("^answer it", respond("left"), Say("answered"))
    made = await begin(stack, QUESTION, Say("done"))
    await made.parent.until_said("thinking", timeout=HEARD)
    await stack.relay.kill()
    await stack.relay.start()
    await stack.until_live(made.parent_id, timeout=40)
    await made.parent.insist("answer it")
    await until_heard(stack, "^left$")
    await until_heard(stack, r"completed:.*done")
    hub = await stack.hub()
    await hub.until_gone(made.child_id, timeout=HEARD)
    assert stack.provider.count("asks:") == 1
    assert stack.provider.count("^left$") == 1


async def asked(stack: Stack, *child: Step) -> Family:
    """Bring a child to its question, which the parent has read and not answered; it acknowledges completions."""
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("Which way", Say("thinking"))
    stack.provider.plan("^answer it", respond("left"), Say("answered"))
    made = await begin(stack, *(child or (QUESTION, Say("done"))))
    await made.parent.until_said("thinking", timeout=HEARD)
    return made


async def until_gone(stack: Stack, session_id: str) -> None:
    """Wait until a session has left the hub."""
    await (await stack.hub()).until_gone(session_id, timeout=HEARD)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_question_is_answered_and_the_completion_ends_the_child(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("asks:", respond("left"), Say("k"))
    made = await begin(stack, QUESTION, Say("done"))
    await until_heard(stack, "^left$")
    await until_heard(stack, "completed:.*done")
    await until_gone(stack, made.child_id)
    types = [entry["type"] for entry in await history(stack, made.parent_id)]
    assert types == ["session_complete", "ask_user_question", "session_linked"]
    # The parent says that it acknowledged when it has cleaned up.
    async with asyncio.timeout(HEARD):
        while not all("response" in entry for entry in (await history(stack, made.parent_id))[:2]):
            await asyncio.sleep(0.1)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_follow_up_sends_the_child_back_to_work(stack: Stack) -> None:
    stack.provider.plan("completed:.*first", respond("more please", "followUp"), Say("k"))
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("^more please", Say("second"))
    made = await begin(stack, Say("first"))
    await until_heard(stack, "completed:.*second")
    await until_gone(stack, made.child_id)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_plan_is_edited_then_approved(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("Plan A", respond("shorter", "edit"), Say("k"))
    stack.provider.plan("Plan B", respond("go", "approve"), Say("k"))
    plans = [Call("plan_mode", {"title": f"Plan {name}", "steps": [{"title": "one"}]}) for name in "AB"]
    made = await begin(stack, *plans, Say("done"))
    await until_heard(stack, "Parent suggests edit: shorter")
    await until_heard(stack, "Plan approved by parent")
    await until_gone(stack, made.child_id)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_childs_error_reaches_the_parent(stack: Stack) -> None:
    stack.provider.plan("triggers arrived|errored|encountered", respond("thanks", "ack"), Say("ok"))
    await begin(stack, Refuse(400, "usage limit: quota exceeded"))
    await until_heard(stack, "encountered an error")
    await until_heard(stack, "errored:")


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_an_escalated_question_is_answered_under_its_new_id(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("Trigger escalated", respond("left"), Say("k"))
    escalate = Call("escalate_trigger", lambda talk: {"triggerId": newest_trigger(talk), "context": "why"})
    stack.provider.plan("asks:", escalate, Say("k"))
    made = await begin(stack, QUESTION, Say("done"))
    await until_heard(stack, "Trigger escalated")
    await until_heard(stack, "^left$")
    await until_gone(stack, made.child_id)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_person_answers_and_then_acknowledges(stack: Stack) -> None:
    stack.provider.plan("Which way", Say("thinking"))
    stack.provider.plan(f" {ENDED}", Say("noted"))
    made = await begin(stack, QUESTION, Say("done"))
    await made.parent.until_said("thinking", timeout=HEARD)
    question = (await history(stack, made.parent_id))[0]["triggerId"]
    body = {"triggerId": question, "response": "right", "targetSessionId": made.child_id}
    await made.parent.call("trigger_response", body)
    await until_heard(stack, "^right$")
    await made.parent.until_said("noted", timeout=HEARD)
    completion = (await history(stack, made.parent_id))[0]["triggerId"]
    body = {"triggerId": completion, "response": "fine", "action": "ack", "targetSessionId": made.child_id}
    await made.parent.call("trigger_response", body)
    await until_gone(stack, made.child_id)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_child_whose_parent_ends_goes_on(stack: Stack) -> None:
    made = await asked(stack)
    await made.parent.execute("end_session")
    await until_heard(stack, "Trigger delivery failed")
    await made.child.until_said("done", timeout=HEARD)
    await asyncio.sleep(7)
    reported = [line for line in runner_log(stack) if "session_complete" in line]
    assert len(reported) == 1
    assert "undeliverable (HTTP 404)" in reported[0]


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_new_conversation_of_the_parent_cancels_the_question(stack: Stack) -> None:
    made = await asked(stack)
    await made.parent.execute("new_session")
    await until_heard(stack, "Parent started a new session")


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_restarted_parent_is_asked_again(stack: Stack) -> None:
    made = await asked(stack)
    await made.parent.execute("restart")
    await until_heard(stack, "asks:", times=2)
    await stack.until_live(made.parent_id)
    await made.parent.insist("answer it")
    await until_heard(stack, "^left$")


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
@pytest.mark.parametrize("first", ["parent", "child"])
async def test_the_relay_is_killed_and_both_come_back_in_either_order(stack: Stack, first: str) -> None:
    made = await asked(stack)
    other, mine = (made.child_id, made.parent_id) if first == "parent" else (made.parent_id, made.child_id)
    with stack.frozen(other):
        await stack.relay.kill()
        await stack.relay.start()
        await stack.until_live(mine, timeout=40)
        if first == "parent":
            await made.parent.insist("answer it", timeout=40)
            await made.parent.until_said("answered", timeout=HEARD)
    if first == "child":
        await stack.until_live(other, timeout=40)
        await made.parent.insist("answer it", timeout=40)
    await until_heard(stack, "^left$")
    await until_gone(stack, made.child_id)
    assert stack.provider.count("asks:") == 1


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_question_waits_for_a_parent_that_is_briefly_away(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("asks:", respond("left"), Say("k"))
    made = await begin(stack, bash("sleep 6"), QUESTION, Say("done"))
    with stack.frozen(made.parent_id):
        await stack.relay.kill()
        await stack.relay.start()
        await stack.until_live(made.child_id, timeout=40)
        # The child asks six seconds after it began; the parent is not back for long after that.
        await asyncio.sleep(10)
    await until_heard(stack, "^left$")
    assert not stack.provider.heard("Trigger delivery failed")
    await until_gone(stack, made.child_id)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_frozen_parent_with_an_open_socket_is_asked_once(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("asks:", respond("left"), Say("k"))
    made = await begin(stack, bash("sleep 3"), QUESTION, Say("done"))
    with stack.frozen(made.parent_id):
        await asyncio.sleep(6)
    await until_heard(stack, "^left$")
    await until_gone(stack, made.child_id)
    assert stack.provider.count("asks:") == 1


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_broadcast_reaches_two_sessions_and_starts_one_from_a_listener(stack: Stack) -> None:
    stack.provider.plan("External trigger", Say("heard it"))
    await until_catalogue(stack)
    sessions = [await stack.spawn(), await stack.spawn()]
    for session_id in sessions:
        await subscribe(stack, session_id, "time:timer_fired", duration="2h")
    listener = {"triggerType": "time:timer_fired", "params": {}, "cwd": str(stack.work), "model": MODEL}
    path = f"/api/runners/{stack.runner_id}"
    await stack.post(f"{path}/trigger-listeners", {**listener, "prompt": "make tea"})
    body = {"type": "time:timer_fired", "payload": {"label": "abc"}, "source": "kitchen"}
    answer = await stack.post(f"{path}/trigger-broadcast", body)
    assert (answer["delivered"], answer["spawned"]) == (2, 1)
    await until_heard(stack, "External trigger", times=3)
    await until_heard(stack, "make tea")
