"""What viewers tell agents (sockets-browsers.md 2.5 to 2.8; sockets-agents.md 2.14)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.app_settings import Tuning
from relay.sessions.limits import SessionLimits
from relay.viewers.commands import forwarded_input
from tests.viewers.house import Agent, House, Person, events, kind, quiet
from tests.viewers.wire import Joined


@pytest.fixture
def tuning() -> Tuning:
    return Tuning(sessions=replace(SessionLimits(), input_ack=0.2))


@pytest.fixture
async def agent(house: House, ann: Person) -> Agent:
    return await house.agent(ann)


@pytest.fixture
async def viewer(house: House, ann: Person, agent: Agent) -> Joined:
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 4})
    await viewer.take("service_announce")
    await viewer.take("connected")
    return viewer


async def test_browsers_10_input_is_acknowledged_with_what_the_agent_says(agent: Agent, viewer: Joined) -> None:
    for answer, expected in ((True, True), (False, False), ("yes", False), (None, False)):
        agent.socket.answers["input"] = answer
        assert await viewer.call("input", {"text": "hi"}) == [expected]


async def test_browsers_10_input_to_a_silent_agent_counts_as_delivered(agent: Agent, viewer: Joined) -> None:
    assert await viewer.call("input", {"text": "hi"}) == [True]
    assert await agent.socket.take("input") == {"text": "hi", "attachments": []}


class TestPatient:
    """The relay would wait a minute for the agent's acknowledgement."""

    @pytest.fixture
    def tuning(self) -> Tuning:
        return Tuning(sessions=replace(SessionLimits(), input_ack=60.0))

    async def test_input_is_delivered_when_its_message_begins_long_before_the_agent_acknowledges(
        self, house: House, agent: Agent, viewer: Joined
    ) -> None:
        waiting = asyncio.create_task(viewer.call("input", {"text": "hi"}))
        await agent.socket.take("input")
        await agent.send({"type": "message_start", "message": {"role": "assistant"}})
        assert house.session("s1").user_messages
        await agent.send({"type": "message_start", "message": {"role": "user", "content": "hi"}})
        assert await waiting == [True]
        assert not house.session("s1").user_messages


async def test_browsers_10_input_without_an_agent_is_refused(
    house: House, ann: Person, agent: Agent, viewer: Joined
) -> None:
    other = await house.viewer(ann)
    assert await other.call("input", {"text": "hi"}) == [False]
    mirror = await house.agent(ann, "mirror", collabMode=False)
    await other.emit("switch_session", {"sessionId": "mirror"})
    assert await other.call("input", {"text": "hi"}) == [False]
    assert "input" not in mirror.socket.unread()


async def test_browsers_10_an_agent_that_leaves_before_it_answers_fails_the_input(
    house: House, ann: Person, agent: Agent, viewer: Joined
) -> None:
    hub = await house.hub(ann)
    waiting = asyncio.create_task(viewer.call("input", {"text": "hi"}))
    await agent.socket.take("input")
    closing = asyncio.create_task(agent.leave(hub))
    assert await waiting == [False]
    await closing


async def test_browsers_10_exec_results_carry_the_session_and_reach_every_viewer(
    house: House, ann: Person, agent: Agent, viewer: Joined
) -> None:
    second = await house.viewer(ann)
    await second.emit("switch_session", {"sessionId": "s1"})
    await second.take("connected")
    await viewer.emit_raw("exec", '{"id":"e1","command":"compact","n":1.50,"deep":{"a":[null]}}')
    assert await agent.socket.take("exec") == {"id": "e1", "command": "compact", "n": 1.5, "deep": {"a": [None]}}
    await agent.socket.emit("exec_result", {"id": "e1", "ok": True, "command": "compact", "result": {}})
    for watcher in (viewer, second):
        assert await watcher.take("exec_result") == {
            "id": "e1",
            "ok": True,
            "command": "compact",
            "result": {},
            "sessionId": "s1",
        }


