"""Joining, returning and losing sessions on `/viewer` (sockets-browsers.md 2.4, 3.2, 3.3, 3.8)."""

from __future__ import annotations

import pytest

from tests.clock import ManualClock
from tests.viewers.house import House, Person, contents, events, kind, quiet


async def test_a_generation_that_no_double_holds_counts_as_none(house: House, ann: Person) -> None:
    await house.agent(ann)
    viewer = await house.viewer(ann)
    # With a lone surrogate the standard library's parser reads it, which knows no limit.
    huge = {"sessionId": "s1", "generation": 10**400, "lastSeq": 10**400, "more": "\ud800"}
    await viewer.emit("switch_session", huge)
    assert "generation" not in await viewer.take("connected")


async def test_browsers_03_connected_comes_before_content_and_direct_sends_echo_the_generation(
    house: House, ann: Person
) -> None:
    agent = await house.agent(ann, sessionName="Fix login")
    await agent.send({"type": "heartbeat", "active": True})
    await agent.active(2)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 7})
    assert await viewer.take("connected") == {
        "sessionId": "s1",
        "lastSeq": 1,
        "isActive": True,
        "lastHeartbeatAt": "2026-01-01T00:00:00.000Z",
        "sessionName": "Fix login",
        "meta_source": "hub",
        "generation": 7,
    }
    direct = await viewer.take("event")
    assert (direct["generation"], direct["replay"], "seq" in direct) == (7, True, False)
    assert [name for name, _ in viewer.log] == ["connected", "service_announce", "event"]
    await agent.send({"type": "agent_start"})
    assert await viewer.take("event") == {"event": {"type": "agent_start"}, "seq": 2, "sessionId": "s1"}


async def test_browsers_04_a_switch_without_a_cursor_always_yields_content(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(3)
    viewer = await house.viewer(ann)
    for _ in range(3):
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
        assert contents(await viewer.take("event")) == ["m0", "m1", "m2"]


async def test_browsers_04_after_a_relay_restart_the_store_serves_until_the_agent_is_back(
    house: House, ann: Person
) -> None:
    agent = await house.agent(ann)
    await agent.active(60, model={"provider": "p", "id": "m"})
    await agent.send({"type": "session_metadata_update", "metadata": {"queuedMessages": ["next"]}})
    await house.restart()
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    connected = await viewer.take("connected")
    assert (connected["isActive"], connected["meta_source"]) == (False, "hub")
    body = await viewer.take("event")
    assert contents(body) == [f"m{index}" for index in range(10, 60)]
    event = body["event"]
    assert isinstance(event, dict)
    assert event["state"]["queuedMessages"] == ["next"]
    assert "_metaViaHub" not in event
    assert await viewer.call("input", {"text": "hi"}) == [False]
    back = await house.agent(ann)
    assert (await viewer.take("disconnected"))["code"] == "session_reconnected"
    await viewer.until_kicked()
    await back.active(61)
    again = await house.viewer(ann)
    await again.emit("switch_session", {"sessionId": "s1", "generation": 1, "lastSeq": 1})
    assert len(contents(await again.take("event"))) == 61


async def test_browsers_04_without_any_store_the_agent_is_asked_and_its_answer_reaches_the_viewer(
    house: House, ann: Person
) -> None:
    agent = await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.take("connected")
    await viewer.emit("connected", {})
    nonce = (await agent.socket.take("connected"))["recoveryNonce"]
    assert isinstance(nonce, str)
    await agent.send(
        {"type": "capabilities", "models": [], "commands": []},
        {"type": "session_active", "recoveryNonce": nonce, "state": {"messages": [{"content": "m0"}]}},
    )
    assert contents(await viewer.take("event", lambda body: kind(body) == "session_active")) == ["m0"]


@pytest.mark.parametrize("last_seq", [0, 1, 5, -4, 10**12])
async def test_browsers_04_an_old_cursor_never_yields_silence(house: House, ann: Person, last_seq: int) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    await agent.leave(await house.hub(ann))
    agent = await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1, "lastSeq": last_seq})
    connected = await viewer.take("connected")
    await viewer.emit("connected", {})
    await agent.socket.take("connected")
    await agent.active(1)
    body = await viewer.take("event")
    assert contents(body) == ["m0"]
    assert isinstance(connected["lastSeq"], int)
    assert body["seq"] == connected["lastSeq"] + 1


