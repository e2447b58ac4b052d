"""A parent, its child, and what they say to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from relay.triggers.history import TriggerHistory
from relay.triggers.store import MAX_ENTRIES
from tests.sessions.stage import Stage, until
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Joined, Json

OK = [{"ok": True}]


@dataclass
class Family:
    """Two linked sessions of one person on a relay."""

    stage: Stage
    person: Person
    parent: Agent
    child: Agent

    async def trigger(self, **more: object) -> list[object]:
        """Let the child send a trigger; answer its acknowledgement."""
        return await self.child.socket.call("session_trigger", {"token": self.child.token, "trigger": ask(**more)})

    async def respond(self, response: object = "yes", **more: object) -> list[object]:
        """Let the parent answer; answer its acknowledgement."""
        body: Json = {
            "token": self.parent.token,
            "triggerId": "t1",
            "response": response,
            "targetSessionId": "child",
            **more,
        }
        return await self.parent.socket.call("trigger_response", body)

    async def viewer(self, session_id: str = "parent") -> Joined:
        """Let a browser watch."""
        viewer = await self.stage.viewer(self.person)
        await viewer.emit("switch_session", {"sessionId": session_id})
        await viewer.take("connected")
        return viewer

    async def history(self) -> list[Json]:
        """Answer the parent's history without its link entries."""
        entries = await entries_of(self.stage.app.triggers.history, "parent")
        return [entry for entry in entries if entry["type"] != "session_linked"]

    async def leave(self, agent: Agent) -> None:
        """Let an agent's transport close."""
        await agent.socket.wire.close()
        await until(lambda: self.stage.app.sessions.registry.get(agent.session_id) is None)

    async def back(self, agent: Agent, **more: object) -> Agent:
        """Register an agent's session anew."""
        return await self.stage.agent(self.person, agent.session_id, **more)


async def entries_of(history: TriggerHistory, session_id: str, limit: int = MAX_ENTRIES) -> list[Json]:
    """Answer a session's history, newest first."""
    entries = json.loads(await history.page(session_id, limit))
    assert isinstance(entries, list)
    return entries


def ask(**more: object) -> Json:
    """Make a child's question."""
    return {
        "type": "ask_user_question",
        "sourceSessionId": "somebody else",
        "sourceSessionName": "Fix login",
        "targetSessionId": "parent",
        "payload": {"question": "which?"},
        "deliverAs": "steer",
        "expectsResponse": True,
        "triggerId": "t1",
        "ts": "2026-01-01T00:00:00.000Z",
        **more,
    }


async def family(stage: Stage, person: Person, **parent: object) -> Family:
    """Register a parent and its child."""
    acks = parent.pop("acks", True)
    made = await stage.agent(person, "parent", acksSessionTrigger=True, **parent)
    if acks:
        made.socket.answers["session_trigger"] = {"ok": True}
    return Family(stage, person, made, await stage.child(person, made, "child"))


def trigger_of(body: Mapping[str, object]) -> Json:
    """Answer the trigger in a `session_trigger` event."""
    trigger = body["trigger"]
    assert isinstance(trigger, dict)
    return trigger
