"""Answers over HTTP: where they go, which one counts, and what is kept (rest-runners.md 14.3)."""

from __future__ import annotations

import asyncio

import pytest

from relay.events import QuestionOverdue
from relay.triggers.deliveries import Deliveries
from tests.sessions.stage import Stage, failed, until
from tests.triggers.family import entries_of, family
from tests.triggers.post import answer, asked, deliveries, got, heard, lifecycle, publish, published
from tests.viewers.house import Person
from tests.viewers.wire import Joined, Json

OK = {"ok": True, "relayed": True}
NOT_RELAYED = {"ok": True, "relayed": False}


async def settled(socket: Joined, token: str) -> list[str]:
    """Answer what a worker got and nobody took, after everything that was sent to it arrived."""
    await socket.call("get_linked_child_count", {"token": token})
    return socket.unread()


@pytest.mark.parametrize("kind", ["ask_question", "plan_review", "session_error"])
async def test_an_answer_reaches_the_child_under_the_id_it_waits_on(stage: Stage, ann: Person, kind: str) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await published(stage, ann, lifecycle(kind))
    trigger = await got(home.parent)
    await heard(stage)
    result = await answer(stage, ann, trigger["triggerId"], "left", action="approve")
    assert (result.status, result.body) == (200, OK)
    expected = {"triggerId": "f1", "response": "left", "action": "approve"}
    assert await home.child.socket.take("trigger_response") == expected
    (entry,) = await home.history()
    response = entry["response"]
    assert isinstance(response, dict)
    assert {**response, "ts": ""} == {"text": "left", "action": "approve", "ts": ""}
    await viewer.take("trigger_delivered", lambda body: body["triggerId"] == trigger["triggerId"])


async def test_an_answer_that_overtakes_the_callers_own_is_kept_back_until_the_child_listens(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann, acks=False)
    asking = asyncio.create_task(publish(stage, ann, lifecycle()))
    trigger = await got(home.parent)
    assert not asking.done()
    assert (await answer(stage, ann, trigger["triggerId"])).body == NOT_RELAYED
    assert "trigger_response" not in await settled(home.child.socket, home.child.token)
    assert (await asking).status == 200
    assert await home.child.socket.take("trigger_response") == {"triggerId": "f1", "response": "left"}
    (row,) = await deliveries(stage)
    assert row["relayed"] == 1