async def test_browsers_05_a_dead_id_is_ended_and_the_socket_stays(house: House, ann: Person) -> None:
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "nowhere", "generation": 3})
    assert await viewer.take("disconnected") == {
        "reason": "Session ended",
        "code": "session_ended",
        "sessionId": "nowhere",
        "generation": 3,
    }
    agent = await house.agent(ann)
    await agent.active(1)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 4})
    assert (await viewer.take("event"))["generation"] == 4
    assert not viewer.kicked


async def test_browsers_05_a_foreign_id_is_not_found(house: House, ann: Person, bob: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    viewer = await house.viewer(bob)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 3})
    assert await viewer.take("error") == {"message": "Session not found", "generation": 3}
    await agent.send({"type": "agent_start"})
    assert await quiet(viewer) == []
    assert not viewer.kicked


async def test_browsers_06_the_room_follows_the_switch(house: House, ann: Person) -> None:
    first, second = await house.agent(ann, "s1"), await house.agent(ann, "s2")
    viewer = await house.viewer(ann)
    for session_id in ("s1", "s1", "s2"):
        await viewer.emit("switch_session", {"sessionId": session_id, "generation": 1})
        await viewer.take("connected")
    viewer.unread()
    await first.send({"type": "agent_start"})
    await second.send({"type": "agent_start"})
    assert (await viewer.take("event"))["sessionId"] == "s2"
    assert await quiet(viewer) == []
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    await viewer.emit("switch_session", {"sessionId": "s1"})
    connected = await viewer.take("connected")
    assert "generation" not in connected
    viewer.unread()
    await first.send({"type": "agent_start"})
    assert (await viewer.take("event"))["sessionId"] == "s1"
    assert len(house.session("s1").audience) == 1


async def test_a_failed_switch_leaves_the_former_session(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.emit("switch_session", {"sessionId": "nowhere", "generation": 2})
    await viewer.take("disconnected")
    viewer.unread()
    await agent.send({"type": "agent_start"})
    assert await quiet(viewer) == []
    assert len(house.session("s1").audience) == 0


async def test_browsers_11_a_session_that_returns_late_revives_who_asked_for_it(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(2)
    await agent.leave(await house.hub(ann))
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 9})
    assert (await viewer.take("disconnected"))["code"] == "session_ended"
    back = await house.agent(ann)
    connected = await viewer.take("connected")
    assert (connected["sessionId"], connected["generation"]) == ("s1", 9)
    assert contents(await viewer.take("event")) == ["m0", "m1"]
    await back.send({"type": "agent_start"})
    assert "generation" not in await viewer.take("event", lambda body: kind(body) == "agent_start")


async def test_a_session_of_somebody_else_revives_nobody(house: House, ann: Person, bob: Person) -> None:
    viewer = await house.viewer(bob)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 9})
    await viewer.take("disconnected")
    await house.agent(ann)
    assert await quiet(viewer) == []


async def test_who_moved_on_is_not_brought_back(house: House, ann: Person) -> None:
    await house.agent(ann, "s2")
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.take("disconnected")
    await viewer.emit("switch_session", {"sessionId": "s2", "generation": 2})
    await viewer.take("connected")
    viewer.unread()
    await house.agent(ann, "s1")
    assert await quiet(viewer) == []


