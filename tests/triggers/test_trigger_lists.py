"""The trigger list of a session over HTTP, and what people do with it in a browser (rest-runners.md 8.5)."""

from __future__ import annotations

import asyncio

import pytest

from relay.triggers.wire import history_entry
from tests.sessions.stage import Answer, Stage
from tests.triggers.family import family
from tests.triggers.post import answer, fire, gone, got, heard, lifecycle, published
from tests.viewers.house import Person
from tests.viewers.wire import Joined, Json


async def listed(stage: Stage, person: Person, query: str = "", session_id: str = "s1") -> Answer:
    return await stage.ask("GET", f"/api/sessions/{session_id}/triggers{query}", person)


async def ids(stage: Stage, person: Person, query: str = "") -> list[object]:
    found = (await listed(stage, person, query)).body["triggers"]
    assert isinstance(found, list)
    return [entry["payload"]["n"] for entry in found]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 50),
        ("?limit=3", 3),
        ("?limit=0", 1),
        ("?limit=-5", 1),
        ("?limit=many", 50),
        ("?limit=", 50),
        ("?limit=1e9", 50),
        ("?limit=9999", 60),
    ],
)
async def test_a_page_is_newest_first_and_its_length_is_clamped(
    stage: Stage, ann: Person, query: str, count: int
) -> None:
    await stage.agent(ann, "s1")
    history = stage.app.triggers.history
    now = stage.clock.now_iso()
    triggers: list[Json] = [
        {"triggerId": f"t{n}", "type": "svc:x", "sourceSessionId": "external:x", "payload": {"n": n}} for n in range(60)
    ]
    await history.push([("s1", history_entry(trigger, now)) for trigger in triggers])
    assert await ids(stage, ann, query) == list(range(59, 59 - count, -1))


async def test_an_entry_is_the_one_of_the_contract_and_outlives_a_restart(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1")
    await published(stage, ann, fire(summary="Tea \ud83c time"))
    trigger = await got(agent)
    entries = (await listed(stage, ann)).body["triggers"]
    assert isinstance(entries, list)
    (entry,) = entries
    assert entry == {
        "triggerId": trigger["triggerId"],
        "type": "time:timer_fired",
        "source": "external:time",
        "summary": "Tea \ud83c time",
        "payload": {"message": "tea"},
        "deliverAs": "followUp",
        "ts": trigger["ts"],
        "direction": "inbound",
    }
    await stage.restart()
    assert (await listed(stage, ann)).body["triggers"] == [entry]


async def test_a_list_is_emptied_and_the_viewers_are_told(stage: Stage, ann: Person) -> None:
    await stage.agent(ann, "s1")
    await published(stage, ann, fire())
    viewer = await stage.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    assert (await stage.ask("DELETE", "/api/sessions/s1/triggers", ann)).body == {"ok": True}
    assert await viewer.take("trigger_delivered") == {"cleared": True}
    assert (await listed(stage, ann)).body == {"triggers": []}


async def test_runners_12_only_the_owners_live_session_has_a_list(stage: Stage, ann: Person, bob: Person) -> None:
    agent = await stage.agent(ann, "s1")
    await published(stage, ann, fire())
    for method in ("GET", "DELETE"):
        assert (await stage.ask(method, "/api/sessions/s1/triggers", bob)).status == 404
        assert (await stage.ask(method, "/api/sessions/nobody/triggers", ann)).status == 404
        assert (await stage.ask(method, "/api/sessions/s1/triggers", None)).status == 401
    await agent.socket.emit("session_end", {"token": agent.token, "sessionId": "s1"})
    await gone(stage, "s1")
    for method in ("GET", "DELETE"):
        assert (await stage.ask(method, "/api/sessions/s1/triggers", ann)).status == 404


async def person_answers(viewer: Joined, trigger_id: object, **more: object) -> list[object]:
    body: Json = {"triggerId": trigger_id, "response": "human", "targetSessionId": "child", **more}
    return await viewer.call("trigger_response", body)


async def test_browsers_16_a_persons_answer_to_a_question_reaches_the_child_and_a_second_is_refused(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await published(stage, ann, lifecycle())
    trigger = await got(home.parent)
    await heard(stage)
    assert await person_answers(viewer, trigger["triggerId"]) == []
    assert await home.child.socket.take("trigger_response") == {"triggerId": "f1", "response": "human"}
    late = asyncio.create_task(person_answers(viewer, trigger["triggerId"]))
    error = await viewer.take("trigger_error")
    assert (error["triggerId"], error["message"]) == (trigger["triggerId"], "This trigger was already answered")
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert (await answer(stage, ann, trigger["triggerId"])).status == 409


async def test_browsers_16_a_persons_answer_to_a_completion_reaches_the_parents_agent_and_the_child_goes_away(
    stage: Stage, ann: Person
) -> None:
    home = await family(stage, ann)
    viewer = await home.viewer()
    await published(stage, ann, lifecycle("session_complete"))
    trigger = await got(home.parent)
    await heard(stage)
    assert await person_answers(viewer, trigger["triggerId"], action="ack") == []
    told = await home.parent.socket.take("trigger_response")
    assert told == {
        "triggerId": trigger["triggerId"],
        "response": "human",
        "action": "ack",
        "targetSessionId": "child",
    }
    assert "trigger_response" not in home.child.socket.unread()
    # The agent acts on it as it would by itself: it cleans up, then says so.
    cleanup = asyncio.create_task(
        home.parent.socket.call("cleanup_child_session", {"token": home.parent.token, "childSessionId": "child"})
    )
    await home.child.socket.take("exec")
    await home.child.socket.emit("session_end", {"token": home.child.token, "sessionId": "child"})
    assert await cleanup == [{"ok": True}]
    assert (await answer(stage, ann, trigger["triggerId"], "human", action="ack")).status == 200
    assert stage.app.sessions.registry.get("child") is None
