"""Asking an agent for what the relay does not hold (sockets-browsers.md 3.4, 3.6)."""

from __future__ import annotations

import pytest

from tests.clock import ManualClock
from tests.viewers.house import Agent, House, Person, contents, events, kind, quiet
from tests.viewers.wire import Joined


async def asked(agent: Agent, viewer: Joined) -> int:
    """Answer how often the agent was asked for a snapshot, after everything under way arrived."""
    await quiet(viewer)
    await agent.send({"type": "heartbeat", "active": False})
    return agent.socket.unread().count("connected")


async def join(house: House, person: Person, *, generation: int = 1, echo: bool = True) -> Joined:
    viewer = await house.viewer(person)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": generation})
    await viewer.take("connected")
    if echo:
        await viewer.emit("connected", {})
    return viewer


async def test_the_signal_waits_for_the_echo_and_comes_once(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewer = await join(house, ann, echo=False)
    assert await asked(agent, viewer) == 0
    await viewer.emit("connected", {})
    assert await asked(agent, viewer) == 1
    await viewer.emit("connected", {})
    assert await asked(agent, viewer) == 0


async def test_a_retry_of_the_browser_asks_again(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewer = await join(house, ann)
    assert await asked(agent, viewer) == 1
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.emit("connected", {})
    assert await asked(agent, viewer) == 1


async def test_viewers_that_come_together_share_one_signal(house: House, ann: Person, clock: ManualClock) -> None:
    agent = await house.agent(ann)
    first, second = await join(house, ann), await join(house, ann)
    await quiet(first)
    assert await asked(agent, second) == 1
    clock.advance(2)
    third = await join(house, ann)
    assert await asked(agent, third) == 1


async def test_content_from_the_store_keeps_the_agent_undisturbed(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    viewer = await join(house, ann)
    assert contents(await viewer.take("event")) == ["m0"]
    assert await asked(agent, viewer) == 0


async def test_a_snapshot_that_arrived_before_the_echo_makes_the_signal_needless(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewer = await join(house, ann, echo=False)
    await agent.active(1)
    assert contents(await viewer.take("event")) == ["m0"]
    await viewer.emit("connected", {})
    assert await asked(agent, viewer) == 0


async def test_a_miss_shows_the_heartbeat_as_a_sign_of_life(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.send({"type": "heartbeat", "active": True, "model": None})
    viewer = await join(house, ann, generation=6)
    assert await viewer.take("event") == {
        "event": {"type": "heartbeat", "active": True, "model": None, "_livenessOnly": True},
        "generation": 6,
        "sessionId": "s1",
    }


async def test_without_an_agent_the_viewer_is_told_once_per_try(house: House, ann: Person) -> None:
    await house.agent(ann)
    await house.restart()
    viewer = await join(house, ann, generation=3)
    for _ in range(2):
        body = await viewer.take("error")
        assert body["generation"] == 3
        assert body["message"] == (
            "The runner for this session is offline — the conversation will load when it reconnects."
        )
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": 3})
        await viewer.emit("connected", {})


async def test_the_nonce_is_remembered_for_a_minute(house: House, ann: Person, clock: ManualClock) -> None:
    agent = await house.agent(ann)
    await join(house, ann)
    nonce = (await agent.socket.take("connected"))["recoveryNonce"]
    session = house.session("s1")
    assert session.nonce == nonce
    assert session.nonce_until == clock.monotonic() + 60
    await agent.send({"type": "session_active", "recoveryNonce": nonce, "state": {"messages": []}})
    assert session.nonce is None


async def test_resync_fills_a_gap_with_flags_and_generation(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    viewer = await join(house, ann, generation=8)
    await viewer.take("event")
    await agent.send({"type": "agent_start"}, {"type": "agent_end"})
    await quiet(viewer)
    await viewer.emit("resync", {"lastSeq": 1})
    for seq in (2, 3):
        body = await viewer.take("event")
        assert (body["seq"], body["replay"], body["deltaReplay"], body["generation"]) == (seq, True, True, 8)
    assert await quiet(viewer) == []


async def test_resync_without_a_cursor_shows_heartbeat_and_state(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(60)
    await agent.send({"type": "heartbeat", "active": True})
    viewer = await join(house, ann)
    await quiet(viewer)
    await viewer.emit("resync", {})
    assert kind(await viewer.take("event")) == "heartbeat"
    body = await viewer.take("event")
    assert (len(contents(body)), "seq" in body, body["sessionId"]) == (50, False, "s1")
    assert await asked(agent, viewer) == 0


async def test_resync_without_a_state_asks_the_agent_once_for_all(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewer = await join(house, ann)
    for _ in range(50):
        await viewer.emit("resync", {})
    assert await asked(agent, viewer) == 1


@pytest.mark.parametrize("payload", [None, "x", {"lastSeq": "1"}, {"lastSeq": None}, {"lastSeq": True}])
async def test_a_cursor_that_is_no_number_counts_as_none(house: House, ann: Person, payload: object) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    viewer = await join(house, ann)
    await quiet(viewer)
    await viewer.emit("resync", payload)
    assert contents(await viewer.take("event")) == ["m0"]


async def test_resync_outside_a_session_is_ignored(house: House, ann: Person) -> None:
    viewer = await house.viewer(ann)
    await viewer.emit("resync", {})
    assert await quiet(viewer) == []


@pytest.mark.parametrize(
    ("before", "limit", "first", "last"),
    [(60, 50, 10, 60), (10, 50, 0, 10), (1e9, 3, 57, 60), (-5, 50, 0, 0), (5.9, 2.9, 3, 5), (5, -1, 5, 5)],
)
async def test_pages_are_slices_of_the_whole_transcript(
    house: House, ann: Person, before: float, limit: float, first: int, last: int
) -> None:
    agent = await house.agent(ann)
    await agent.active(60)
    viewer = await join(house, ann, generation=2)
    await viewer.emit("load_messages", {"sessionId": "s1", "before": before, "limit": limit})
    page = await viewer.take("session_messages_page")
    messages = page["messages"]
    assert isinstance(messages, list)
    assert [entry["content"] for entry in messages] == [f"m{index}" for index in range(first, last)]
    assert (page["oldestIndex"], page["hasMore"], page["generation"]) == (first, first > 0, 2)


async def test_a_page_is_answered_even_without_a_source_and_never_for_another_session(
    house: House, ann: Person
) -> None:
    agent = await house.agent(ann)
    viewer = await join(house, ann)
    bad: list[object] = [
        {"sessionId": "s2", "before": 1, "limit": 1},
        {"sessionId": "s1", "before": "1", "limit": 1},
        {"sessionId": "s1", "before": 1},
        {"before": 1, "limit": 1},
        None,
    ]
    for payload in bad:
        await viewer.emit("load_messages", payload)
    await viewer.emit("load_messages", {"sessionId": "s1", "before": 9, "limit": 50})
    page = await viewer.take("session_messages_page")
    assert page == {"sessionId": "s1", "messages": [], "oldestIndex": 0, "hasMore": False, "generation": 1}
    assert "session_messages_page" not in await quiet(viewer)
    await agent.send({"type": "agent_start"})
    assert [kind(body) for body in events(viewer)] == ["agent_start"]
