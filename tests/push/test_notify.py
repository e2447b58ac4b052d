"""Which events reach whom: triggers, filters, suppression (rest-account.md 8.3 to 8.5)."""

from __future__ import annotations

import pytest

from relay.events import QuestionOverdue, UserRemoved
from relay.push.subscriptions import wants
from tests.push.device import Browser, Json, PushService, claims
from tests.push.office import Office, asked, asks, pushed
from tests.sessions.stage import until
from tests.viewers.house import Person

END: Json = {"type": "agent_end", "messages": []}
ERROR: Json = {"type": "cli_error", "message": "oops"}


async def test_account_14_a_question_in_a_shared_session_is_pushed_with_two_buttons_and_a_reply(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint("sub"))
    agent = await office.agent(ann, "s1", sessionName="fix-ci")
    [message] = await pushed(office, service, browser, agent, asks("tc_1", "Deploy now?", "Yes", "No", "Later"))
    assert message["actions"] == [
        {"action": "option-0", "title": "Yes", "type": "button"},
        {"action": "option-1", "title": "No", "type": "button"},
        {"action": "reply", "title": "✏️ Reply", "type": "text", "placeholder": "Type your answer…"},
    ]
    assert message["data"] == {"options": ["Yes", "No", "Later"], "toolCallId": "tc_1"}
    assert (message["sessionId"], message["sessionName"]) == ("s1", "fix-ci")

    [request] = service.received
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert request.path == "sub"
    assert headers["ttl"] == "2419200"
    assert headers["urgency"] == "normal"
    assert "topic" not in headers
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["content-type"] == "application/octet-stream"
    found = claims(headers["authorization"], await office.public_key())
    assert found["aud"] == service.origin
    assert found["sub"] == "mailto:admin@pizzapi.local"
    left = found["exp"]
    assert isinstance(left, int)
    assert 43_000 < left - office.clock.now() <= 43_200


