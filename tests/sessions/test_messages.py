"""Messages from session to session, through real sockets (sockets-agents.md 2.12)."""

from __future__ import annotations

import pytest

from tests.sessions.stage import Stage
from tests.viewers.house import Agent, Person

ERROR = "session_message_error"
NO_CHILD = "Target session is not a child of the sender (linked relationship is broken or stale)"
NO_LONGER = "Sender is no longer a child of the target session (linked relationship is broken or stale)"


async def send(agent: Agent, target: str, message: str = "hello", **more: object) -> None:
    await agent.socket.emit(
        "session_message", {"token": agent.token, "targetSessionId": target, "message": message, **more}
    )


async def test_unrelated_sessions_of_a_user_exchange_plain_messages(stage: Stage, ann: Person) -> None:
    one, two = await stage.agent(ann, "one"), await stage.agent(ann, "two")
    await send(one, "two")
    message = await two.socket.take("session_message")
    assert (message["fromSessionId"], message["message"]) == ("one", "hello")
    assert str(message["ts"]).endswith("Z")


@pytest.mark.parametrize(("deliver_as", "expected"), [("input", "followUp"), ("steer", "steer")])
async def test_a_parent_puts_input_into_its_child(stage: Stage, ann: Person, deliver_as: str, expected: str) -> None:
    parent = await stage.agent(ann, "parent")
    child = await stage.child(ann, parent, "child")
    await send(parent, "child", deliverAs=deliver_as)
    assert await child.socket.take("input") == {
        "text": "hello",
        "attachments": [],
        "client": "agent",
        "deliverAs": expected,
    }


@pytest.mark.parametrize("deliver_as", ["input", "steer"])
async def test_input_is_for_children_only(stage: Stage, ann: Person, deliver_as: str) -> None:
    one = await stage.agent(ann, "one")
    await stage.agent(ann, "two")
    await send(one, "two", deliverAs=deliver_as)
    assert await one.socket.take(ERROR) == {"targetSessionId": "two", "error": NO_CHILD}


async def test_a_delinked_child_no_longer_reaches_its_parent_nor_the_parent_it(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "parent")
    child = await stage.child(ann, parent, "child")
    await stage.app.sessions.links.delink("parent", ["child"])
    await send(child, "parent")
    assert await child.socket.take(ERROR) == {"targetSessionId": "parent", "error": NO_LONGER}
    await send(parent, "child")
    assert await parent.socket.take(ERROR) == {"targetSessionId": "child", "error": NO_CHILD}


async def test_another_users_session_is_refused(stage: Stage, ann: Person, bob: Person) -> None:
    one = await stage.agent(ann, "one")
    await stage.agent(bob, "his")
    await send(one, "his")
    error = await one.socket.take(ERROR)
    assert error["error"] == "Target session belongs to a different user"


async def test_an_unknown_session_is_refused_at_once(stage: Stage, ann: Person) -> None:
    one = await stage.agent(ann, "one")
    await send(one, "nobody")
    assert (await one.socket.take(ERROR))["error"] == "Target session not found or not connected"


async def test_a_session_just_spawned_is_waited_for(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    parent = await stage.agent(ann, "parent")
    session_id = await stage.started(ann, runner, parentSessionId="parent")
    await send(parent, session_id, deliverAs="input")
    child = await stage.child(ann, parent, session_id)
    assert (await child.socket.take("input"))["text"] == "hello"
    assert ERROR not in parent.socket.unread()


async def test_a_session_just_spawned_for_somebody_else_is_not_waited_for(
    stage: Stage, ann: Person, bob: Person
) -> None:
    runner = await stage.runner(ann)
    session_id = await stage.started(ann, runner)
    his = await stage.agent(bob, "his")
    await send(his, session_id)
    assert (await his.socket.take(ERROR))["error"] == "Target session not found or not connected"


@pytest.mark.parametrize("body", [{}, {"targetSessionId": "x"}, {"targetSessionId": 5, "message": "m"}])
async def test_both_fields_are_required(stage: Stage, ann: Person, body: dict[str, object]) -> None:
    one = await stage.agent(ann, "one")
    await one.socket.emit("session_message", {"token": one.token, **body})
    assert await one.socket.take("error") == {"message": "session_message requires targetSessionId and message"}


async def test_a_wrong_token_is_refused(stage: Stage, ann: Person) -> None:
    one = await stage.agent(ann, "one")
    await one.socket.emit("session_message", {"token": "x", "targetSessionId": "one", "message": "m"})
    assert await one.socket.take("error") == {"message": "Invalid token"}
