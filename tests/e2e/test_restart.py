"""Prove that a restart of the relay loses nothing that a user can see (sockets-agents.md 4.3, 4.4, 5.5)."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.provider import Say
from tests.e2e.stack import EMAIL, PASSWORD, Stack
from tests.e2e.transcript import as_objects
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

STORY = " ".join(f"word{number}" for number in range(40))
WHOLE = [("user", "tell a story", ()), ("assistant", STORY, ())]
#: How long a browser may be back before its agent (the issue's wording); time itself is what is tested here.
_HEAD_START = 10.0


async def in_mid_stream(stack: Stack) -> tuple[str, Viewer, asyncio.Event]:
    """Bring a session to the middle of its answer, held there until the event is set."""
    go_on = asyncio.Event()
    stack.provider.plan("tell a story", Say(STORY, gate=go_on, before=20))
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    await viewer.begin("tell a story")
    await viewer.until_said("word19")
    return session_id, viewer, go_on


async def restart(stack: Stack, how: str) -> None:
    """End the relay and start it again on the same data."""
    if how == "SIGKILL":
        await stack.relay.kill()
    else:
        await stack.relay.terminate(timeout=4)
    await stack.relay.start()


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
async def test_runner_session_and_viewer_are_back_by_themselves_after(stack: Stack, how: str) -> None:
    session_id, viewer, go_on = await in_mid_stream(stack)
    status, body = await stack.request("PUT", f"/api/sessions/{session_id}/pin")
    assert status == 200, body
    newest = viewer.live_seqs[-1]
    started_at = (await stack.live_sessions())[session_id]["startedAt"]
    await asyncio.wait_for(restart(stack, how), 30)

    row = await stack.until_runner(timeout=40)
    assert row["runnerId"] == stack.runner_id
    live = await stack.until_live(session_id, timeout=40)
    assert live["startedAt"] == started_at
    assert live["runnerId"] == stack.runner_id
    go_on.set()
    await viewer.until_shows(WHOLE, timeout=40)
    assert viewer.connects >= 2
    assert viewer.cursor is not None
    assert viewer.cursor > newest
    assert viewer.gaps == []
    fresh = await stack.viewer(session_id)
    assert fresh.transcript.messages() == viewer.transcript.messages()

    pinned = as_objects((await stack.get("/api/sessions/pinned")).get("pinnedSessions"))
    assert [row["sessionId"] for row in pinned] == [session_id]
    assert session_id in await stack.history()
    assert await stack.register(EMAIL, PASSWORD)


async def test_the_session_goes_on_working_after_a_restart(stack: Stack) -> None:
    session_id, viewer, go_on = await in_mid_stream(stack)
    await restart(stack, "SIGKILL")
    go_on.set()
    await stack.until_live(session_id, timeout=40)
    await viewer.until_shows(WHOLE, timeout=40)
    await viewer.insist("and more")
    await viewer.until_said("You said: and more")
    await stack.until_runner(timeout=40)
    other = await stack.spawn("a second one")
    second = await stack.viewer(other)
    await second.until_said("You said: a second one")


async def test_an_answer_that_ends_while_the_relay_is_down_is_there_afterwards(stack: Stack) -> None:
    _session, viewer, go_on = await in_mid_stream(stack)
    await stack.relay.kill()
    go_on.set()
    await stack.relay.start()
    await viewer.until_shows(WHOLE, timeout=40)


async def test_a_viewer_that_is_back_ten_seconds_before_the_agent_ends_with_the_full_transcript(stack: Stack) -> None:
    session_id, viewer, go_on = await in_mid_stream(stack)
    hub = await stack.hub()
    with stack.frozen(session_id):
        await restart(stack, "SIGKILL")
        await viewer.until(lambda: viewer.connects >= 2 and viewer.online, "the viewer to be back", 15)
        await hub.changed.until(lambda: hub.connects >= 2 and session_id in hub.sessions, "the hub to list it", 15)
        assert hub.sessions[session_id]["isActive"] is False
        assert await viewer.tell("are you there?") is False
        # A snapshot of the last second may be lost with the process, so a newcomer may have to wait for the agent.
        late = await stack.viewer()
        await late.select(session_id)
        await asyncio.sleep(_HEAD_START)
        assert "session_ended" not in viewer.codes()
    go_on.set()
    for watching in (viewer, late):
        await watching.until_shows(WHOLE, timeout=60)
    await viewer.insist("and more")
    await late.until_said("You said: and more")


async def test_a_runner_that_was_away_keeps_its_id_and_can_spawn_at_once(stack: Stack) -> None:
    feed = await stack.runners_feed()
    await feed.until_present(stack.runner_id)
    await restart(stack, "SIGKILL")
    await feed.changed.until(lambda: feed.connects >= 2, "the feed to be back", 15)
    await feed.until_present(stack.runner_id, timeout=40)
    viewer = await stack.viewer(await stack.spawn("hello again"))
    await viewer.until_said("You said: hello again")