async def test_account_14_without_collab_mode_a_question_has_no_buttons(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    agent = await office.agent(ann, "s1", collabMode=False)
    [message] = await pushed(office, service, browser, agent, asks("tc_1", "Deploy now?", "Yes"))
    assert "actions" not in message
    assert message["data"] == {"toolCallId": "tc_1"}


@pytest.mark.parametrize("visible", [True, False, None])
async def test_account_14_a_connected_viewer_even_a_hidden_one_takes_the_place_of_the_push(
    office: Office, service: PushService, browser: Browser, ann: Person, visible: bool | None
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    agent = await office.agent(ann, "s1")
    viewer = await office.viewer(ann)
    if visible is not None:
        await viewer.emit("viewer_visibility", {"visible": visible})
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.take("connected")
    assert await pushed(office, service, browser, agent, asks(), END, ERROR) == []
    await viewer.wire.close()
    await until(lambda: len(office.session("s1").audience) == 0)
    [message] = await pushed(office, service, browser, agent, END)
    assert message["type"] == "agent_finished"


async def test_a_question_that_nobody_answered_in_time_calls_for_its_parents_person(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    await office.agent(ann, "s1", sessionName="parent")
    office.app.bus.publish(QuestionOverdue(ann.id, "s1", "child", "dlv_1"))
    office.app.bus.publish(QuestionOverdue(ann.id, "nowhere", "child", "dlv_2"))
    [received] = await service.until(1)
    message = browser.read(received.body)
    assert (message["type"], message["sessionId"]) == ("agent_needs_input", "s1")
    assert message["body"] == 'A question in "parent" is still unanswered.'


async def test_the_four_events_are_pushed_and_no_other(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    agent = await office.agent(ann, "s1")
    plan: Json = {"type": "tool_execution_start", "toolName": "plan_mode", "toolCallId": "p", "args": {"title": "A"}}
    quiet: list[Json] = [
        {"type": "agent_start"},
        {"type": "message_update", "message": {}, "assistantMessageEvent": {"type": "text_delta", "delta": "x"}},
        {"type": "message_end", "message": {"role": "assistant", "content": []}},
        {"type": "tool_execution_start", "toolName": "bash", "toolCallId": "b", "args": {}},
        {"type": "tool_execution_end", "toolName": "bash", "toolCallId": "b"},
        asked(),
        {"type": "session_active", "state": {"messages": []}},
        {"type": "turn_end"},
        {"type": "question_pending", "question": {"toolCallId": "tc_1", "questions": []}},
    ]
    messages = await pushed(office, service, browser, agent, *quiet, asks(), *quiet, plan, ERROR, *quiet, END)
    kinds = [message["type"] for message in messages]
    assert kinds == ["agent_needs_input", "agent_needs_input", "agent_error", "agent_finished"]


async def test_an_event_that_the_runner_publishes_for_a_session_is_no_news_of_the_worker(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    runner = await office.runner(ann)
    session_id = await office.started(ann, runner)
    agent = await office.agent(ann, session_id)
    await runner.socket.emit("runner_session_event", {"sessionId": session_id, "event": ERROR})
    assert len(await pushed(office, service, browser, agent, END)) == 1
    assert len(service.received) == 1


@pytest.mark.parametrize(
    ("chosen", "kinds"),
    [
        ("*", ["agent_needs_input", "agent_error", "agent_finished"]),
        ("agent_needs_input", ["agent_needs_input"]),
        ("question", ["agent_needs_input"]),
        (" completion , error ", ["agent_error", "agent_finished"]),
        ("agent_error,question", ["agent_needs_input", "agent_error"]),
        ("", []),
        ("session_started,Question,quest,agent_finished_", []),
        ("*,", []),
    ],
)
async def test_the_choice_of_events_counts_under_both_names(
    office: Office, service: PushService, browser: Browser, ann: Person, chosen: str, kinds: list[str]
) -> None:
    await office.subscribe(ann, browser, service.endpoint(), enabledEvents=chosen)
    agent = await office.agent(ann, "s1")
    messages = await pushed(office, service, browser, agent, asks(), ERROR, END)
    assert [message["type"] for message in messages] == kinds
    assert [kind for kind in ("agent_needs_input", "agent_error", "agent_finished") if wants(chosen, kind)] == kinds


async def test_a_choice_counts_from_the_next_event_on(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    agent = await office.agent(ann, "s1")
    body: Json = {"endpoint": service.endpoint(), "enabledEvents": "error"}
    assert len(await pushed(office, service, browser, agent, END)) == 1
    await office.ask("PUT", "/api/push/events", ann, body)
    assert await pushed(office, service, browser, agent, END) == []
    await office.ask("POST", "/api/push/unsubscribe", ann, {"endpoint": service.endpoint()})
    assert await pushed(office, service, browser, agent, ERROR) == []


@pytest.mark.parametrize("suppress", [None, True, False])
async def test_a_linked_child_pushes_only_where_somebody_asked_for_it(
    office: Office, service: PushService, browser: Browser, ann: Person, suppress: bool | None
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    if suppress is not None:
        body: Json = {"endpoint": service.endpoint(), "suppress": suppress}
        assert (await office.ask("PUT", "/api/push/child-notifications", ann, body)).status == 200
    parent = await office.agent(ann, "p1")
    child = await office.child(ann, parent, "c1")
    assert len(await pushed(office, service, browser, child, END)) == (1 if suppress is False else 0)
    assert len(await pushed(office, service, browser, parent, END)) == 1


async def test_a_child_stays_one_while_its_parent_is_away_and_is_none_after_it_was_let_go(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    hub = await office.hub(ann)
    parent = await office.agent(ann, "p1")
    child = await office.child(ann, parent, "c1")
    await parent.leave(hub)
    assert await pushed(office, service, browser, child, END) == []
    child = await office.child(ann, parent, "c1")
    assert await pushed(office, service, browser, child, END) == []

    parent = await office.agent(ann, "p1")
    child.socket.answers["parent_delinked"] = {"ok": True}
    await parent.socket.call("delink_children", {"token": parent.token, "epoch": office.clock.now_ms()})
    assert len(await pushed(office, service, browser, child, END)) == 1


async def test_only_the_owner_s_browsers_are_told_and_all_of_them(
    office: Office, service: PushService, browser: Browser, ann: Person, bob: Person
) -> None:
    other = Browser()
    await office.subscribe(ann, browser, service.endpoint("a1"))
    await office.subscribe(ann, other, service.endpoint("a2"))
    await office.subscribe(bob, Browser(), service.endpoint("b"))
    agent = await office.agent(ann, "s1")
    await agent.send(END)
    await until(lambda: len(office.app.push.sender) == 0)
    received = {one.path: one.body for one in service.received}
    assert set(received) == {"a1", "a2"}
    assert browser.read(received["a1"]) == other.read(received["a2"])


async def test_the_subscriptions_of_an_account_go_with_it(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    agent = await office.agent(ann, "s1")
    office.app.push.subscriptions._user_removed(UserRemoved(ann.id))
    assert await pushed(office, service, browser, agent, END) == []


async def test_an_event_of_an_odd_shape_stops_neither_the_session_nor_the_next_push(
    office: Office, service: PushService, browser: Browser, ann: Person
) -> None:
    await office.subscribe(ann, browser, service.endpoint())
    agent = await office.agent(ann, "s1")
    deep: object = []
    for _ in range(300):
        deep = [deep]
    odd: Json = {"type": "tool_execution_start", "toolName": "AskUserQuestion", "toolCallId": "x", "args": deep}
    surrogate = asks("tc_\ud83d", "\ud83d?", "\udc00")
    messages = await pushed(office, service, browser, agent, odd, surrogate, END)
    assert [message["type"] for message in messages] == ["agent_needs_input", "agent_needs_input", "agent_finished"]
    assert messages[1]["data"] == {"options": ["\udc00"], "toolCallId": "tc_\ud83d"}
