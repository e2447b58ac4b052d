"""Answers of parents and of people, through real sockets (sockets-agents.md 2.13, sockets-browsers.md 2.6)."""

from __future__ import annotations

import asyncio

import pytest

from tests.sessions.stage import Stage, failed
from tests.triggers.family import OK, Family, family
from tests.viewers.house import Person
from tests.viewers.wire import Joined

NOT_PARENT = "Sender is not the parent of the target session (linked relationship is broken or stale)"


async def response_text(home: Family) -> object:
    (entry,) = await home.history()
    response = entry.get("response")
    return response["text"] if isinstance(response, dict) else None


async def test_an_answer_reaches_the_child_and_the_parents_history(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await home.trigger()
    await viewer.take("trigger_delivered", lambda body: body["triggerId"] == "t1")
    assert await home.respond("do it", action="approve") == OK
    expected = {"triggerId": "t1", "response": "do it", "action": "approve"}
    assert await home.child.socket.take("trigger_response") == expected
    assert await viewer.take("trigger_delivered") == {"triggerId": "t1"}
    (entry,) = await home.history()
    response = entry["response"]
    assert isinstance(response, dict)
    assert {**response, "ts": ""} == {"text": "do it", "action": "approve", "ts": ""}


async def test_an_answer_to_a_trigger_that_expected_none_is_passed_on(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger(expectsResponse=False)
    assert await home.respond({"structured": [1]}) == OK
    assert await home.child.socket.take("trigger_response") == {"triggerId": "t1", "response": {"structured": [1]}}
    assert await response_text(home) == '{"structured":[1]}'


async def test_an_answer_to_a_completion_is_recorded_and_goes_nowhere(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger(type="session_complete")
    assert await home.respond("thanks", action="ack") == OK
    assert await response_text(home) == "thanks"
    assert await home.child.socket.call("get_linked_child_count", {"token": home.child.token})
    assert "trigger_response" not in home.child.socket.unread()


async def test_an_answer_to_a_child_that_is_away_is_kept(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger()
    await home.leave(home.child)
    assert await home.respond("kept") == OK
    home.child = await home.back(home.child, parentSessionId="parent")
    assert await home.child.socket.take("trigger_response") == {"triggerId": "t1", "response": "kept"}
    home.child = await home.back(home.child, parentSessionId="parent")
    await home.child.socket.call("get_linked_child_count", {"token": home.child.token})
    assert "trigger_response" not in home.child.socket.unread()


async def test_an_answer_to_the_outside_is_recorded_and_one_to_nobody_accepted(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger(expectsResponse=False)
    assert await home.respond("out", targetSessionId="external:github") == OK
    assert await response_text(home) == "out"
    assert await home.respond("void", targetSessionId="nobody", triggerId="t9") == OK


async def test_agents_07_every_refused_answer_is_explicit(stage: Stage, ann: Person, bob: Person) -> None:
    home = await family(stage, ann)
    await stage.agent(bob, "his")
    await stage.agent(ann, "stranger")
    missing = "trigger_response requires triggerId, response, and targetSessionId"
    cases: list[tuple[dict[str, object], str, str | None]] = [
        ({"response": None}, "Missing required fields", missing),
        ({"triggerId": ""}, "Missing required fields", missing),
        ({"targetSessionId": 5}, "Missing required fields", missing),
        ({"token": "wrong"}, "Invalid token", "Invalid token"),
        ({"targetSessionId": "his"}, "Target session belongs to a different user", None),
        ({"targetSessionId": "stranger"}, NOT_PARENT, None),
    ]
    for change, error, told in cases:
        answer = await home.respond(**{"response": "x", **change})
        assert failed(answer) == error
        assert await home.parent.socket.take("error") == {"message": told or error}


async def test_a_child_does_not_answer_its_parent(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    body = {"token": home.child.token, "triggerId": "t1", "response": "x", "targetSessionId": "parent"}
    assert failed(await home.child.socket.call("trigger_response", body)) == NOT_PARENT


# People


async def answer(viewer: Joined, **more: object) -> list[object]:
    body = {"triggerId": "t1", "response": "human", "targetSessionId": "child", **more}
    return await viewer.call("trigger_response", body)


async def refused(viewer: Joined, **more: object) -> str:
    """Let a person answer in vain; answer the error. There must be no acknowledgement."""
    call = asyncio.create_task(answer(viewer, **more))
    error = await viewer.take("trigger_error")
    assert error["triggerId"] == "t1"
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    return str(error["message"])


async def test_a_person_answers_the_child_itself(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await home.trigger()
    assert await answer(viewer, action="approve") == []
    expected = {"triggerId": "t1", "response": "human", "action": "approve"}
    assert await home.child.socket.take("trigger_response") == expected
    assert await response_text(home) == "human"
    assert "already answered" in await refused(viewer)
    assert failed(await home.respond("late")) == "Already answered"


async def test_a_persons_answer_to_a_completion_goes_to_the_parents_agent(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await home.trigger(type="session_complete")
    assert await answer(viewer, action="ack") == []
    assert await home.parent.socket.take("trigger_response") == {
        "triggerId": "t1",
        "response": "human",
        "action": "ack",
        "targetSessionId": "child",
    }
    assert await response_text(home) is None
    assert await home.respond("human", action="ack") == OK
    assert await response_text(home) == "human"
    assert "already answered" in await refused(viewer)


@pytest.mark.parametrize("target", [None, "", "parent"])
async def test_without_a_target_the_agent_finds_the_child(stage: Stage, ann: Person, target: str | None) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    assert await answer(viewer, targetSessionId=target) == []
    assert (await home.parent.socket.take("trigger_response"))["response"] == "human"


async def test_a_persons_answer_to_a_child_that_is_away_is_kept(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await home.trigger()
    await home.leave(home.child)
    assert await answer(viewer) == []
    home.child = await home.back(home.child, parentSessionId="parent")
    assert (await home.child.socket.take("trigger_response"))["response"] == "human"


async def test_a_persons_answer_that_cannot_be_delivered_says_so(stage: Stage, ann: Person, bob: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await stage.agent(bob, "his")
    await stage.agent(ann, "stranger")
    assert await refused(viewer, targetSessionId="nobody") == "Child session nobody is no longer available"
    assert await refused(viewer, targetSessionId="his") == "Target session his not found or unauthorized"
    assert await refused(viewer, targetSessionId="stranger") == (
        "Target session stranger is not a child of this session"
    )


async def test_answers_without_a_session_or_content_are_ignored(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    outsider = await stage.viewer(ann)
    viewer = await home.viewer()
    calls = [
        asyncio.create_task(answer(outsider)),
        asyncio.create_task(answer(viewer, triggerId="")),
        asyncio.create_task(answer(viewer, response=None)),
        asyncio.create_task(viewer.call("trigger_response", None)),
    ]
    assert await answer(viewer, targetSessionId=None) == []
    assert not any(call.done() for call in calls)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert "trigger_error" not in [*viewer.unread(), *outsider.unread()]


async def test_a_mirror_takes_no_answers_of_people(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    mirror = await stage.child(ann, home.parent, "mirror", collabMode=False)
    viewer = await home.viewer("mirror")
    call = asyncio.create_task(answer(viewer, targetSessionId=None))
    await mirror.socket.call("get_linked_child_count", {"token": mirror.token})
    assert not call.done()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert "trigger_response" not in mirror.socket.unread()
