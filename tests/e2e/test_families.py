"""Prove what families do when answers are lost, questions cross, and members are killed (rest-runners.md 14.1)."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.e2e.middleman import Middleman
from tests.e2e.provider import Call, Conversation, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import ENDED, HEARD, QUESTION, begin, respond, spawn_child, until_heard
from tests.e2e.test_triggers import asked, history, until_gone
from tests.e2e.waiting import poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


@pytest.fixture
async def middleman(bare_stack: Stack) -> AsyncIterator[Middleman]:
    """What the runner and its workers take for the relay."""
    async with Middleman(bare_stack.url) as between:
        bare_stack.clients_url = between.url
        await bare_stack.start_runner()
        yield between


def told(talk: Conversation) -> Mapping[str, object]:
    """Answer the arguments that a person wrote behind the first word."""
    _, text = talk.last_user()
    arguments = json.loads(text[text.index("{") :])
    assert isinstance(arguments, dict)
    return arguments


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_completion_whose_answer_is_lost_is_sent_again_and_read_once(
    bare_stack: Stack, middleman: Middleman
) -> None:
    stack = bare_stack
    middleman.lose = "lifecycle:session_complete"
    stack.provider.plan(f" {ENDED}", Say("noted"))
    stack.provider.plan("^acknowledge it", respond("thanks", "ack"), Say("ok"))
    made = await begin(stack, Say("done"))
    await middleman.changed.until(lambda: len(middleman.passed) == 2, "it again", HEARD, lambda: middleman.passed)
    await made.parent.until_said("noted", timeout=HEARD)
    await made.parent.insist("acknowledge it")
    await until_gone(stack, made.child_id)
    (first, lost, created), (again, status, known) = middleman.passed
    assert first["fireId"] == again["fireId"]
    assert (lost, status) == (200, 200)
    assert isinstance(created, dict)
    assert isinstance(known, dict)
    assert (created["created"], known["created"]) == (True, False)
    assert created["eventId"] == known["eventId"]
    assert stack.provider.count(f" {ENDED}") == 1


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_child_that_its_runner_kills_is_reported_to_the_parent(bare_stack: Stack, middleman: Middleman) -> None:
    stack = bare_stack
    made = await asked(stack)
    await middleman.say_to_runner("kill_session", {"sessionId": made.child_id})
    await until_heard(stack, "was killed:")
    await until_gone(stack, made.child_id)
    question = (await history(stack, made.parent_id))[1]
    assert question["type"] == "ask_user_question"
    body = {"response": "left"}
    status, answer = await stack.request("POST", f"/api/deliveries/{question['triggerId']}/response", body)
    assert status == 404, answer
    assert stack.provider.count("was killed:") == 1


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_a_parent_hears_of_a_child_whose_worker_died_and_goes_on(stack: Stack) -> None:
    made = await asked(stack)
    os.kill(stack.worker_pid(made.child_id), signal.SIGKILL)
    await until_gone(stack, made.child_id)
    over = f"session ended for good .*session_id={made.child_id}"
    await poll(lambda: re.search(over, stack.relay.process.output()) is not None, "the end of the child", HEARD)
    await until_heard(stack, "was killed:")
    question = (await history(stack, made.parent_id))[1]
    assert question["type"] == "ask_user_question"
    body = {"response": "left"}
    status, answer = await stack.request("POST", f"/api/deliveries/{question['triggerId']}/response", body)
    assert status == 404, answer
    await made.parent.insist("still here?")
    await made.parent.until_said("You said: still here?")


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_two_questions_are_answered_in_the_reverse_order_each_by_its_own(stack: Stack) -> None:
    child = spawn_child("be a child")
    stack.provider.plan("^be a parent", child, child, Say("waiting"))
    stack.provider.plan("^be a child", QUESTION, Say("done"))
    stack.provider.plan("^answer ", Call("respond_to_trigger", told), Say("answered"))
    stack.provider.plan(f" {ENDED}", Say("noted"))
    stack.provider.plan("Which way", Say("thinking"))
    parent_id = await stack.spawn()
    parent = await stack.viewer(parent_id)
    assert await parent.tell("be a parent")
    async with asyncio.timeout(HEARD):
        while True:
            questions = [one for one in await history(stack, parent_id) if one["type"] == "ask_user_question"]
            if len(questions) == 2:
                break
            await asyncio.sleep(0.1)
    await parent.until_said("thinking", timeout=HEARD)
    children = [str(one["source"]) for one in questions]
    assert len(set(children)) == 2
    viewers = [await stack.viewer(child_id) for child_id in children]
    # The history is newest first.
    for question, viewer in zip(questions, viewers, strict=True):
        answer = {"triggerId": question["triggerId"], "response": f"for {question['source']}"}
        await parent.insist(f"answer {json.dumps(answer)}")
        await viewer.until_said("done", timeout=HEARD)
    for child_id, viewer in zip(children, viewers, strict=True):
        assert viewer.transcript.texts("toolResult") == [f"for {child_id}"]
