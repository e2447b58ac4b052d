"""Whatever a browser sends, it hurts nobody: wrong types, unknown events, slow readers, people at wrong doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.app_settings import Tuning
from relay.realtime import RealtimeConfig
from tests.clock import ManualClock
from tests.viewers.house import House, Person, contents, events, kind, quiet
from tests.viewers.test_commands import JSON
from tests.viewers.wire import WAIT, Joined

EVENTS = [
    "switch_session",
    "connected",
    "viewer_visibility",
    "resync",
    "load_messages",
    "input",
    "model_set",
    "exec",
    "mcp_oauth_paste",
]
FIELDS = ["sessionId", "generation", "lastSeq", "visible", "before", "limit", "provider", "modelId", "id", "command"]
PAYLOADS = st.one_of(JSON, st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))


Sent = list[tuple[str, list[object]]]


class Door:
    """Let synchronous examples knock at one relay."""

    def __init__(self, directory: Path) -> None:
        self._runner = asyncio.Runner()
        self._house = House(directory, ManualClock(), Tuning())
        self._runner.run(self._open())

    async def _open(self) -> None:
        await self._house.open()
        self._ann = await self._house.person("ann")
        self._agent = await self._house.agent(self._ann)
        self._agent.socket.answers["input"] = True
        await self._agent.active(1)

    def close(self) -> None:
        self._runner.run(self._house.close())
        self._runner.close()

    def knock(self, sent: Sent) -> None:
        self._runner.run(self._knock(sent))

    async def _knock(self, sent: Sent) -> None:
        viewer, other = await self._house.viewer(self._ann), await self._house.viewer(self._ann)
        await other.emit("switch_session", {"sessionId": "s1", "generation": 1})
        await other.take("connected")
        for event, payloads in sent:
            await viewer.emit(event, *payloads)
        await viewer.emit("unknown_event", {})
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": -77})
        body = await viewer.take("event", lambda body: body.get("generation") == -77)
        assert contents(body) == ["m0"]
        await self._agent.active(1)
        await other.take("event", lambda body: "seq" in body)
        for watcher in (viewer, other):
            await watcher.wire.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    opened = Door(tmp_path)
    yield opened
    opened.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(st.tuples(st.sampled_from(EVENTS), st.lists(PAYLOADS, max_size=2)), max_size=12))
def test_wrong_payloads_break_nothing(door: Door, caplog: pytest.LogCaptureFixture, sent: Sent) -> None:
    door.knock(sent)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_lone_surrogates_pass_both_ways(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewer = await house.viewer(ann)
    await viewer.emit("switch_session", {"sessionId": "s1"})
    await viewer.take("connected")
    await agent.send({"type": "message_end", "message": {"content": "half \ud83d"}})
    event = (await viewer.take("event"))["event"]
    assert isinstance(event, dict)
    assert event["message"]["content"] == "half \ud83d"
    await viewer.emit("exec", {"id": "x", "command": "compact", "customInstructions": "\ud83d"})
    assert (await agent.socket.take("exec"))["customInstructions"] == "\ud83d"
    agent.socket.answers["input"] = True
    assert await viewer.call("input", {"text": "\ud83d"}) == [True]
    assert (await agent.socket.take("input"))["text"] == "\ud83d"


async def test_sockets_leave_nothing_behind(house: House, ann: Person) -> None:
    agent = await house.agent(ann)
    viewers = [await house.viewer(ann) for _ in range(5)]
    for index, viewer in enumerate(viewers):
        await viewer.emit("switch_session", {"sessionId": "s1" if index % 2 else f"gone{index}"})
    for viewer in viewers:
        await quiet(viewer)
    states = house.app.viewers._states
    assert (len(states), states.waiting, len(house.session("s1").audience)) == (5, 3, 2)
    hub = await house.hub(ann)
    for viewer in viewers:
        await viewer.wire.close()
    await hub.emit("subscribe_session_meta", {"sessionId": "s1"})
    await hub.take("state_snapshot")
    async with asyncio.timeout(WAIT):
        while len(states):
            await agent.send({"type": "heartbeat"})
    assert (states.waiting, len(house.session("s1").audience)) == (0, 0)
    assert house.session("s1").audience._watchers == {}


@pytest.fixture
def slow_tuning() -> Tuning:
    return Tuning(realtime=RealtimeConfig(backlog_bytes=512 * 1024))


class TestSlowReaders:
    """A viewer that stops reading costs a bounded amount of memory and nobody else's time."""

    @pytest.fixture
    def tuning(self, slow_tuning: Tuning) -> Tuning:
        return slow_tuning

    async def both(self, house: House, ann: Person) -> tuple[Joined, Joined]:
        viewers = await house.viewer(ann), await house.viewer(ann)
        for viewer in viewers:
            await viewer.emit("switch_session", {"sessionId": "s1", "generation": 1})
            await viewer.take("connected")
        return viewers

    @staticmethod
    def update(number: int) -> dict[str, object]:
        partial = {"role": "assistant", "content": [{"type": "text", "text": "x" * 200_000}], "n": number}
        kind_ = {"type": "text_delta", "contentIndex": 0, "partial": partial}
        return {"type": "message_update", "assistantMessageEvent": kind_}

    async def test_growing_messages_are_coalesced_and_nobody_is_cut(self, house: House, ann: Person) -> None:
        agent = await house.agent(ann)
        slow, quick = await self.both(house, ann)
        slow.wire.reading.clear()
        for number in range(150):
            await agent.send(self.update(number))
            await quick.take("event")
        await agent.send({"type": "message_end", "message": {"role": "assistant"}})
        await quick.take("event")
        slow.wire.reading.set()
        await slow.take("event", lambda body: kind(body) == "message_end")
        numbers = [json.dumps(body["event"]).count('"message_update"') for body in events(slow)]
        assert numbers[-1] == 0
        updates = [body for body in events(slow) if kind(body) == "message_update"]
        assert 0 < len(updates) < 150
        assert [body for body in events(quick) if kind(body) == "message_update"][-1] == updates[-1]
        assert not slow.kicked

    async def test_one_that_needs_everything_is_cut_and_comes_back_to_the_whole(
        self, house: House, ann: Person
    ) -> None:
        agent = await house.agent(ann)
        await agent.active(1)
        slow, quick = await self.both(house, ann)
        for viewer in (slow, quick):
            await viewer.take("event")
        slow.wire.reading.clear()
        pad = "x" * 100_000
        for number in range(200):
            await agent.send({"type": "message_end", "n": number, "pad": pad})
            assert (await quick.take("event"))["seq"] == number + 2
        async with asyncio.timeout(WAIT):
            while len(house.session("s1").audience) > 1:
                await agent.send({"type": "heartbeat"})
        slow.wire.reading.set()
        async with asyncio.timeout(WAIT):
            await slow.wire.closed.wait()
        cursor = max(seq for body in events(slow) if isinstance(seq := body.get("seq"), int))
        assert cursor < 200
        again = await house.viewer(ann)
        await again.emit("switch_session", {"sessionId": "s1", "generation": 1, "lastSeq": cursor})
        await again.take("connected")
        await again.emit("connected", {})
        await agent.socket.take("connected")
        await agent.active(2)
        assert contents(await again.take("event", lambda body: kind(body) == "session_active")) == ["m0", "m1"]