async def test_browsers_11_a_new_registration_tells_viewers_and_kicks_them(house: House, ann: Person) -> None:
    await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.take("connected")
    await house.agent(ann)
    gone = await viewer.take("disconnected")
    assert gone == {"reason": "Session reconnected", "code": "session_reconnected", "sessionId": "s1"}
    await viewer.until_kicked()


async def test_browsers_15_live_snapshots_are_whole_and_direct_ones_are_cut(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    watching = await house.viewer(ann)
    await watching.emit("switch_session", {"sessionId": "s1"})
    await watching.take("connected")
    await agent.active(60)
    live = await watching.take("event")
    assert contents(live) == [f"m{index}" for index in range(60)]
    event = live["event"]
    assert isinstance(event, dict)
    assert "hasMore" not in event["state"]
    joining = await house.viewer(ann)
    await joining.emit("switch_session", {"sessionId": "s1"})
    direct = await joining.take("event")
    assert contents(direct) == [f"m{index}" for index in range(10, 60)]
    event = direct["event"]
    assert isinstance(event, dict)
    assert [event["state"][key] for key in ("totalMessages", "hasMore", "oldestLoadedIndex")] == [60, True, 10]


async def test_browsers_07_numbers_are_gapless_and_go_on_over_registration_and_restart(
    house: House, ann: Person
) -> None:
    agent = await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    await agent.send(
        {"type": "agent_start"},
        {"type": "heartbeat", "active": True},
        {"type": "message_start", "message": {"role": "assistant"}},
        {"type": "message_update", "assistantMessageEvent": {"type": "text_delta", "contentIndex": 0}},
        {"type": "tool_execution_update", "toolCallId": "t"},
        {"type": "session_metadata_update", "metadata": {}},
        {"type": "question_cleared", "toolCallId": "t"},
        {"type": "session_active", "state": {"chunked": True, "snapshotId": "x", "messages": []}},
        {"type": "session_messages_chunk", "snapshotId": "x", "chunkIndex": 0, "totalChunks": 2, "messages": []},
        {
            "type": "session_messages_chunk",
            "snapshotId": "x",
            "chunkIndex": 1,
            "totalChunks": 2,
            "messages": [],
            "final": True,
        },
        {"type": "message_end", "message": {"role": "assistant"}},
    )
    await quiet(viewer)
    seen = [(kind(body), body.get("seq")) for body in events(viewer)]
    assert seen == [
        ("agent_start", 1),
        ("heartbeat", None),
        ("message_start", 2),
        ("message_update", None),
        ("tool_execution_update", None),
        ("session_metadata_update", None),
        ("session_active", None),
        ("session_messages_chunk", None),
        ("session_messages_chunk", 3),
        ("tool_execution_update", None),
        ("message_update", None),
        ("message_end", 4),
    ]
    again = await house.agent(ann)
    await viewer.until_kicked()
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "lastSeq": 4})
    assert (await viewer.take("connected"))["lastSeq"] == 4
    await again.active(1)
    assert (await viewer.take("event"))["seq"] == 5
    await house.restart()
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "lastSeq": 5})
    last_seq = (await viewer.take("connected"))["lastSeq"]
    assert isinstance(last_seq, int)
    assert last_seq > 5


