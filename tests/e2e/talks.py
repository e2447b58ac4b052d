"""Let agents of the published client speak to each other: a parent, its child, and what each is planned to say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.e2e.provider import MODEL, Call, Conversation, Say, Step, ask_user
from tests.e2e.stack import Stack
from tests.e2e.transcript import as_object
from tests.e2e.viewer import Viewer

#: How long an agent may take to hear of something: the batching of triggers, a turn, a busy machine.
HEARD = 40.0
QUESTION = ask_user("Which way?", "left", "right")
#: A parent's worker introduces the end of a child so.
ENDED = r"(completed|errored|was killed):"


@dataclass(frozen=True, slots=True)
class Family:
    """Hold a parent and its child, and the viewers of both."""

    parent_id: str
    child_id: str
    parent: Viewer
    child: Viewer


def spawn_child(prompt: str, **more: object) -> Call:
    """Answer the step in which an agent spawns a child."""
    return Call("spawn_session", {"prompt": prompt, "model": MODEL, **more})


def respond(response: str, action: str | None = None) -> Call:
    """Answer the step in which an agent answers the trigger it read last."""

    def arguments(talk: Conversation) -> dict[str, object]:
        body: dict[str, object] = {"triggerId": newest_trigger(talk), "response": response}
        return body if action is None else {**body, "action": action}

    return Call("respond_to_trigger", arguments)


def newest_trigger(talk: Conversation) -> str:
    """Answer the id of the trigger that an agent read last."""
    return talk.find(r"trigger:([\w:-]+) source:")


async def begin(stack: Stack, *child: Step) -> Family:
    """Let an agent spawn a child that takes these steps; answer when the child is live."""
    stack.provider.plan("^be a parent", spawn_child("be a child"), Say("waiting"))
    stack.provider.plan("^be a child", *child)
    parent_id = await stack.spawn()
    hub = await stack.hub()
    parent = await stack.viewer(parent_id)
    assert await parent.tell("be a parent")
    await hub.changed.until(lambda: len(hub.sessions) == 2, "the child on the hub", 30, lambda: hub.sessions)
    [child_id] = set(hub.sessions) - {parent_id}
    return Family(parent_id, child_id, parent, await stack.viewer(child_id))


async def until_heard(stack: Stack, pattern: str, times: int = 1, within: float = HEARD) -> None:
    """Wait until agents were asked to react to messages in which the pattern occurs, that often."""
    await stack.provider.changed.until(
        lambda: stack.provider.count(pattern) >= times, f"an agent to hear {pattern!r}", within
    )


async def subscribe(stack: Stack, session_id: str, event_type: str, **params: object) -> str:
    """Subscribe a session to an event as the agent's tool does; answer the route's id."""
    target = {"kind": "session", "sessionId": session_id}
    body = {"eventType": event_type, "target": target, "deliverAs": "followUp", "params": params}
    return str(as_object((await stack.post("/api/routes", body)).get("route"))["routeId"])


async def until_catalogue(stack: Stack) -> None:
    """Wait until the runner has announced the triggers of its services."""
    async with asyncio.timeout(30):
        while not (await stack.get(f"/api/runners/{stack.runner_id}/triggers")).get("triggerDefs"):
            await asyncio.sleep(0.1)
