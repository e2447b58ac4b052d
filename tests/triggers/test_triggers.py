"""Triggers from a child to its parent, through real sockets (sockets-agents.md 2.13, 5.7)."""

from __future__ import annotations

import asyncio

import pytest

from tests.sessions.stage import Stage, failed, until
from tests.triggers.family import OK, ask, entries_of, family, trigger_of
from tests.viewers.house import Person

NOT_CONNECTED = "Target session parent is not connected"


async def test_a_trigger_reaches_the_parent_under_its_senders_id_and_is_remembered(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    assert await home.trigger() == OK
    trigger = trigger_of(await home.parent.socket.take("session_trigger"))
    assert trigger == ask(sourceSessionId="child")
    assert await viewer.take("trigger_delivered", lambda body: body["triggerId"] == "t1")
    assert await home.history() == [
        {
            "triggerId": "t1",
            "type": "ask_user_question",
            "source": "child",
            "summary": "Fix login",
            "payload": {"question": "which?"},
            "deliverAs": "steer",
            "ts": "2026-01-01T00:00:00.000Z",
            "direction": "inbound",
        }
    ]


async def test_an_escalation_to_oneself_keeps_the_childs_id(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    trigger = ask(type="escalate", sourceSessionId="child", targetSessionId="parent")
    body = {"token": home.parent.token, "trigger": trigger}
    assert await home.parent.socket.call("session_trigger", body) == OK
    assert trigger_of(await home.parent.socket.take("session_trigger"))["sourceSessionId"] == "child"


async def test_silence_of_an_acking_parent_is_delivery(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann, acks=False)
    assert await home.trigger() == OK
    assert len(await home.history()) == 1


async def test_a_parent_that_never_acks_is_not_waited_for(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "parent")
    child = await stage.child(ann, parent, "child")
    async with asyncio.timeout(stage.app.sessions.limits.trigger_ack * 0.9):
        assert await child.socket.call("session_trigger", {"token": child.token, "trigger": ask()}) == OK


async def test_a_socket_that_closes_before_its_ack_is_not_connected(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann, acks=False)
    call = asyncio.create_task(home.trigger())
    await home.parent.socket.take("session_trigger")
    await home.parent.socket.wire.close()
    assert failed(await call) == NOT_CONNECTED
    assert (await home.child.socket.take("session_message_error"))["triggerId"] == "t1"
    assert await stage.app.storage.fetch_all("SELECT * FROM delivery") == []


async def test_agents_07_every_refusal_is_explicit_and_releases_the_child(
    stage: Stage, ann: Person, bob: Person
) -> None:
    home = await family(stage, ann)
    await stage.agent(bob, "his")
    await stage.agent(ann, "stranger")
    stale = "Sender is no longer a child of the target session (linked relationship is broken or stale)"
    assert failed(await home.trigger(targetSessionId="his")) == "Target session belongs to a different user"
    assert (await home.child.socket.take("error"))["message"] == "Target session belongs to a different user"
    cases = [
        ({"targetSessionId": "nobody"}, "Target session nobody is not connected"),
        ({"targetSessionId": "stranger"}, stale),
    ]
    for change, error in cases:
        assert failed(await home.trigger(**change)) == error
        released = await home.child.socket.take("session_message_error")
        assert released == {"targetSessionId": change["targetSessionId"], "error": error, "triggerId": "t1"}
    await stage.app.sessions.links.delink("parent", ["child"])
    assert failed(await home.trigger()) == "Sender is currently being delinked from the target session"
    await stage.app.sessions.links.told("parent", ["child"])
    assert failed(await home.trigger()) == stale
    await home.leave(home.parent)
    assert failed(await home.trigger()) == NOT_CONNECTED


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"trigger": 5},
        {"trigger": {"triggerId": "t"}},
        {"trigger": {"targetSessionId": "\ud800", "triggerId": "t"}},
    ],
)
async def test_agents_07_a_trigger_without_its_ids_is_refused(stage: Stage, ann: Person, body: object) -> None:
    home = await family(stage, ann)
    sent = {"token": home.child.token, **body} if isinstance(body, dict) else body
    error = failed(await home.child.socket.call("session_trigger", sent))
    expected = "session_trigger requires trigger with targetSessionId and triggerId"
    assert error == (expected if isinstance(body, dict) else "Invalid token")
    assert await home.child.socket.take("error") == {"message": error}


