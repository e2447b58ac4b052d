"""What an event becomes on its way, who may send it, and that it arrives once (rest-runners.md 14.1)."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from tests.sessions.stage import Stage
from tests.triggers.family import entries_of, family
from tests.triggers.post import (
    CHILD,
    SCHEDULER,
    answer,
    asked,
    deliveries,
    fire,
    gone,
    got,
    heard,
    lifecycle,
    publish,
    published,
)
from tests.viewers.house import Person
from tests.viewers.wire import Json

OLD = {
    "ask_question": "ask_user_question",
    "plan_review": "plan_review",
    "session_complete": "session_complete",
    "session_error": "session_error",
}


def dlv(person: Person, fire_id: str, session_id: str) -> str:
    digest = hashlib.sha256(f"{person.id}\0{fire_id}\0{session_id}".encode()).hexdigest()
    return f"dlv_{digest[:16]}"


# Mapping


@pytest.mark.parametrize("kind", OLD)
async def test_a_childs_event_is_published_on_the_wire_and_old_in_the_history(
    stage: Stage, ann: Person, kind: str
) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    body = await published(stage, ann, lifecycle(kind, summary="Child asks"))
    trigger = await got(home.parent)
    wire_id = dlv(ann, "f1", "parent")
    assert trigger == {
        "type": f"lifecycle:{kind}",
        "sourceSessionId": "child",
        "sourceSessionName": "Fix login",
        "targetSessionId": "parent",
        "payload": {"question": "which?"},
        "deliverAs": "steer",
        "expectsResponse": True,
        "triggerId": wire_id,
        "ts": trigger["ts"],
    }
    assert body["created"] is True
    assert body["deliveries"] == [{"sessionId": "parent", "deliveryId": wire_id}]
    assert await viewer.take("trigger_delivered", lambda found: found["triggerId"] == wire_id)
    (entry,) = await home.history()
    assert entry == {
        "triggerId": wire_id,
        "type": OLD[kind],
        "source": "child",
        "summary": "Fix login",
        "payload": {"question": "which?"},
        "deliverAs": "steer",
        "ts": trigger["ts"],
        "direction": "inbound",
    }


async def test_an_older_worker_gets_the_old_name_and_is_asked_again_by_it(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "parent")
    await stage.child(ann, parent, "child")
    await published(stage, ann, lifecycle())
    first = await got(parent)
    assert first["type"] == "ask_user_question"
    again = await stage.agent(ann, "parent")
    assert await got(again) == first
    newer = await stage.agent(ann, "parent", acksSessionTrigger=True)
    assert await got(newer) == {**first, "type": "lifecycle:ask_question"}


async def test_the_sources_name_is_the_childs_own_and_never_the_summary(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    nameless: Json = {"kind": "session", "id": "child"}
    trigger = await asked(home, source=nameless, summary="Escalation: x")
    assert trigger["sourceSessionName"] is None
    stage.session("child").name = "Live name"
    trigger = await asked(home, source=nameless, fireId="f2")
    assert trigger["sourceSessionName"] == "Live name"


@pytest.mark.parametrize(
    ("source", "summary", "name", "source_id"),
    [
        (None, None, "External (api)", "external:api"),
        (SCHEDULER, None, "External (time)", "external:time"),
        ({"kind": "service", "id": "bot", "name": "The bot"}, None, "The bot", "external:bot"),
        ({"kind": "service", "id": "bot", "name": "The bot"}, "Push to main", "Push to main", "external:bot"),
        ({"kind": 5, "id": [], "name": {}}, None, "External (api)", "external:api"),
        ("nonsense", None, "External (api)", "external:api"),
    ],
)
async def test_runners_11_a_source_that_is_no_session_is_external_everywhere(
    stage: Stage, ann: Person, source: object, summary: str | None, name: str, source_id: str
) -> None:
    agent = await stage.agent(ann, "s1")
    body: Json = {"type": "svc:x", "payload": {}, "target": {"sessionId": "s1"}, "source": source, "summary": summary}
    await published(stage, ann, body)
    trigger = await got(agent)
    assert (trigger["sourceSessionName"], trigger["sourceSessionId"]) == (name, source_id)
    assert (trigger["deliverAs"], trigger["expectsResponse"]) == ("steer", False)
    assert str(trigger["triggerId"]).startswith("ext_")
    assert len(str(trigger["triggerId"])) == 20
    (entry,) = await entries_of(stage.app.triggers.history, "s1")
    assert entry["source"] == source_id
    assert entry.get("summary") == summary


@pytest.mark.parametrize(
    "change",
    [
        {"type": ""},
        {"type": 5},
        {"type": None},
        {"payload": []},
        {"payload": None},
        {"payload": "x"},
        {"target": "s1"},
        {"target": {}},
        {"target": {"sessionId": ""}},
        {"target": {"sessionId": "s1", "deliverAs": "later"}},
        {"fireId": ""},
        {"fireId": 5},
        {"fireId": "x" * 1025},
        {"fireId": "\ud800"},
    ],
)
async def test_a_body_that_does_not_fit_is_400(stage: Stage, ann: Person, change: Json) -> None:
    await stage.agent(ann, "s1")
    body: Json = {"type": "svc:x", "payload": {}, "target": {"sessionId": "s1"}, **change}
    result = await publish(stage, ann, body)
    assert result.status == 400
    assert isinstance(result.body["error"], str)


async def test_a_payload_too_deep_is_400_and_a_lone_surrogate_passes(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1")
    deep: object = 1
    for _ in range(400):
        deep = [deep]
    body: Json = {"type": "svc:x", "payload": {"deep": deep}, "target": {"sessionId": "s1"}}
    assert (await publish(stage, ann, body)).status == 400
    await published(stage, ann, {**body, "type": "svc:\ud800", "payload": {"half": "\udc00"}, "fireId": "f"})
    assert (await got(agent))["payload"] == {"half": "\udc00"}


async def test_the_call_needs_a_caller(stage: Stage) -> None:
    assert (await publish(stage, None, fire())).status == 401


# Who may speak


async def test_only_children_speak_in_a_sessions_name(stage: Stage, ann: Person, bob: Person) -> None:
    home = await family(stage, ann)
    await stage.agent(ann, "stranger")
    await stage.agent(bob, "his")

    async def status(source: Json, **more: object) -> int:
        return (await publish(stage, ann, lifecycle(source=source, **more))).status

    assert await status({"kind": "session", "id": "stranger"}) == 404
    assert await status({"kind": "session", "id": "parent"}) == 404
    assert await status({"kind": "session", "id": "his"}) == 403
    assert await status({"kind": "session", "id": "nobody"}) == 403
    assert await status({"kind": "session"}) == 403
    assert (await publish(stage, bob, lifecycle())).status == 403
    assert await status(CHILD, target={"sessionId": "his"}) == 404
    await stage.app.sessions.links.delink("parent", ["child"])
    assert await status(CHILD) == 404
    assert "session_trigger" not in home.parent.socket.unread()
    assert await deliveries(stage) == []


async def test_runners_01_a_child_whose_parent_ended_is_told_404(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.parent.socket.emit("session_end", {"token": home.parent.token, "sessionId": "parent"})
    await gone(stage, "parent")
    for kind in ("session_complete", "ask_question"):
        assert (await publish(stage, ann, lifecycle(kind, fireId=kind))).status == 404


async def test_a_child_that_registers_after_its_event_may_speak(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await stage.restart()
    home.parent = await home.back(home.parent, acksSessionTrigger=True)
    assert (await asked(home))["sourceSessionId"] == "child"


# Once


async def test_a_repeat_of_a_delivered_event_delivers_nothing(stage: Stage, ann: Person, bob: Person) -> None:
    home = await family(stage, ann)
    first = await published(stage, ann, lifecycle("session_complete"))
    again = await published(stage, ann, lifecycle("session_complete", payload={"other": 1}))
    assert (again["eventId"], again["created"]) == (first["eventId"], False)
    await stage.restart()
    again = await published(stage, ann, lifecycle("session_complete"))
    assert (again["eventId"], again["created"]) == (first["eventId"], False)
    assert len(await home.history()) == 1
    his = await stage.agent(bob, "s1")
    await published(stage, bob, fire(fireId="f1"))
    await got(his)


async def test_repeats_at_the_same_time_join(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann, acks=False)
    bodies = await asyncio.gather(*(published(stage, ann, lifecycle()) for _ in range(4)))
    assert sorted(str(body["created"]) for body in bodies) == ["False", "False", "False", "True"]
    assert len({str(body["eventId"]) for body in bodies}) == 1
    await got(home.parent)
    assert "session_trigger" not in home.parent.socket.unread()


async def test_an_event_that_failed_is_tried_again_under_the_same_wire_id(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.leave(home.parent)
    assert (await publish(stage, ann, lifecycle("session_complete"))).status == 503
    assert await deliveries(stage) == []
    home.parent = await home.back(home.parent)
    body = await published(stage, ann, lifecycle("session_complete"))
    assert body["created"] is True
    assert (await got(home.parent))["triggerId"] == dlv(ann, "f1", "parent")


async def test_silence_is_delivery_but_for_a_scheduler(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1", acksSessionTrigger=True)
    assert (await publish(stage, ann, fire(source=None, fireId="a"))).status == 200
    assert (await publish(stage, ann, fire(fireId="os:r:1"))).status == 503
    await got(agent)
    first = await got(agent)
    agent.socket.answers["session_trigger"] = {"ok": True}
    body = await published(stage, ann, fire(fireId="os:r:1"))
    assert body["created"] is True
    assert (await got(agent))["triggerId"] == first["triggerId"]


async def test_old_fired_events_are_forgotten(stage: Stage, ann: Person) -> None:
    await stage.agent(ann, "s1")
    first = await published(stage, ann, fire())
    await stage.app.sessions.sweeper.sweep()
    assert (await published(stage, ann, fire()))["created"] is False
    old = "UPDATE fired_event SET ts = '2020-01-01T00:00:00.000Z'"
    await stage.app.storage.write(lambda tx: tx.execute(old))
    await stage.app.sessions.sweeper.sweep()
    assert (await published(stage, ann, fire()))["eventId"] != first["eventId"]


# Escalation


async def escalate(stage: Stage, person: Person, wire_id: object, **more: object) -> Json:
    body = lifecycle(
        "escalation",
        fireId=f"escalate:{wire_id}",
        payload={"originalTriggerId": wire_id, "reason": "why"},
        responseContract={"escalate": False},
    )
    return await published(stage, person, {**body, **more})


@pytest.mark.parametrize("which", ["original", "escalation"])
async def test_an_escalation_has_its_own_id_and_either_answer_ends_both(stage: Stage, ann: Person, which: str) -> None:
    home = await family(stage, ann)
    first = await asked(home)
    await escalate(stage, ann, first["triggerId"])
    second = await got(home.parent)
    assert second["triggerId"] != first["triggerId"]
    assert (second["type"], second["sourceSessionId"]) == ("lifecycle:escalation", "child")
    await heard(stage)
    named = first if which == "original" else second
    other = second if which == "original" else first
    assert (await answer(stage, ann, named["triggerId"])).body == {"ok": True, "relayed": True}
    assert await home.child.socket.take("trigger_response") == {"triggerId": "f1", "response": "left"}
    assert (await answer(stage, ann, other["triggerId"])).status == 409
    entries = await home.history()
    assert [entry["type"] for entry in entries] == ["escalate", "ask_user_question"]
    assert all("response" in entry for entry in entries)
    home.parent = await home.back(home.parent)
    await home.parent.socket.call("get_linked_child_count", {"token": home.parent.token})
    assert "session_trigger" not in home.parent.socket.unread()


async def test_an_answered_question_cannot_be_escalated(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    first = await asked(home)
    await answer(stage, ann, first["triggerId"])
    body = lifecycle("escalation", fireId="e", payload={"originalTriggerId": first["triggerId"]})
    assert (await publish(stage, ann, body)).status == 409


async def test_a_child_of_an_escalated_question_is_released_once(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    first = await asked(home)
    await escalate(stage, ann, first["triggerId"])
    await home.parent.socket.emit("session_end", {"token": home.parent.token, "sessionId": "parent"})
    error = await home.child.socket.take("session_message_error")
    assert error["triggerId"] == "f1"
    assert [(row["relayed"], row["closed_at"] is not None) for row in await deliveries(stage)] == [(1, True)] * 2
    await home.child.socket.call("get_linked_child_count", {"token": home.child.token})
    assert "session_message_error" not in home.child.socket.unread()


async def test_an_older_childs_question_can_be_escalated_too(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger()
    await escalate(stage, ann, "t1")
    await got(home.parent)
    second = await got(home.parent)
    await answer(stage, ann, second["triggerId"], "right", action="approve")
    expected = {"triggerId": "t1", "response": "right", "action": "approve"}
    assert await home.child.socket.take("trigger_response") == expected
