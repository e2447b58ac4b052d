"""Prove the links between a parent and the sessions that its agent spawns (sockets-agents.md 2.11, 2.12)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from tests.e2e.feeds import Hub
from tests.e2e.provider import MODEL, Call, Conversation, Say, Step
from tests.e2e.stack import Stack
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

LONG = " ".join(f"step{number}" for number in range(20))


@dataclass(frozen=True, slots=True)
class Family:
    """Hold a parent, its child in the middle of a held answer, and who watches them."""

    parent_id: str
    child_id: str
    parent: Viewer
    child: Viewer
    hub: Hub
    child_goes_on: asyncio.Event


def spawn_child(prompt: str) -> Call:
    """Answer the step in which an agent spawns a child."""
    return Call("spawn_session", {"prompt": prompt, "model": MODEL})


def child_of(talk: Conversation) -> str:
    """Answer the session id in the spawn tool's result."""
    return talk.find(r"Session ID: ([0-9a-f-]{36})")


async def family(stack: Stack, *then: Step) -> Family:
    """Let an agent spawn a child; the child is held in mid-answer. `then` are the parent's further steps."""
    go_on = asyncio.Event()
    stack.provider.plan("^be a parent", spawn_child("be a child"), *then, Say("waiting"))
    stack.provider.plan("^be a child", Say(LONG, gate=go_on, before=10))
    parent_id = await stack.spawn()
    hub = await stack.hub()
    parent = await stack.viewer(parent_id)
    assert await parent.tell("be a parent")
    await hub.changed.until(lambda: len(hub.sessions) == 2, "the child on the hub", 30, lambda: hub.sessions)
    [child_id] = set(hub.sessions) - {parent_id}
    child = await stack.viewer(child_id)
    await child.until_said("step9")
    return Family(parent_id, child_id, parent, child, hub, go_on)


async def test_a_spawned_child_is_linked_on_the_hub_and_in_the_list(stack: Stack) -> None:
    made = await family(stack)
    assert made.hub.sessions[made.child_id]["parentSessionId"] == made.parent_id
    assert made.hub.sessions[made.parent_id].get("parentSessionId") is None
    assert made.hub.sessions[made.child_id]["runnerId"] == stack.runner_id
    rows = await stack.live_sessions()
    assert rows[made.child_id]["parentSessionId"] == made.parent_id
    await made.parent.until_idle()
    [result] = made.parent.transcript.texts("toolResult")
    assert made.child_id in result
    made.child_goes_on.set()
    await made.child.until_said("step19")


async def test_what_a_parent_tells_its_child_is_read_by_the_child(stack: Stack) -> None:
    tell = Call("tell_child", lambda talk: {"sessionId": child_of(talk), "message": "hurry up"})
    made = await family(stack)
    stack.provider.plan("^speak to it", tell, Say("told"))
    await made.parent.until_idle()
    assert await made.parent.tell("speak to it")
    await made.parent.until_said("told", timeout=30)
    made.child_goes_on.set()
    await made.child.until(lambda: "hurry up" in str(made.child.transcript.texts("user")), "the child to read it", 30)
    await made.child.until_said("hurry up")


async def test_the_link_survives_a_restart_of_the_relay(stack: Stack) -> None:
    made = await family(stack)
    await made.parent.until_idle()
    await stack.relay.kill()
    await stack.relay.start()
    await stack.until_live(made.parent_id, timeout=40)
    await stack.until_live(made.child_id, timeout=40)
    rows = await stack.live_sessions()
    assert rows[made.child_id]["parentSessionId"] == made.parent_id
    stack.provider.plan(
        "^speak to it", Call("tell_child", {"sessionId": made.child_id, "message": "still mine"}), Say("told")
    )
    await made.parent.insist("speak to it")
    await made.parent.until_said("told", timeout=30)
    made.child_goes_on.set()
    await made.child.until_said("still mine", timeout=40)


async def test_a_new_conversation_of_the_parent_lets_its_child_go(stack: Stack) -> None:
    made = await family(stack)
    await made.parent.until_idle()
    result = await made.parent.execute("new_session")
    assert result.get("ok") is True
    stack.provider.plan(
        "^speak to it", Call("tell_child", {"sessionId": made.child_id, "message": "come back"}), Say("tried")
    )
    assert await made.parent.tell("speak to it")
    await made.parent.until_said("tried", timeout=30)
    results = [text for text in made.parent.transcript.texts("toolResult") if "not a child" in text]
    assert len(results) == 1
    made.child_goes_on.set()
    await made.child.until_said("step19")
    assert not any("come back" in text for text in made.child.transcript.texts("user"))


async def test_a_child_that_is_ended_leaves_the_hub_and_its_parent_stays(stack: Stack) -> None:
    made = await family(stack)
    await made.child.execute("end_session")
    await made.hub.until_gone(made.child_id)
    await made.child.until(lambda: "session_ended" in made.child.codes(), "the viewer to be told", 10)
    assert made.parent_id in made.hub.sessions
    assert made.child_id in await stack.history()
    await made.parent.until_idle()
    assert await made.parent.tell("still here?")
    await made.parent.until_said("You said: still here?")
