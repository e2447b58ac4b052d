"""Prove that agents publish events to subscribers, through their filters, and to single sessions (14.1, 14.5)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

import pytest

from tests.e2e.provider import Call, Conversation, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import HEARD, respond, subscribe, until_catalogue, until_heard
from tests.e2e.transcript import as_object, as_objects
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

FIRED = "time:timer_fired"


def told(talk: Conversation) -> Mapping[str, object]:
    """Answer the arguments that a person wrote behind the first word."""
    _, text = talk.last_user()
    arguments = json.loads(text[text.index("{") :])
    assert isinstance(arguments, dict)
    return arguments


async def publisher(stack: Stack) -> Viewer:
    """Spawn an agent that publishes what it is told, and watch it."""
    stack.provider.plan("^publish ", Call("publish_event", told), Say("published it"))
    stack.provider.plan("External trigger", Say("heard it"))
    return await stack.viewer(await stack.spawn())


async def publish(viewer: Viewer, **event: object) -> str:
    """Let the agent publish; answer what its tool said."""
    runs = len(viewer.transcript.runs)
    await viewer.insist(f"publish {json.dumps(event)}")
    await viewer.until_idle(runs=runs + 1)
    return viewer.transcript.texts("toolResult")[-1]


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_events_reach_a_subscriber_through_its_filters_only(stack: Stack) -> None:
    await until_catalogue(stack)
    session_id = await stack.spawn()
    route_id = await subscribe(stack, session_id, FIRED, duration="2h")
    viewer = await publisher(stack)
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"value": "abc", "op": "eq"}, "ABC", "zzz"),
        ({"value": "abc", "op": "eq", "caseSensitive": True}, "abc", "ABC"),
        ({"value": ["abc", "xyz"], "op": "eq"}, "XYZ", "xy"),
        ({"value": ["abc", "xyz"], "op": "eq", "caseSensitive": True}, "xyz", "XYZ"),
        ({"value": ["b", "q"], "op": "contains"}, "aBc", "xyz"),
        ({"value": ["b", "q"], "op": "contains", "caseSensitive": True}, "abc", "aBc"),
    ]
    for number, (one, passing, failing) in enumerate(cases):
        body = {"filters": [{"field": "label", **one}]}
        status, answer = await stack.request("PUT", f"/api/routes/{route_id}", body)
        assert status == 200, answer
        refused = await publish(viewer, type=FIRED, payload={"label": failing, "mark": f"no-{number}."})
        assert "0 deliveries" in refused, (one, refused)
        taken = await publish(viewer, type=FIRED, payload={"label": passing, "mark": f"yes-{number}."})
        assert "1 delivery" in taken, (one, taken)
        await until_heard(stack, rf"External trigger.*yes-{number}\.")
    assert stack.provider.count(r"External trigger.*no-\d\.") == 0
    assert stack.provider.count("External trigger") == len(cases)


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_an_event_for_a_session_is_read_by_it_and_an_unknown_session_is_an_error(stack: Stack) -> None:
    session_id = await stack.spawn()
    viewer = await publisher(stack)
    taken = await publish(viewer, type="svc:x", payload={"mark": "here."}, sessionId=session_id)
    assert "1 delivery" in taken
    await until_heard(stack, r"External trigger from.*here\.")
    reader = await stack.viewer(session_id)
    await reader.until_said("heard it")
    refused = await publish(viewer, type="svc:x", payload={"mark": "gone."}, sessionId=str(uuid.uuid4()))
    assert "404" in refused or "not" in refused.lower(), refused
    assert stack.provider.count("External trigger") == 1


@pytest.mark.slow(gate="tests/e2e/test_triggers.py::test_a_question_survives_the_death_of_the_relay")
async def test_an_answer_to_a_service_is_recorded_and_the_agent_is_told_so(stack: Stack) -> None:
    stack.provider.plan("External trigger", respond("pong"), Say("answered"))
    await until_catalogue(stack)
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    await subscribe(stack, session_id, FIRED, duration="2h")
    body = {"type": FIRED, "payload": {"label": "ping"}, "source": "kitchen", "expectsResponse": True}
    sent = await stack.post(f"/api/runners/{stack.runner_id}/trigger-broadcast", body)
    assert sent["delivered"] == 1
    await viewer.until_said("answered", timeout=HEARD)
    [result] = viewer.transcript.texts("toolResult")
    assert result.startswith("Response sent for trigger")
    [entry] = as_objects((await stack.get(f"/api/sessions/{session_id}/triggers"))["triggers"])
    assert as_object(entry["response"])["text"] == "pong"