async def test_an_answer_to_a_child_that_is_away_is_kept_over_a_restart(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    trigger = await asked(home)
    await heard(stage)
    await home.leave(home.child)
    assert (await answer(stage, ann, trigger["triggerId"])).body == NOT_RELAYED
    await stage.restart()
    home.child = await home.back(home.child, parentSessionId="parent")
    assert await home.child.socket.take("trigger_response") == {"triggerId": "f1", "response": "left"}
    home.child = await home.back(home.child, parentSessionId="parent")
    assert "trigger_response" not in await settled(home.child.socket, home.child.token)


async def test_agents_02_an_open_question_over_http_survives_a_restart_in_either_order(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    first = await asked(home)
    await stage.restart()
    home.child = await home.back(home.child, parentSessionId="parent")
    home.parent = await home.back(home.parent, acksSessionTrigger=True)
    assert await got(home.parent) == first
    assert (await answer(stage, ann, first["triggerId"])).body == OK
    assert (await home.child.socket.take("trigger_response"))["triggerId"] == "f1"
    await asked(home, fireId="f2")
    await stage.restart()
    home.parent = await home.back(home.parent, acksSessionTrigger=True)
    second = await got(home.parent)
    assert (await answer(stage, ann, second["triggerId"], "kept")).body == NOT_RELAYED
    home.child = await home.back(home.child, parentSessionId="parent")
    assert await home.child.socket.take("trigger_response") == {"triggerId": "f2", "response": "kept"}


async def test_agents_14_a_parent_asked_again_answers_once_and_a_second_answer_changes_nothing(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    first = await asked(home)
    await heard(stage)
    home.parent = await home.back(home.parent, acksSessionTrigger=True)
    assert await got(home.parent) == first
    assert (await answer(stage, ann, first["triggerId"], "one")).body == OK
    late = await answer(stage, ann, first["triggerId"], "two")
    assert (late.status, late.body) == (409, {"error": "Already answered"})
    assert failed(await home.respond("three", triggerId=first["triggerId"])) == "Already answered"
    assert failed(await home.respond("four", triggerId="f1")) == "Already answered"
    cancelled = await answer(stage, ann, first["triggerId"], "", action="cancel")
    assert (cancelled.status, cancelled.body) == (200, NOT_RELAYED)
    assert (await home.child.socket.take("trigger_response"))["response"] == "one"
    assert "trigger_response" not in await settled(home.child.socket, home.child.token)


async def test_an_answer_to_a_completion_is_recorded_and_goes_nowhere(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await published(stage, ann, lifecycle("session_complete"))
    trigger = await got(home.parent)
    await home.leave(home.child)
    assert (await answer(stage, ann, trigger["triggerId"], "thanks", action="ack")).body == NOT_RELAYED
    (entry,) = await home.history()
    assert "response" in entry
    home.child = await home.back(home.child, parentSessionId="parent")
    assert "trigger_response" not in await settled(home.child.socket, home.child.token)


async def test_a_completion_of_a_child_that_is_gone_is_told_again_to_a_restarted_parent(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    await published(stage, ann, lifecycle("session_complete"))
    first = await got(home.parent)
    await home.child.socket.emit("session_end", {"token": home.child.token, "sessionId": "child"})
    await until(lambda: stage.app.sessions.registry.get("child") is None)
    home.parent = await home.back(home.parent, acksSessionTrigger=True)
    assert await got(home.parent) == first


async def test_an_answer_to_a_service_is_recorded(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1")
    body: Json = {"type": "svc:ask", "payload": {}, "target": {"sessionId": "s1"}, "responseContract": {}}
    await published(stage, ann, body)
    trigger = await got(agent)
    assert trigger["expectsResponse"] is True
    again = await stage.agent(ann, "s1")
    assert await got(again) == trigger
    assert (await answer(stage, ann, trigger["triggerId"], "pong")).body == NOT_RELAYED
    (entry,) = await entries_of(stage.app.triggers.history, "s1")
    response = entry["response"]
    assert isinstance(response, dict)
    assert response["text"] == "pong"
    assert (await answer(stage, ann, trigger["triggerId"], "pong")).status == 409


async def test_what_is_no_delivery_of_the_caller_is_404(stage: Stage, ann: Person, bob: Person) -> None:
    home = await family(stage, ann)
    trigger = await asked(home)
    for person, wire_id in ((bob, trigger["triggerId"]), (ann, "dlv_unknown"), (ann, "f1"), (ann, "x" * 300)):
        result = await answer(stage, person, wire_id)
        assert (result.status, result.body) == (404, {"error": "Delivery not found"})
    assert (await answer(stage, ann, trigger["triggerId"], None)).status == 400
    assert (await answer(stage, ann, trigger["triggerId"], ["x"])).status == 400


async def test_a_severed_child_waits_no_more(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    trigger = await asked(home)
    other = await asked(home, fireId="f2")
    await heard(stage)
    # The order of a worker that starts over: cancel, then sever (sockets-agents.md 2.11).
    assert (await answer(stage, ann, trigger["triggerId"], "", action="cancel")).body == OK
    assert (await home.child.socket.take("trigger_response"))["action"] == "cancel"
    home.child.socket.answers["parent_delinked"] = {"ok": True}
    assert await home.parent.socket.call("delink_children", {"token": home.parent.token}) == [{"ok": True}]
    assert (await answer(stage, ann, other["triggerId"])).status == 404
    assert (await answer(stage, ann, other["triggerId"], "", action="cancel")).status == 200
    assert "trigger_response" not in await settled(home.child.socket, home.child.token)
    assert all(row["closed_at"] for row in await deliveries(stage))


async def test_agents_13_a_release_is_kept_for_a_child_that_is_away(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await asked(home)
    await heard(stage)
    await home.leave(home.child)
    await home.parent.socket.emit("session_end", {"token": home.parent.token, "sessionId": "parent"})
    await until(lambda: stage.app.sessions.registry.get("parent") is None)
    home.child = await home.back(home.child)
    error = await home.child.socket.take("session_message_error")
    assert (error["targetSessionId"], error["triggerId"]) == ("parent", "f1")


async def test_agents_13_what_a_crash_kept_from_being_released_is_released_by_the_next_sweep(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    await asked(home)
    await heard(stage)
    await home.leave(home.parent)
    ended = "UPDATE relay_session SET ended_by = 'other' WHERE id = 'parent'"
    await stage.app.storage.write(lambda tx: tx.execute(ended))
    await stage.app.triggers.deliveries.sweep()
    assert (await home.child.socket.take("session_message_error"))["triggerId"] == "f1"


async def test_a_question_that_nobody_answers_in_time_is_pointed_out_and_stays_open(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    overdue: list[QuestionOverdue] = []
    bus = stage.app.triggers.publishing.bus
    bus.subscribe(QuestionOverdue, overdue.append)
    trigger = await asked(home, responseContract={"escalate": True, "ttlMs": 1})
    await asked(home, fireId="f2", responseContract={"escalate": False, "ttlMs": 1})
    await asked(home, fireId="f3", responseContract={"escalate": True, "ttlMs": "soon"})
    viewer = await home.viewer()
    await sweep_after(stage.app.triggers.deliveries)
    assert await viewer.take("trigger_delivered") == {"triggerId": trigger["triggerId"]}
    assert overdue == [QuestionOverdue(ann.id, "parent", "child", str(trigger["triggerId"]))]
    await sweep_after(stage.app.triggers.deliveries)
    assert len(overdue) == 1
    assert (await answer(stage, ann, trigger["triggerId"])).body == OK


async def sweep_after(deliveries_: Deliveries) -> None:
    """Sweep when a millisecond has passed."""
    await asyncio.sleep(0.005)
    await deliveries_.sweep()