async def test_browsers_08_metadata_reaches_live_viewers_and_the_next_snapshot(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(1, model={"provider": "p", "id": "m", "contextWindow": 5})
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("event")
    metadata = {
        "model": {"provider": "p", "id": "m", "name": "M"},
        "queuedMessages": ["q"],
        "todoList": [{"id": 1, "text": "t", "status": "pending"}],
    }
    await agent.send(
        {"type": "session_metadata_update", "metadata": metadata},
        {"type": "capabilities", "models": [{"provider": "p", "id": "m"}], "commands": [{"name": "c"}]},
    )
    assert (await viewer.take("event"))["event"] == {"type": "session_metadata_update", "metadata": metadata}
    late = await house.viewer(ann)
    await late.emit("switch_session", {"sessionId": "s1"})
    event = (await late.take("event"))["event"]
    assert isinstance(event, dict)
    shown = event["state"]
    assert shown["model"] == {"provider": "p", "id": "m", "contextWindow": 5, "name": "M"}
    assert (shown["queuedMessages"], shown["todoList"]) == (["q"], metadata["todoList"])
    assert shown["availableCommands"] == [{"name": "c"}]


def chunk(index: int, total: int) -> dict[str, object]:
    texts = [{"role": "user", "content": f"c{index}.{number}", "timestamp": number} for number in range(30)]
    return {
        "type": "session_messages_chunk",
        "snapshotId": "x",
        "chunkIndex": index,
        "totalChunks": total,
        "totalMessages": 30 * total,
        "messages": texts,
        "final": index == total - 1,
    }


HEADER = {"type": "session_active", "state": {"cwd": "/work", "chunked": True, "snapshotId": "x", "messages": []}}


async def test_browsers_09_a_chunk_header_does_not_blank_the_state_and_the_finished_stream_is_pageable(
    house: House, ann: Person, clock: ManualClock
) -> None:
    agent = await house.agent(ann)
    await agent.active(2)
    watching = await house.viewer(ann)
    await watching.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await watching.take("event")
    await agent.send(HEADER, chunk(0, 3))
    await watching.emit("load_messages", {"sessionId": "s1", "before": 2, "limit": 50})
    page = await watching.take("session_messages_page")
    assert isinstance(page["messages"], list)
    assert len(page["messages"]) == 2
    late = await house.viewer(ann)
    await late.emit("switch_session", {"sessionId": "s1", "generation": 5})
    await late.take("connected")
    await late.emit("connected", {})
    assert await quiet(late) == ["service_announce"]
    await agent.send(chunk(1, 3), chunk(2, 3))
    assembled = await late.take("event")
    assert (assembled["seq"], assembled["deltaReplay"], assembled["generation"]) == (2, True, 5)
    assert len(contents(assembled)) == 90
    assert await quiet(late) == []
    assert "connected" not in agent.socket.unread()
    await watching.emit("load_messages", {"sessionId": "s1", "before": 40, "limit": 50})
    page = await watching.take("session_messages_page")
    assert (page["oldestIndex"], page["hasMore"], page["generation"]) == (0, False, 1)
    assert isinstance(page["messages"], list)
    assert len(page["messages"]) == 40
    assert [kind(body) for body in events(watching)][-4:] == ["session_active", *["session_messages_chunk"] * 3]


async def test_a_stalled_chunk_stream_holds_nobody_up(house: House, ann: Person, clock: ManualClock) -> None:
    agent = await house.agent(ann)
    await agent.active(2)
    await agent.send(HEADER, chunk(0, 3))
    clock.advance(11)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 5})
    assert contents(await viewer.take("event")) == ["m0", "m1"]
    assert "recoveryNonce" in await agent.socket.take("connected")


async def test_resuming_gets_exactly_what_was_missed_and_the_newest_cumulative_events(
    house: House, ann: Person
) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    update = {"type": "message_update", "assistantMessageEvent": {"type": "text_delta", "contentIndex": 0}}
    await agent.send({"type": "agent_start"}, {"type": "message_start", "message": {"role": "assistant"}}, update)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 2, "lastSeq": 2})
    assert (await viewer.take("connected"))["lastSeq"] == 3
    started = await viewer.take("event")
    assert (kind(started), started["seq"], started["deltaReplay"]) == ("message_start", 3, True)
    partial = await viewer.take("event")
    assert partial == {"event": update, "generation": 2, "sessionId": "s1"}
    assert await quiet(viewer) == ["service_announce"]
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 2, "lastSeq": 3})
    assert kind(await viewer.take("event")) == "message_update"
    assert await quiet(viewer) == ["connected", "service_announce"]