async def test_inputs_arrive_in_the_order_in_which_they_were_sent(agent: Agent, viewer: Joined) -> None:
    texts = [f"t{index}" for index in range(20)]
    waiting = [asyncio.create_task(viewer.call("input", {"text": text})) for text in texts]
    arrived = [(await agent.socket.take("input"))["text"] for _ in texts]
    assert arrived == texts
    assert await asyncio.gather(*waiting) == [[True]] * len(texts)


async def test_an_abort_does_not_wait_behind_an_input(agent: Agent, viewer: Joined) -> None:
    waiting = asyncio.create_task(viewer.call("input", {"text": "hi"}))
    await agent.socket.take("input")
    await viewer.emit("exec", {"id": "a", "command": "abort"})
    assert (await agent.socket.take("exec"))["command"] == "abort"
    assert not waiting.done()
    assert await waiting == [True]


async def test_ending_a_session_counts_as_a_persons_act_only_when_the_agent_took_it(
    house: House, agent: Agent, viewer: Joined
) -> None:
    ended: list[str] = []
    commands = house.app.viewers._commands
    commands._needs = replace(commands._needs, ended_by_person=ended.append)
    await viewer.emit("exec", {"id": "e0", "command": "end_session"})
    await viewer.emit("exec", {"id": "e1", "command": "end_session"})
    await viewer.emit("exec", {"id": "e2", "command": "abort"})
    for _ in range(3):
        await agent.socket.take("exec")
    for identifier, ok in (("e2", True), ("unasked", True), ("e0", False), ("e0", True)):
        await agent.socket.emit("exec_result", {"id": identifier, "ok": ok, "command": "end_session"})
        await viewer.take("exec_result")
    assert ended == []
    await agent.socket.emit("exec_result", {"id": "e1", "ok": True, "command": "end_session"})
    await viewer.take("exec_result")
    assert ended == ["s1"]
    assert commands._ends == {}


async def test_pending_ends_are_bounded(house: House, agent: Agent, viewer: Joined) -> None:
    for index in range(100):
        await viewer.emit("exec", {"id": f"e{index}", "command": "end_session"})
    await quiet(viewer)
    assert list(house.app.viewers._commands._ends["s1"]) == [f"e{index}" for index in range(68, 100)]


async def test_a_model_choice_is_forwarded(agent: Agent, viewer: Joined) -> None:
    await viewer.emit("model_set", {"provider": "p", "modelId": "vendor/m", "more": 1})
    assert await agent.socket.take("model_set") == {"provider": "p", "modelId": "vendor/m"}


async def test_a_hidden_model_is_refused_to_who_chose_it_alone(
    house: House, ann: Person, agent: Agent, viewer: Joined
) -> None:
    await house.app.hidden_models.replace(ann.id, ["p/m"])
    second = await house.viewer(ann)
    await second.emit("switch_session", {"sessionId": "s1"})
    await second.take("connected")
    await viewer.emit("model_set", {"provider": "p", "modelId": "m"})
    body = await viewer.take("event")
    event = body["event"]
    assert isinstance(event, dict)
    assert (event["type"], event["ok"], event["provider"], event["modelId"]) == ("model_set_result", False, "p", "m")
    assert (body["generation"], body["sessionId"], "seq" in body) == (4, "s1", False)
    await quiet(second)
    assert events(second) == []
    await viewer.emit("exec", {"id": "x", "command": "abort"})
    await agent.socket.take("exec")
    assert "model_set" not in agent.socket.unread()


