"""Viewers of a session whose stored state is read only now (sockets-agents.md 4.4)."""

from __future__ import annotations

import asyncio

import pytest

from tests.broken import broken_table
from tests.viewers.house import House, Person, contents, message, quiet


@pytest.fixture
async def restarted(house: House, ann: Person) -> House:
    """A relay that has just restarted with one awaited session, whose state nobody has read yet."""
    agent = await house.agent(ann)
    await agent.active(2)
    await house.restart()
    assert not house.session("s1").state_loaded
    return house


async def test_viewers_that_come_together_all_get_the_stored_state(restarted: House, ann: Person) -> None:
    viewers = [await restarted.viewer(ann) for _ in range(5)]
    for viewer in viewers:
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    for viewer in viewers:
        assert contents(await viewer.take("event")) == ["m0", "m1"]


async def test_pages_come_from_the_stored_state(restarted: House, ann: Person) -> None:
    viewer = await restarted.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.emit("load_messages", {"sessionId": "s1", "before": 1, "limit": 50})
    assert (await viewer.take("session_messages_page"))["messages"] == [message(0)]


async def test_switches_during_the_reading_end_where_the_last_one_says(restarted: House, ann: Person) -> None:
    viewer = await restarted.viewer(ann)
    for generation, session_id in enumerate(["s1", "nowhere", "s1", "nowhere"]):
        await viewer.emit("switch_session", {"sessionId": session_id, "generation": generation})
    await viewer.take("disconnected")
    await viewer.take("disconnected")
    assert await quiet(viewer) == ["connected", "service_announce", "event"] * 2
    assert len(restarted.session("s1").audience) == 0


async def test_a_state_that_arrives_while_the_stored_one_is_read_wins(restarted: House, ann: Person) -> None:
    session = restarted.session("s1")
    reading = asyncio.create_task(restarted.app.sessions.states.load(session))
    await asyncio.sleep(0)
    session.transcript.start_over()
    newer = b'{"messages":[{"content":"new"}]}'
    session.transcript.publish_snapshot(b'{"type":"session_active","state":' + newer + b"}", newer)
    await reading
    assert session.transcript.snapshot is not None
    assert bytes(session.transcript.snapshot.state) == newer


async def test_a_state_that_cannot_be_read_is_told_and_read_at_the_next_try(restarted: House, ann: Person) -> None:
    viewer = await restarted.viewer(ann)
    async with broken_table(restarted.database, "relay_session_state"):
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
        await viewer.take("connected")
        await viewer.emit("connected", {})
        assert "offline" in str((await viewer.take("error"))["message"])
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    assert contents(await viewer.take("event")) == ["m0", "m1"]


async def test_a_viewer_that_leaves_during_the_reading_is_forgotten(restarted: House, ann: Person) -> None:
    viewer, other = await restarted.viewer(ann), await restarted.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.wire.close()
    await other.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await other.take("event")
    states = restarted.app.viewers._states
    async with asyncio.timeout(10):
        while len(states) > 1:
            await quiet(other)
    assert [watcher.socket.connected for watcher in restarted.session("s1").audience] == [True]
