"""The list of sessions and their meta state (sockets-browsers.md 4)."""

from __future__ import annotations

from tests.viewers.house import House, Person
from tests.viewers.wire import Joined, Json


async def subscribed(hub: Joined, session_id: str = "s1") -> Json:
    await hub.emit("subscribe_session_meta", {"sessionId": session_id})
    body = await hub.take("state_snapshot")
    assert body["sessionId"] == session_id
    state = body["state"]
    assert isinstance(state, dict)
    return state


async def settled(hub: Joined) -> list[str]:
    """Answer what a hub socket got and did not take, after everything under way arrived."""
    await hub.wire.settled()
    return hub.unread()


async def test_the_list_comes_first_and_has_every_own_session(house: House, ann: Person, bob: Person) -> None:
    await house.agent(ann, "s1", sessionName="One", cwd="/one")
    await house.agent(ann, "s2")
    await house.agent(bob, "s3")
    hub = await house.hub(ann)
    listed = (await hub.take("sessions"))["sessions"]
    assert isinstance(listed, list)
    assert hub.log[0][0] == "sessions"
    assert [entry["sessionId"] for entry in listed] == ["s1", "s2"]
    one = listed[0]
    assert one == {
        "sessionId": "s1",
        "shareUrl": one["shareUrl"],
        "cwd": "/one",
        "startedAt": "2026-01-01T00:00:00.000Z",
        "viewerCount": 0,
        "userId": ann.id,
        "userName": "ann",
        "sessionName": "One",
        "isEphemeral": True,
        "expiresAt": "2026-01-01T00:10:00.000Z",
        "isActive": False,
        "lastHeartbeatAt": None,
        "model": None,
        "runnerId": None,
        "runnerName": None,
        "parentSessionId": None,
    }
    assert one["shareUrl"].endswith("/session/s1")


async def test_browsers_11_news_of_sessions_reach_their_owner_alone(house: House, ann: Person, bob: Person) -> None:
    mine, other = await house.hub(ann), await house.hub(bob)
    agent = await house.agent(ann)
    assert (await mine.take("session_added"))["sessionId"] == "s1"
    await agent.send({"type": "heartbeat", "active": True, "model": {"provider": "p", "id": "m"}, "sessionName": "N"})
    status = await mine.take("session_status")
    assert (status["sessionId"], status["isActive"], status["sessionName"]) == ("s1", True, "N")
    assert status["lastHeartbeatAt"] == "2026-01-01T00:00:00.000Z"
    assert status["model"] == {"provider": "p", "id": "m"}
    await agent.end(mine)
    await other.take("sessions")
    assert [name for name, _ in other.log] == ["sessions"]


async def test_browsers_11_a_new_registration_is_a_removal_and_an_addition(house: House, ann: Person) -> None:
    await house.agent(ann)
    hub = await house.hub(ann)
    await hub.take("sessions")
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    await house.agent(ann)
    await viewer.take("disconnected")
    await hub.take("session_added")
    assert [name for name, _ in hub.log] == ["sessions", "session_removed", "session_added"]


async def test_browsers_12_a_subscription_is_answered_each_time_and_in_order(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    hub = await house.hub(ann)
    state = await subscribed(hub)
    assert (state["todoList"], state["pendingQuestion"], state["isCompacting"]) == ([], None, False)
    await subscribed(hub)
    for _ in range(10):
        await hub.emit("unsubscribe_session_meta", {"sessionId": "s1"})
        await hub.emit("subscribe_session_meta", {"sessionId": "s1"})
    for _ in range(10):
        await hub.take("state_snapshot")
    await agent.send({"type": "todo_updated", "todoList": [{"id": 1, "text": "t", "status": "pending"}]})
    event = await hub.take("meta_event")
    assert (event["type"], event["sessionId"]) == ("todo_updated", "s1")
    await hub.emit("unsubscribe_session_meta", {"sessionId": "s1"})
    await settled(hub)
    await agent.send({"type": "compact_started"})
    assert len(house.session("s1").meta_audience) == 0


async def test_browsers_12_versions_grow_over_events_registration_and_restart(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    hub = await house.hub(ann)
    versions = [(await subscribed(hub))["version"]]
    for kind in ("compact_started", "compact_ended"):
        await agent.send({"type": kind})
        versions.append((await hub.take("meta_event"))["version"])
    await agent.send({"type": "heartbeat", "active": False, "isCompacting": True})
    body = (await hub.take("state_snapshot"))["state"]
    assert isinstance(body, dict)
    versions.append(body["version"])
    again = await house.agent(ann)
    await again.send({"type": "compact_started"})
    versions.append((await hub.take("meta_event"))["version"])
    await house.restart()
    hub = await house.hub(ann)
    versions.append((await subscribed(hub))["version"])
    numbers = [version for version in versions if isinstance(version, int)]
    assert len(numbers) == len(versions)
    assert numbers == sorted(set(numbers))


async def test_browsers_12_the_state_is_repeated_while_a_prompt_is_pending(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    hub = await house.hub(ann)
    await subscribed(hub)
    beat = {"type": "heartbeat", "active": True, "isCompacting": False, "model": None}
    await agent.send(beat)
    await settled(hub)
    await agent.send(beat)
    assert "state_snapshot" not in await settled(hub)
    await agent.send({"type": "approval_pending", "approval": {"promptId": "a", "title": "T"}})
    await hub.take("state_snapshot")
    for _ in range(2):
        await agent.send(beat)
        body = (await hub.take("state_snapshot"))["state"]
        assert isinstance(body, dict)
        assert body["pendingApproval"] == {"promptId": "a", "title": "T"}


async def test_a_new_registration_shows_subscribers_that_the_prompts_are_gone(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    hub = await house.hub(ann)
    before = await subscribed(hub)
    await agent.send({"type": "question_pending", "question": {"toolCallId": "t", "questions": []}})
    await hub.take("meta_event")
    await house.agent(ann)
    await hub.take("session_added")
    body = (await hub.take("state_snapshot"))["state"]
    assert isinstance(body, dict)
    assert body["pendingQuestion"] is None
    assert isinstance(before["version"], int)
    assert isinstance(body["version"], int)
    assert body["version"] > before["version"] + 1


async def test_foreign_unknown_and_malformed_subscriptions_are_ignored(house: House, ann: Person, bob: Person) -> None:
    agent = await house.agent(ann)
    hub = await house.hub(bob)
    payloads: list[object] = [{"sessionId": "s1"}, {"sessionId": "nowhere"}, {"sessionId": 5}, {}, None, "s1"]
    for event in ("subscribe_session_meta", "unsubscribe_session_meta"):
        for payload in payloads:
            await hub.emit(event, payload)
    await agent.send({"type": "compact_started"})
    assert await settled(hub) == ["sessions"]
    assert len(house.session("s1").meta_audience) == 0


async def test_subscriptions_end_with_their_socket(house: House, ann: Person) -> None:
    await house.agent(ann)
    hub = await house.hub(ann)
    await subscribed(hub)
    assert len(house.session("s1").meta_audience) == 1
    await hub.wire.leave(hub)
    again = await hub.wire.join("/hub", {"protocolVersion": 1})
    await again.take("sessions")
    assert len(house.session("s1").meta_audience) == 0
    assert len(house.app.viewers._hub._subscriptions) == 1
