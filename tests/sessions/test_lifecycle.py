"""Registration, teardown and restart over real sockets (sockets-agents.md 2.3, 2.5, 2.9, 2.10, 4.4)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.accounts.control import ControlServer
from relay.app_settings import Tuning
from relay.clock import Clock
from relay.sessions.limits import SessionLimits
from relay.storage import Transaction
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Stage, until
from tests.sessions.test_heads import JSON
from tests.viewers.house import Person, contents, events, kind, quiet
from tests.viewers.wire import Refused

SILENT = replace(QUICK, awaited_for=0.3)


async def test_agents_01_a_bad_key_is_refused_before_any_connect(stage: Stage) -> None:
    for auth in ({"apiKey": "pk_live_wrong"}, {}, {"apiKey": 5}, {"apiKey": ""}):
        wire = await stage.wire()
        with pytest.raises(Refused, match=r"^unauthorized$"):
            await wire.join("/relay", dict(auth))


async def test_agents_01_a_failing_key_check_closes_without_a_packet_and_works_later(stage: Stage, ann: Person) -> None:
    cut = await stage.wire()
    await stage.app.storage._reader.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await cut.join("/relay", {"apiKey": "pk_live_never_seen"})
    async with asyncio.timeout(5):
        await cut.closed.wait()
    await stage.restart()
    assert (await stage.agent(ann)).session_id == "s1"


async def test_agents_02_after_a_restart_links_survive_in_both_registration_orders(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "parent")
    await stage.child(ann, parent, "first")
    await stage.child(ann, parent, "second")
    await stage.restart()
    first = await stage.agent(ann, "first", parentSessionId="parent")
    assert stage.session("first").links.parent_id == "parent"
    again = await stage.agent(ann, "parent")
    await stage.agent(ann, "second", parentSessionId="parent")
    assert (await again.socket.call("get_linked_child_count", {"token": again.token})) == [{"ok": True, "count": 2}]
    assert first.session_id == "first"


async def test_agents_03_a_second_socket_rotates_the_token_and_the_first_is_no_longer_heard(
    stage: Stage, ann: Person
) -> None:
    old = await stage.agent(ann)
    await old.active(2)
    new = await stage.agent(ann)
    assert new.token != old.token
    await old.socket.emit("event", {"token": old.token, "event": {"type": "agent_start"}, "seq": 9})
    assert (await old.socket.take("error"))["message"] == "Invalid token"
    await new.send({"type": "agent_start"})
    seq = stage.session("s1").transcript.seq
    await old.socket.wire.close()
    await new.send({"type": "turn_start"})
    assert stage.session("s1").transcript.seq == seq + 1
    assert stage.session("s1").connected


async def test_agents_03_events_queued_by_the_first_are_dropped_silently(stage: Stage, ann: Person) -> None:
    old = await stage.agent(ann)
    session, gate = stage.session("s1"), asyncio.Event()

    async def slow() -> None:
        await gate.wait()

    session.queue.push(1, slow)
    await old.send({"type": "agent_start"}, {"type": "turn_start"})
    registering = asyncio.create_task(stage.agent(ann))
    await until(lambda: session.token == "")
    gate.set()
    await registering
    assert "error" not in old.socket.unread()
    assert len(stage.session("s1").transcript.cache) == 0


async def test_agents_04_the_same_id_under_another_account_gets_a_fresh_id(
    stage: Stage, ann: Person, bob: Person
) -> None:
    mine = await stage.agent(ann)
    await mine.active(1)
    stranger = await stage.agent(bob)
    assert stranger.session_id != "s1"
    await mine.send({"type": "agent_start"})
    assert stage.session("s1").user_id == ann.id
    await mine.end(await stage.hub(ann))
    late = await stage.agent(bob)
    assert late.session_id not in ("s1", stranger.session_id)


async def test_a_foreign_registration_does_not_wait_for_the_other_users_events(
    stage: Stage, ann: Person, bob: Person
) -> None:
    await stage.agent(bob, "his")
    gate = asyncio.Event()

    async def busy() -> None:
        await gate.wait()

    stage.session("his").queue.push(0, busy)
    try:
        other = await stage.agent(ann, "his")
    finally:
        gate.set()
    assert other.session_id != "his"


async def test_agents_08_a_registration_waits_for_no_more_than_the_event_under_way(stage: Stage, ann: Person) -> None:
    old = await stage.agent(ann)
    session, gate = stage.session("s1"), asyncio.Event()

    async def slow() -> None:
        await gate.wait()

    session.queue.push(1, slow)
    await old.send(*[{"type": "turn_start"} for _ in range(200)])
    registering = asyncio.create_task(stage.agent(ann))
    await until(lambda: session.token == "")
    gate.set()
    async with asyncio.timeout(5):
        new = await registering
    await new.send({"type": "agent_start"})
    assert [json.loads(entry.event)["type"] for entry in stage.session("s1").transcript.cache.after(0)] == [
        "agent_start"
    ]


async def test_agents_15_an_end_that_closes_in_the_same_burst_is_seen(stage: Stage, ann: Person) -> None:
    hub = await stage.hub(ann)
    mirror = await stage.agent(ann, "mirror", collabMode=False)
    await mirror.socket.emit("event", {"token": mirror.token, "event": {"type": "turn_end"}, "seq": 1})
    await mirror.socket.emit("session_end", {"sessionId": "mirror", "token": mirror.token})
    await mirror.socket.wire.leave(mirror.socket)
    await mirror.socket.wire.close()
    await hub.take("session_removed", lambda body: body["sessionId"] == "mirror")
    row = await stage.app.sessions.store.row("mirror")
    assert row is not None
    assert row.ended_by == "other"


async def test_registered_says_what_the_client_reads(stage: Stage, ann: Person) -> None:
    wire = await stage.wire()
    socket = await wire.join("/relay", {"apiKey": ann.key, "pid": "x", "offset": "y"})
    await socket.emit("register", {"cwd": "/work", "sessionName": "  Name  ", "ephemeral": False})
    answer = await socket.take("registered")
    session_id = answer["sessionId"]
    assert answer == {
        "sessionId": session_id,
        "token": answer["token"],
        "shareUrl": f"{stage.url}/session/{session_id}",
        "isEphemeral": False,
        "collabMode": True,
        "parentSessionId": None,
        "serverTime": answer["serverTime"],
        "supportsSessionTriggerAck": True,
    }
    assert len(str(answer["token"])) == 64
    assert stage.session(str(session_id)).name == "Name"


async def test_acks_are_cumulative_and_come_before_processing(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    for seq in (3, 1, 7.5, "x", None, True):
        await agent.socket.emit("event", {"token": agent.token, "event": {"type": "turn_start"}, "seq": seq})
    await until(lambda: stage.session("s1").transcript.seq == 6)
    acks = [body["seq"] for name, body in agent.socket.log if name == "event_ack" and isinstance(body, dict)]
    assert acks == [3, 3, 7.5]


async def test_an_agent_that_leaves_ends_the_session_in_the_documented_order(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    session_id = await stage.started(ann, runner)
    agent = await stage.agent(ann, session_id)
    await agent.active(2)
    hub, viewer = await stage.hub(ann), await stage.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": session_id, "generation": 1})
    await viewer.take("event", lambda body: kind(body) == "session_active")
    await agent.socket.wire.close()
    gone = await viewer.take("disconnected")
    assert gone == {"reason": "Session ended", "code": "session_ended", "sessionId": session_id}
    await viewer.until_kicked()
    ended = await runner.socket.take("session_ended")
    assert ended == {"sessionId": session_id, "reason": "Session ended"}
    await hub.take("session_removed")
    stored = await stage.app.sessions.store.state(session_id)
    assert stored is not None
    assert len(json.loads(stored.state)["messages"]) == 2
    row = await stage.app.sessions.store.row(session_id)
    assert row is not None
    assert row.ended_at is not None
    assert row.ended_by is None


async def test_a_session_that_comes_back_keeps_its_start_runner_and_numbers(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    session_id = await stage.started(ann, runner)
    agent = await stage.agent(ann, session_id)
    await agent.active(1)
    started, seq = stage.session(session_id).started_at, stage.session(session_id).transcript.seq
    await agent.leave(await stage.hub(ann))
    await stage.agent(ann, session_id)
    back = stage.session(session_id)
    assert (back.started_at, back.runner_id) == (started, runner.id)
    assert back.transcript.seq > seq


async def test_a_late_end_of_an_old_socket_does_not_end_a_new_registration(stage: Stage, ann: Person) -> None:
    old = await stage.agent(ann)
    new = await stage.agent(ann)
    await old.socket.emit("session_end", {"sessionId": "s1", "token": old.token})
    assert (await old.socket.take("error"))["message"] == "Invalid token"
    await new.send({"type": "agent_start"})
    row = await stage.app.sessions.store.row("s1")
    assert row is not None
    assert row.ended_at is None


async def test_a_part_that_closes_badly_keeps_no_state_from_being_written(stage: Stage, ann: Person) -> None:
    class Broken(ControlServer):
        async def close(self) -> None:
            await control.close()
            raise OSError("the disk went away")

    control = stage.app.control
    stage.app.control = Broken(Path("nowhere"), {})
    agent = await stage.agent(ann)
    await agent.active(3)
    await stage.restart()
    stored = await stage.app.sessions.store.state("s1")
    assert stored is not None
    assert len(json.loads(stored.state)["messages"]) == 3


async def test_a_sweep_that_fails_stops_no_other(stage: Stage) -> None:
    swept: list[str] = []

    async def failing() -> None:
        raise OSError("disk")

    async def next_one() -> None:
        swept.append("next")

    stage.app.sessions.sweeper.also(failing)
    stage.app.sessions.sweeper.also(next_one)
    await stage.app.sessions.sweeper.sweep()
    assert swept == ["next"]


async def test_a_child_ends_although_its_link_cannot_be_deleted(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "p")
    child = await stage.child(ann, parent, "c")
    hub = await stage.hub(ann)

    async def break_it(tx: Transaction) -> None:
        await tx.execute("ALTER TABLE session_link RENAME TO session_link_gone")

    async def mend_it(tx: Transaction) -> None:
        await tx.execute("ALTER TABLE session_link_gone RENAME TO session_link")

    await stage.app.storage.write(break_it)
    await child.end(hub)
    await stage.app.storage.write(mend_it)
    assert stage.app.sessions.registry.get("c") is None
    assert (await parent.socket.call("get_linked_child_count", {"token": parent.token}))[0] == {"ok": True, "count": 0}


async def test_a_socket_that_registers_another_session_ends_the_first(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "one")
    hub = await stage.hub(ann)
    await agent.socket.emit("register", {"sessionId": "two", "cwd": ""})
    await hub.take("session_removed", lambda body: body["sessionId"] == "one")
    await hub.take("session_added", lambda body: body["sessionId"] == "two")


async def test_no_token_equals_the_missing_one_of_a_session_that_is_being_replaced(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    stage.session("s1").token = ""
    before = stage.session("s1").transcript.seq
    await agent.socket.emit("event", {"token": "", "event": {"type": "agent_start"}, "seq": 1})
    assert await agent.socket.take("error") == {"message": "Invalid token"}
    await agent.socket.emit("session_end", {"sessionId": "s1", "token": ""})
    assert await agent.socket.take("error") == {"message": "Invalid token"}
    assert stage.session("s1").transcript.seq == before


async def test_an_event_with_a_number_that_no_double_holds_is_processed(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    await agent.socket.emit("event", {"token": agent.token, "event": {"type": "agent_start"}, "seq": 10**400})
    await agent.send({"type": "turn_start"})
    assert stage.session("s1").transcript.seq == 2
    assert "event_ack" not in agent.socket.unread()


async def test_a_state_that_was_only_read_is_not_written_again(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    await agent.active(3)
    await stage.restart()
    query = "SELECT updated_at FROM relay_session_state WHERE session_id = 's1'"
    before = await stage.app.storage.fetch_one(query)
    viewer = await stage.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    assert len(contents(await viewer.take("event"))) == 3
    await stage.agent(ann)
    await viewer.until_kicked()
    after = await stage.app.storage.fetch_one(query)
    assert before is not None
    assert after is not None
    assert after["updated_at"] == before["updated_at"]


class TestAwaited:
    @pytest.fixture
    def limits(self) -> SessionLimits:
        return SILENT

    async def test_sessions_whose_agent_does_not_return_end_in_time(self, stage: Stage, ann: Person) -> None:
        agent = await stage.agent(ann)
        await agent.active(3)
        await stage.restart()
        hub = await stage.hub(ann)
        listed = await hub.take("sessions")
        assert [(entry["sessionId"], entry["isActive"]) for entry in _list(listed["sessions"])] == [("s1", False)]
        await hub.take("session_removed", lambda body: body["sessionId"] == "s1")
        row = await stage.app.sessions.store.row("s1")
        assert row is not None
        assert row.ended_by == "other"


async def test_an_awaited_session_is_listed_joinable_and_takes_no_input(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    await agent.active(60)
    await agent.send({"type": "session_metadata_update", "metadata": {"sessionName": "kept"}})
    await stage.restart()
    viewer = await stage.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 4})
    body = await viewer.take("event", lambda body: kind(body) == "session_active")
    assert contents(body) == [f"m{index}" for index in range(10, 60)]
    assert await viewer.call("input", {"text": "hello"}) == [False]
    await stage.agent(ann)
    assert (await viewer.take("disconnected"))["code"] == "session_reconnected"


class TestSilent:
    @pytest.fixture
    def limits(self) -> SessionLimits:
        return QUICK

    async def test_agents_11_an_expired_agent_is_told_and_its_namespace_ended(self, stage: Stage, ann: Person) -> None:
        agent = await stage.agent(ann)
        hub = await stage.hub(ann)
        stage.session("s1").expires_at_ms = stage.clock.now_ms() - 1
        await stage.app.sessions.sweeper.sweep()
        assert await agent.socket.take("session_expired") == {"sessionId": "s1"}
        await agent.socket.until_kicked()
        assert not agent.socket.wire.closed.is_set()
        await hub.take("session_removed")
        row = await stage.app.sessions.store.row("s1")
        assert row is not None
        assert row.ended_by == "other"

    async def test_agents_11_at_a_stop_nobody_is_told_to_stay_away(self, stage: Stage, ann: Person) -> None:
        agent, viewer, hub = await stage.agent(ann), await stage.viewer(ann), await stage.hub(ann)
        runner = await stage.runner(ann)
        await agent.active(1)
        await stage.stop()
        for joined in (agent.socket, viewer, hub, runner.socket):
            async with asyncio.timeout(5):
                await joined.wire.closed.wait()
            names = [name for name, _ in joined.log]
            assert "session_expired" not in names
            assert "disconnected" not in names
            assert "session_removed" not in names
        await stage.open()
        assert stage.session("s1").transcript.seq > 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_wrong_types_in_register_and_event_hurt_nobody(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    fields = st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("sessionId", "cwd", "ephemeral", "collabMode", "sessionName", "sessionFile", "parentSessionId"), JSON
        ),
    )
    registers = data.draw(st.lists(st.one_of(JSON, fields), min_size=1, max_size=4))
    packets = data.draw(st.lists(st.one_of(JSON, st.fixed_dictionaries({"token": JSON, "event": JSON})), max_size=4))

    async def scenario() -> None:
        async with Stage(tmp_path_factory.mktemp("data"), Clock(), Tuning(sessions=QUICK)) as stage:
            ann = await stage.person("ann")
            good = await stage.agent(ann, "good")
            viewer = await stage.viewer(ann)
            await viewer.emit("switch_session", {"sessionId": "good", "generation": 1})
            await viewer.take("connected")
            socket = await (await stage.wire()).join("/relay", {"apiKey": ann.key})
            for body in registers:
                await socket.emit("register", body)
                answer = await socket.take("registered")
                assert isinstance(answer["sessionId"], str)
                for packet in packets:
                    await socket.emit("event", packet)
                    await socket.emit("session_end", packet)
                    await socket.emit("exec_result", packet)
            await good.active(2)
            body = await viewer.take("event", lambda body: kind(body) == "session_active")
            assert contents(body) == ["m0", "m1"]
            assert not socket.wire.closed.is_set()

    asyncio.run(scenario())


async def test_a_lone_surrogate_reaches_the_viewer_as_it_came(stage: Stage, ann: Person) -> None:
    agent, viewer = await stage.agent(ann), await stage.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
    await viewer.take("connected")
    event = '{"type":"message_end","message":{"role":"user","content":"\\ud83d"}}'
    await agent.socket.emit_raw("event", f'{{"token":"{agent.token}","event":{event},"seq":1}}')
    body = await viewer.take("event", lambda body: kind(body) == "message_end")
    assert body["event"] == json.loads(event)
    assert await quiet(viewer) is not None
    assert [kind(entry) for entry in events(viewer)][-1] == "message_end"


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