async def test_a_pasted_code_is_acknowledged_in_every_case(
    house: House, ann: Person, agent: Agent, viewer: Joined
) -> None:
    assert await viewer.call("mcp_oauth_paste", {"nonce": "n", "code": "c", "state": "s", "x": 1}) == [{"ok": True}]
    assert await agent.socket.take("mcp_oauth_paste") == {"nonce": "n", "code": "c", "state": "s"}
    missing: list[object] = [{}, {"nonce": "n"}, {"nonce": "n", "code": 5}, None, "x", {"nonce": "", "code": ""}]
    for payload in missing:
        assert await viewer.call("mcp_oauth_paste", payload) == [{"ok": False, "error": "Missing nonce or code"}]
    other = await house.viewer(ann)
    assert await other.call("mcp_oauth_paste", {}) == [{"ok": False, "error": "No active session"}]
    await house.agent(ann, "mirror", collabMode=False)
    await other.emit("switch_session", {"sessionId": "mirror"})
    refused = [{"ok": False, "error": "Session not in collab mode"}]
    assert await other.call("mcp_oauth_paste", {"nonce": "n", "code": "c"}) == refused


async def test_a_pasted_code_for_an_awaited_session_is_refused(house: House, ann: Person, agent: Agent) -> None:
    await house.restart()
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    refused = [{"ok": False, "error": "Runner session unavailable"}]
    assert await viewer.call("mcp_oauth_paste", {"nonce": "n", "code": "c"}) == refused


async def test_a_mirror_is_only_read(house: House, ann: Person) -> None:
    mirror = await house.agent(ann, "mirror", collabMode=False)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "mirror"})
    await viewer.emit("exec", {"id": "x", "command": "abort"})
    await viewer.emit("model_set", {"provider": "p", "modelId": "m"})
    await quiet(viewer)
    await mirror.send({"type": "agent_start"})
    assert kind(await viewer.take("event")) == "agent_start"
    assert set(mirror.socket.unread()) <= {"registered", "event_ack"}


async def test_only_an_explicit_yes_makes_a_viewer_visible(house: House, agent: Agent, viewer: Joined) -> None:
    session, viewers = house.session("s1"), house.app.viewers
    assert not viewers.is_visible(session)
    visible: list[tuple[object, bool]] = [({"visible": True}, True), ({"visible": False}, False), ({}, True)]
    for payload, expected in visible:
        await viewer.emit("viewer_visibility", payload)
        await quiet(viewer)
        assert viewers.is_visible(session) is expected


@pytest.mark.parametrize(
    ("payload", "forwarded"),
    [
        ({"text": "a", "client": "web", "deliverAs": "steer", "requestId": "r", "x": 1},
         {"text": "a", "attachments": [], "client": "web", "deliverAs": "steer", "requestId": "r"}),
        ({"text": "a", "client": "", "deliverAs": "later", "requestId": 5}, {"text": "a", "attachments": []}),
        ({"text": "", "attachments": [{"attachmentId": "i", "filename": "f", "mediaType": "m", "size": 3},
                                      {"url": "u"}, {"attachmentId": "", "filename": "f"}, "x", {"attachmentId": 5}]},
         {"text": "", "attachments": [{"attachmentId": "i", "mediaType": "m", "filename": "f"}, {"url": "u"}]}),
        ({"attachments": [{"url": "u"}]}, {"text": "", "attachments": [{"url": "u"}]}),
        ({"text": 5}, None),
        ({}, None),
        ("text", None),
        (None, None),
    ],
)  # fmt: skip
def test_input_is_reduced_to_what_agents_know(payload: object, forwarded: object) -> None:
    assert forwarded_input(payload) == forwarded


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("text", "attachments", "client", "deliverAs", "requestId")


@given(st.one_of(JSON, st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON))))
def test_whatever_comes_as_input_is_forwarded_well_formed_or_not_at_all(payload: object) -> None:
    body = forwarded_input(payload)
    if body is None:
        return
    assert isinstance(body["text"], str)
    assert isinstance(body["attachments"], list)
    assert all(entry.get("attachmentId") or entry.get("url") for entry in body["attachments"])
    assert set(body) <= set(FIELDS)
    assert body.get("deliverAs", "steer") in ("steer", "followUp")
