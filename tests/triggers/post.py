"""Publish events as the published client does, and read what arrives."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sessions.stage import Answer, Stage, until
from tests.triggers.family import Family, trigger_of
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Json

CHILD: Json = {"kind": "session", "id": "child", "name": "Fix login"}
SCHEDULER: Json = {"kind": "scheduler", "id": "time"}


def lifecycle(kind: str = "ask_question", /, **more: object) -> Json:
    """Make what a child publishes to its parent."""
    return {
        "type": f"lifecycle:{kind}",
        "payload": {"question": "which?"},
        "fireId": "f1",
        "target": {"sessionId": "parent", "deliverAs": "steer"},
        "responseContract": {"escalate": True, "ttlMs": 1_800_000},
        "source": CHILD,
        **more,
    }


def fire(session_id: str = "s1", /, **more: object) -> Json:
    """Make what the scheduler publishes when a timer is due; `wake` is one of its fields."""
    wake = more.pop("wake", True)
    return {
        "type": "time:timer_fired",
        "payload": {"message": "tea"},
        "fireId": "os:nothing:1",
        "target": {"sessionId": session_id, "deliverAs": "followUp", "wake": wake},
        "source": SCHEDULER,
        **more,
    }


async def publish(stage: Stage, person: Person | None, body: Mapping[str, object]) -> Answer:
    return await stage.ask("POST", "/api/events", person, body)


async def published(stage: Stage, person: Person, body: Mapping[str, object]) -> Json:
    """Publish; anything but 200 fails the test."""
    answer = await publish(stage, person, body)
    assert answer.status == 200, answer.body
    assert answer.body["ok"] is True
    return answer.body


async def asked(home: Family, **more: object) -> Json:
    """Let the child ask; answer what the parent's worker got."""
    await published(home.stage, home.person, lifecycle(**more))
    return await got(home.parent)


async def got(agent: Agent) -> Json:
    """Answer the next trigger of a worker."""
    return trigger_of(await agent.socket.take("session_trigger"))


async def answer(stage: Stage, person: Person, wire_id: object, response: object = "left", **more: object) -> Answer:
    return await stage.ask("POST", f"/api/deliveries/{wire_id}/response", person, {"response": response, **more})


async def gone(stage: Stage, session_id: str) -> None:
    """Wait until a session is not live, its end noted and judged."""
    sessions = stage.app.sessions
    await until(
        lambda: (
            sessions.registry.get(session_id) is None
            and sessions.registry.queue(session_id).idle
            and not sessions.ends.busy
        )
    )


async def heard(stage: Stage) -> None:
    """Wait until every child may be answered at once."""
    await until(lambda: not stage.app.triggers.deliveries.busy)


async def deliveries(stage: Stage) -> list[Json]:
    """Answer every stored delivery."""
    await until(lambda: not stage.app.triggers.deliveries.busy)
    rows = await stage.app.storage.fetch_all("SELECT * FROM delivery ORDER BY ts, rowid")
    return [dict(row) for row in rows]
