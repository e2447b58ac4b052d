"""The pending question and its answer: every row of rest-account.md 8.6."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.clock import ManualClock
from tests.push.device import Json
from tests.push.office import Office, asked, asks
from tests.sessions.stage import until
from tests.viewers.house import Person

MISSING = "Missing required fields: sessionId, text, toolCallId"
NONE = "No question is currently pending for this session"
OTHER = "This answer does not match the current pending question"


async def _error(office: Office, person: Person | None, **body: object) -> tuple[int, object]:
    answer = await office.answer(person, **body)
    return answer.status, answer.body.get("error")


async def test_account_15_an_answer_reaches_the_agent_as_input(office: Office, ann: Person) -> None:
    agent = await office.agent(ann, "s1")
    await agent.send(asks("tc_1"))
    answer = await office.answer(ann, sessionId="s1", toolCallId="tc_1", text="  Yes, proceed \n")
    assert (answer.status, answer.body) == (200, {"ok": True})
    assert await agent.socket.take("input") == {"text": "Yes, proceed", "client": "push"}


async def test_account_15_the_checks_come_in_the_order_of_the_table(office: Office, ann: Person, bob: Person) -> None:
    agent = await office.agent(ann, "s1")
    await agent.send(asks("tc_1"))
    await office.agent(ann, "s2", collabMode=False)
    await office.agent(ann, "s3")
    good: Json = {"sessionId": "s1", "toolCallId": "tc_1", "text": "yes"}
    assert (await office.answer(None, **good)).status == 401
    for field in good:
        blank: tuple[object, ...] = (None, "", "  ", 5, ["x"], {})
        for value in blank:
            assert await _error(office, ann, **{**good, field: value}) == (400, MISSING)
        assert await _error(office, ann, **{k: v for k, v in good.items() if k != field}) == (400, MISSING)
    assert await _error(office, ann, **{**good, "sessionId": "nope"}) == (404, "Session not found")
    assert await _error(office, bob, **good) == (404, "Session not found")
    assert await _error(office, ann, **{**good, "sessionId": "s2"}) == (403, "Session is not in collab mode")
    assert await _error(office, ann, **{**good, "sessionId": "s3"}) == (409, NONE)
    assert await _error(office, ann, **{**good, "toolCallId": "tc_0"}) == (409, OTHER)
    assert await _error(office, ann, **{**good, "toolCallId": " tc_1"}) == (409, OTHER)
    assert await _error(office, ann, **good) == (200, None)
    assert await _error(office, ann, **good) == (409, NONE)


async def test_account_15_of_two_answers_at_once_one_counts(office: Office, ann: Person) -> None:
    agent = await office.agent(ann, "s1")
    await agent.send(asks("tc_1"))
    answers = await asyncio.gather(
        *(office.answer(ann, sessionId="s1", toolCallId="tc_1", text=f"answer {n}") for n in range(4))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    [winner] = [n for n, answer in enumerate(answers) if answer.status == 200]
    assert (await agent.socket.take("input"))["text"] == f"answer {winner}"
    assert (await office.answer(ann, sessionId="s1", toolCallId="tc_1", text="late")).status == 409
    assert "input" not in agent.socket.unread()


async def test_account_15_an_agent_whose_connection_just_broke_leaves_the_question_pending(
    office: Office, ann: Person
) -> None:
    agent = await office.agent(ann, "s1")
    await agent.send(asks("tc_1"))
    session, go_on = office.session("s1"), asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    # The end of the session waits behind a step of its queue.
    session.queue.push(0, wait)
    await agent.socket.wire.close()
    await until(lambda: not session.connected)
    good: Json = {"sessionId": "s1", "toolCallId": "tc_1", "text": "yes"}
    for _ in range(2):
        assert await _error(office, ann, **good) == (502, "Session runner not connected to this server")
    assert office.app.push.questions.pending(session) == "tc_1"
    go_on.set()
    await until(lambda: office.app.sessions.registry.get("s1") is None)
    assert await _error(office, ann, **good) == (404, "Session not found")


@pytest.mark.parametrize(
    ("events", "pending"),
    [
        ([asks("a")], "a"),
        ([asks("a"), asks("b")], "b"),
        ([asks("a"), asked("a")], None),
        ([asks("a"), asked("b")], "a"),
        ([asks("a"), asks("b"), asked("a")], "b"),
        ([asks("a"), asked(None)], None),
        ([asks("a"), asked("")], None),
        ([asks("a"), asks(None)], "a"),
        ([asks("a"), {**asked("a"), "toolName": "bash"}], "a"),
        ([asks("a"), {"type": "agent_end", "messages": []}], "a"),
        ([{**asks("a"), "toolName": "plan_mode"}], None),
        ([asks(None)], None),
        ([asked("a")], None),
        ([{**asks("a"), "toolCallId": 5}], None),
    ],
)
async def test_what_is_pending_after_which_events(
    office: Office, ann: Person, events: list[Json], pending: str | None
) -> None:
    agent = await office.agent(ann, "s1")
    await agent.send(*events)
    assert office.app.push.questions.pending(office.session("s1")) == pending


@pytest.mark.parametrize("way", ["leave", "end", "register", "restart"])
async def test_a_question_goes_with_its_agent(office: Office, ann: Person, way: str) -> None:
    hub = await office.hub(ann)
    agent = await office.agent(ann, "s1")
    await agent.send(asks("tc_1"))
    if way == "leave":
        await agent.leave(hub)
    elif way == "end":
        await agent.end(hub)
    elif way == "restart":
        await office.restart()
        assert await _error(office, ann, sessionId="s1", toolCallId="tc_1", text="yes") == (409, NONE)
    back = await office.agent(ann, "s1")
    assert await _error(office, ann, sessionId="s1", toolCallId="tc_1", text="yes") == (409, NONE)
    assert "input" not in back.socket.unread()
    await back.send(asks("tc_1"))
    assert await _error(office, ann, sessionId="s1", toolCallId="tc_1", text="yes") == (200, None)


async def test_nobody_answers_after_a_day(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Office(tmp_path / "data", clock) as office:
        ann = await office.person("ann")
        agent = await office.agent(ann, "s1")
        await agent.send(asks("tc_1"))
        clock.advance(86_399)
        session = office.session("s1")
        assert office.app.push.questions.pending(session) == "tc_1"
        clock.advance(1)
        assert office.app.push.questions.pending(session) is None
        assert not office.app.push.questions.take(session, "tc_1")


async def test_a_question_is_pending_before_its_push_can_be_answered(office: Office, ann: Person) -> None:
    seen: list[str | None] = []
    office.app.sessions.pipeline.observe(
        lambda session, kind, event: seen.append(office.app.push.questions.pending(session))
    )
    agent = await office.agent(ann, "s1")
    await agent.send(asks("tc_1"), asked("tc_1"))
    assert seen[-2:] == ["tc_1", None]


@pytest.mark.parametrize("call_id", ["x" * 2000, "tc_\ud83d"])
async def test_an_odd_id_is_answered_all_the_same(office: Office, ann: Person, call_id: str) -> None:
    agent = await office.agent(ann, "s1")
    await agent.send(asks("before"), asks(call_id))
    assert await _error(office, ann, sessionId="s1", toolCallId=call_id, text="y") == (200, None)
