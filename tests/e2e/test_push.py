"""Prove that a question of a real session reaches a browser's push service, and its answer the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.provider import Say, ask_user
from tests.e2e.stack import Stack
from tests.push.device import Browser, PushService, claims

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


@pytest.fixture
async def push_stack(tmp_path: Path, client_binary: Path) -> AsyncIterator[Stack]:
    """A relay that may push to this machine, with the published runner connected."""
    async with Stack(tmp_path, client_binary, {"RELAY_PUSH_ALLOW_PRIVATE": "true"}) as stack:
        await stack.start_runner()
        yield stack
        assert stack.relay.tracebacks() == ""


async def pushed_question(stack: Stack, service: PushService, browser: Browser) -> tuple[str, Mapping[str, object]]:
    """Subscribe, let a new session ask, and answer its id and the message that came."""
    stack.provider.plan("ask me", ask_user("Which way?", "left", "right", "straight on"), Say("thank you"))
    public_key = str((await stack.get("/api/push/vapid-public-key"))["publicKey"])
    await stack.post("/api/push/subscribe", {"endpoint": service.endpoint(), "keys": browser.keys})
    session_id = await stack.spawn("ask me")
    [request] = await service.until(1)
    assert claims(request.headers["Authorization"], public_key)["aud"] == service.origin
    return session_id, browser.read(request.body)


def answer_to(message: Mapping[str, object], text: str) -> dict[str, object]:
    """Answer what the service worker posts when somebody replies."""
    data = message["data"]
    assert isinstance(data, dict)
    return {"sessionId": message["sessionId"], "toolCallId": data["toolCallId"], "text": text}


async def test_a_question_is_pushed_and_answered_from_the_notification(push_stack: Stack) -> None:
    stack, browser = push_stack, Browser()
    async with PushService() as service:
        session_id, message = await pushed_question(stack, service, browser)
        assert message["type"] == "agent_needs_input"
        assert message["sessionId"] == session_id
        assert str(message["body"]).endswith("asks: Which way?")
        actions = message["actions"]
        assert isinstance(actions, list)
        assert [action["title"] for action in actions] == ["left", "right", "✏️ Reply"]

        assert await stack.post("/api/push/answer", answer_to(message, "right")) == {"ok": True}
        # The answer made the agent go on to its end, of which the second notification tells.
        [_, request] = await service.until(2)
        finished = browser.read(request.body)
        # The published client leaves the messages out of its `agent_end`, so there are no last words to quote.
        assert finished["type"] == "agent_finished"
        assert finished["body"] == f'Your agent in "{finished["sessionName"]}" has finished its task.'
        status, _ = await stack.request("POST", "/api/push/answer", answer_to(message, "left"))
        assert status == 409
    viewer = await stack.viewer(session_id)
    [result] = viewer.transcript.texts("toolResult")
    assert "right" in result
    assert viewer.transcript.last_text() == "thank you"


async def test_an_agent_that_lost_the_relay_has_given_its_question_up_and_so_has_the_relay(push_stack: Stack) -> None:
    stack, browser = push_stack, Browser()
    async with PushService() as service:
        session_id, message = await pushed_question(stack, service, browser)
        await stack.relay.kill()
        await stack.relay.start()
        await stack.until_live(session_id, timeout=40)
        status, body = await stack.request("POST", "/api/push/answer", answer_to(message, "right"))
        assert (status, body) == (409, {"error": "No question is currently pending for this session"})
    viewer = await stack.viewer(session_id)
    await viewer.until_said("thank you")
    assert viewer.transcript.texts("toolResult") == ["User did not provide an answer."]
    assert viewer.transcript.texts("user") == ["ask me"]