async def test_services_are_announced_at_every_switch(house: House, ann: Person) -> None:
    await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 2})
    assert await viewer.take("service_announce") == {"serviceIds": [], "generation": 2}


async def test_services_of_the_sessions_runner_are_announced_with_their_runner(house: House, ann: Person) -> None:
    await house.agent(ann)
    wire = await house.wire()
    runner = await wire.join("/runner", {"apiKey": ann.key, "protocolVersion": 1})
    await runner.emit("register_runner", {"runnerId": "r1", "runnerSecret": "secret"})
    await runner.take("runner_registered")
    feed = await (await house.wire({"Cookie": ann.cookie, "Origin": house.url})).join("/runners", {})
    await runner.emit("service_announce", {"serviceIds": ["git"]})
    await feed.take("runner_updated", lambda body: body.get("serviceIds") == ["git"])
    house.app.sessions.registry.link_runner(house.session("s1"), "r1", None)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 2})
    announced = await viewer.take("service_announce")
    assert (announced["serviceIds"], announced["runnerId"]) == (["git"], "r1")
    assert (announced["_runnerRef"], announced["generation"]) == (True, 2)


async def test_a_protocol_mismatch_is_only_told(house: House, ann: Person) -> None:
    viewer = await house.viewer(ann, {"protocolVersion": 2})
    assert isinstance((await viewer.take("error"))["message"], str)
    assert await quiet(viewer) == []


async def test_the_handshake_may_name_a_live_session(house: House, ann: Person, bob: Person) -> None:
    agent = await house.agent(ann)
    await agent.active(1)
    viewer = await house.viewer(ann, {"sessionId": "s1"})
    assert (await viewer.take("connected"))["generation"] == 0
    assert contents(await viewer.take("event")) == ["m0"]
    stranger = await house.viewer(bob, {"sessionId": "s1"})
    assert (await stranger.take("error"))["message"] == "Session not found"
    await stranger.until_kicked()
    assert not stranger.wire.closed.is_set()


async def test_the_handshake_may_name_an_ended_session_which_is_replayed(
    house: House, ann: Person, bob: Person
) -> None:
    agent = await house.agent(ann)
    await agent.active(60)
    await agent.end(await house.hub(ann))
    viewer = await house.viewer(ann, {"sessionId": "s1"})
    connected = await viewer.take("connected")
    assert (connected["replayOnly"], "meta_source" in connected) == (True, False)
    assert len(contents(await viewer.take("event"))) == 50
    assert (await viewer.take("disconnected"))["code"] == "snapshot_replay"
    await viewer.until_kicked()
    for person, session_id in ((bob, "s1"), (ann, "never")):
        stranger = await house.viewer(person, {"sessionId": session_id})
        assert (await stranger.take("error"))["message"] == "Session not found"
        await stranger.until_kicked()


async def test_an_ended_session_without_a_state_says_so(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    await agent.end(await house.hub(ann))
    viewer = await house.viewer(ann, {"sessionId": "s1"})
    assert (await viewer.take("error"))["message"] == "Session snapshot not available"
    await viewer.until_kicked()


async def test_the_pages_of_an_ended_session_are_read_by_its_owner_who_asked_for_it(
    house: House, ann: Person, bob: Person
) -> None:
    agent = await house.agent(ann)
    await agent.active(60)
    await agent.end(await house.hub(ann))
    viewer, stranger = await house.viewer(ann), await house.viewer(bob)
    for one in (viewer, stranger):
        await one.emit("switch_session", {"sessionId": "s1", "generation": 3})
        assert (await one.take("disconnected"))["code"] == "session_ended"
        await one.emit("load_messages", {"sessionId": "s1", "before": 10, "limit": 4})
    page = await viewer.take("session_messages_page")
    assert (page["oldestIndex"], page["hasMore"], page["generation"]) == (6, True, 3)
    assert isinstance(page["messages"], list)
    assert len(page["messages"]) == 4
    assert await quiet(stranger) == []