async def test_a_hostile_trigger_is_delivered_as_opaque_data(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    payload = {"text": "\ud83d", "big": "x" * 100_000, "deep": [[[[{}]]]]}
    assert await home.trigger(type="\udc00", payload=payload, sourceSessionName=5, deliverAs=[], ts=None) == OK
    assert trigger_of(await home.parent.socket.take("session_trigger"))["payload"] == payload
    (entry,) = await home.history()
    assert (entry["payload"], entry["deliverAs"], entry["type"]) == ({}, "followUp", "\udc00")
    assert "summary" not in entry


async def test_a_new_child_is_noted_in_its_parents_history_once(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    child_id = "4f0c9a1b-e2d3-4567-89ab-cdef01234567"
    child = await stage.child(ann, home.parent, child_id, sessionName="Fix")
    assert await viewer.take("trigger_delivered") == {"triggerId": "linked_4f0c9a1be2d34567"}
    await child.socket.wire.close()
    await stage.child(ann, home.parent, child_id)
    entries = await entries_of(stage.app.triggers.history, "parent")
    assert [entry["triggerId"] for entry in entries] == ["linked_4f0c9a1be2d34567", "linked_child"]
    assert entries[0] == {
        "triggerId": "linked_4f0c9a1be2d34567",
        "type": "session_linked",
        "source": child_id,
        "summary": "Fix",
        "payload": {},
        "deliverAs": "followUp",
        "ts": entries[0]["ts"],
        "direction": "inbound",
    }


async def test_progress_is_shown_to_the_parents_viewers_and_not_stored(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    body = {"token": home.child.token, "triggerId": "t1", "targetSessionId": "parent", "statusText": "half"}
    await home.child.socket.emit("trigger_status_update", body)
    update = await viewer.take("trigger_status_update")
    assert update == {"triggerId": "t1", "sourceSessionId": "child", "statusText": "half", "ts": update["ts"]}
    assert await home.history() == []
    await home.child.socket.emit("trigger_status_update", {"token": home.child.token})
    assert await home.child.socket.take("error") == {
        "message": "trigger_status_update requires triggerId, targetSessionId, statusText"
    }


async def test_progress_of_a_stranger_is_dropped(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    stranger = await stage.agent(ann, "stranger")
    body = {"token": stranger.token, "triggerId": "t1", "targetSessionId": "parent", "statusText": "x"}
    assert await stranger.socket.call("trigger_status_update", body) == OK
    assert await home.trigger() == OK
    await viewer.take("trigger_delivered", lambda found: found["triggerId"] == "t1")
    assert "trigger_status_update" not in viewer.unread()


async def test_agents_14_a_parent_that_registers_again_is_asked_again_and_a_second_answer_changes_nothing(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    await home.trigger()
    first = trigger_of(await home.parent.socket.take("session_trigger"))
    await home.leave(home.parent)
    home.parent = await home.back(home.parent)
    assert trigger_of(await home.parent.socket.take("session_trigger")) == first
    assert await home.respond("one") == OK
    assert failed(await home.respond("two")) == "Already answered"
    assert await home.respond("never mind", action="cancel") == OK
    assert (await home.child.socket.take("trigger_response"))["response"] == "one"
    assert "trigger_response" not in home.child.socket.unread()
    (entry,) = await home.history()
    response = entry["response"]
    assert isinstance(response, dict)
    assert response["text"] == "one"
    await home.leave(home.parent)
    home.parent = await home.back(home.parent)
    assert "session_trigger" not in home.parent.socket.unread()


async def test_agents_02_an_open_question_and_a_kept_answer_survive_a_restart(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger()
    await home.trigger(triggerId="t2")
    await home.leave(home.child)
    assert await home.respond("kept", triggerId="t2") == OK
    await stage.restart()
    home.parent = await home.back(home.parent)
    home.child = await home.back(home.child, parentSessionId="parent")
    assert trigger_of(await home.parent.socket.take("session_trigger"))["triggerId"] == "t1"
    assert await home.child.socket.take("trigger_response") == {"triggerId": "t2", "response": "kept"}
    assert await home.respond("late") == OK
    assert await home.child.socket.take("trigger_response") == {"triggerId": "t1", "response": "late"}


async def test_agents_13_a_child_whose_parent_ends_for_good_is_released(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger()
    await home.trigger(triggerId="done", type="session_complete")
    await home.parent.socket.emit("session_end", {"token": home.parent.token, "sessionId": "parent"})
    error = await home.child.socket.take("session_message_error")
    assert error == {"targetSessionId": "parent", "error": "Target session parent has ended", "triggerId": "t1"}
    await until(lambda: not stage.app.triggers.deliveries.busy)
    rows = await stage.app.storage.fetch_all("SELECT relayed, closed_at FROM delivery")
    assert [(row["relayed"], row["closed_at"] is not None) for row in rows] == [(1, True), (1, True)]
    assert "session_message_error" not in home.child.socket.unread()


async def test_agents_13_a_child_whose_parent_is_killed_is_released(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    home = await family(stage, ann)
    await runner.ready("parent")
    await until(lambda: stage.session("parent").runner_id == "r1")
    await home.trigger()
    await runner.socket.emit("session_killed", {"sessionId": "parent"})
    await until(lambda: stage.session("parent").runner_id is None)
    await home.parent.socket.wire.close()
    async with asyncio.timeout(5):
        assert (await home.child.socket.take("session_message_error"))["triggerId"] == "t1"


async def test_agents_13_a_question_to_a_parent_that_is_away_stays_open(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    home = await family(stage, ann)
    await runner.ready("parent")
    await until(lambda: stage.session("parent").runner_id == "r1")
    await home.trigger()
    await home.leave(home.parent)
    await runner.socket.take("list_sessions")
    await runner.socket.emit("sessions_list", {"sessions": ["parent"]})
    await until(lambda: not stage.app.sessions.ends.busy)
    home.parent = await home.back(home.parent)
    assert trigger_of(await home.parent.socket.take("session_trigger"))["triggerId"] == "t1"
    assert "session_message_error" not in home.child.socket.unread()


async def test_agents_13_a_child_that_is_away_is_released_when_it_comes_back(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    await home.trigger()
    await home.leave(home.child)
    await home.parent.socket.emit("session_end", {"token": home.parent.token, "sessionId": "parent"})
    await until(lambda: stage.app.sessions.registry.get("parent") is None)
    await until(lambda: not stage.app.triggers.deliveries.busy)
    home.child = await home.back(home.child, parentSessionId="parent")
    assert (await home.child.socket.take("session_message_error"))["triggerId"] == "t1"


async def test_a_delinked_childs_question_is_not_asked_again(stage: Stage, ann: Person) -> None:
    home = await family(stage, ann)
    home.child.socket.answers["parent_delinked"] = {"ok": True}
    await home.trigger()
    await home.parent.socket.take("session_trigger")
    assert await home.parent.socket.call("delink_children", {"token": home.parent.token}) == OK
    home.parent = await home.back(home.parent)
    assert await home.parent.socket.call("get_linked_child_count", {"token": home.parent.token}) == [
        {"ok": True, "count": 0}
    ]
    assert "session_trigger" not in home.parent.socket.unread()


async def test_a_question_of_a_child_that_ended_for_good_is_forgotten_but_its_completion_is_not(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    await home.trigger()
    await home.trigger(triggerId="done", type="session_complete")
    await home.child.socket.emit("session_end", {"token": home.child.token, "sessionId": "child"})
    await until(lambda: stage.app.sessions.registry.get("child") is None)
    await until(lambda: not stage.app.triggers.deliveries.busy)
    rows = await stage.app.storage.fetch_all("SELECT wire_id FROM delivery WHERE closed_at IS NULL")
    assert [row["wire_id"] for row in rows] == ["done"]
