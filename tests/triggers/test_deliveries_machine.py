"""Whatever happens in whatever order, every question of a child comes to exactly one end (rest-runners.md 14.3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from relay.app_settings import Tuning
from relay.clock import Clock
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Answer, Stage
from tests.triggers.conftest import BRISK
from tests.triggers.post import answer, gone, heard, lifecycle, publish
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Json

STEPS = (
    *("ask", "ask", "ask", "answer", "answer", "answer over the socket", "cancel", "escalate", "complete"),
    *("parent leaves", "parent returns", "parent returns", "parent registers anew", "parent ends"),
    *("child leaves", "child returns", "child returns", "restart", "restart", "sever"),
)
_SCRIPT = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 7)), min_size=8, max_size=24)


class End(Enum):
    """Say how far a question is."""

    OPEN = "open"
    TOLD = "the child is told, or will be"
    VOID = "the child was told that its parent let it go"


class Play:
    """A parent and its child; `ends` is what must be true of each question by the contract."""

    def __init__(self, stage: Stage, person: Person) -> None:
        self.stage = stage
        self.person = person
        self.parent: Agent | None = None
        self.child: Agent | None = None
        self.ends: dict[str, End] = {}
        self.wires: dict[str, list[str]] = {}
        self.severed = False
        self._seen: list[Agent] = []
        self._count = 0

    async def take(self, step: str, choice: int) -> None:
        fires = list(self.wires)
        fire = fires[choice % len(fires)] if fires else None
        match step:
            case "ask":
                await self.ask()
            case "answer" | "cancel" if fire is not None:
                await self.answered(fire, choice, "cancel" if step == "cancel" else None)
            case "answer over the socket" if fire is not None and self.parent is not None:
                await self.answered_over_the_socket(self.parent, fire, choice)
            case "escalate" if fire is not None and self.parent is not None:
                await self.escalate(fire)
            case "complete" if self.parent is not None and not self.severed:
                self._count += 1
                assert (await self.publish(lifecycle("session_complete", fireId=f"c{self._count}"))).status == 200
            case "parent leaves" if self.parent is not None:
                await self.leave(self.parent)
                self.parent = None
            case "parent returns" if self.parent is None:
                await self.parent_registers()
            case "parent registers anew" if self.parent is not None:
                await self.parent_registers()
            case "parent ends" if self.parent is not None:
                await self.parent_ends(self.parent)
            case "child leaves" if self.child is not None:
                await self.leave(self.child)
                self.child = None
            case "child returns" if self.child is None:
                await self.child_registers()
            case "restart":
                await heard(self.stage)
                await self.stage.restart()
                self.parent = self.child = None
            case "sever" if self.parent is not None and self.child is not None:
                await self.sever(self.parent, self.child)

    async def publish(self, body: Json) -> Answer:
        return await publish(self.stage, self.person, body)

    async def ask(self) -> None:
        """Ask; a parent that is awaited after a start is waited for, one that left is not for long."""
        self._count += 1
        fire = f"f{self._count}"
        asking = asyncio.create_task(self.publish(lifecycle(fireId=fire)))
        if self.parent is None and self.stage.app.sessions.registry.get("parent") is not None and not self.severed:
            await self.parent_registers()
        result = await asking
        if self.severed:
            assert result.status == 404
        elif self.parent is None:
            assert result.status in (404, 503)
        else:
            assert result.status == 200, result.body
            self.wires[fire], self.ends[fire] = [wire_of(result)], End.OPEN

    async def answered(self, fire: str, choice: int, action: str | None) -> None:
        wires = self.wires[fire]
        more = {} if action is None else {"action": action}
        result = await answer(self.stage, self.person, wires[choice % len(wires)], "x", **more)
        expected = {End.OPEN: 200, End.TOLD: 409, End.VOID: 404}[self.ends[fire]]
        assert result.status == (200 if action == "cancel" else expected), result.body
        self.tell(fire)

    async def answered_over_the_socket(self, parent: Agent, fire: str, choice: int) -> None:
        if self.severed or self.child is None:
            return
        wires = [fire, *self.wires[fire]]
        body = {"triggerId": wires[choice % len(wires)], "response": "y", "targetSessionId": "child"}
        (result,) = await parent.socket.call("trigger_response", {"token": parent.token, **body})
        assert isinstance(result, dict)
        assert result["ok"] is (self.ends[fire] is End.OPEN)
        self.tell(fire)

    def tell(self, fire: str) -> None:
        if self.ends[fire] is End.OPEN:
            self.ends[fire] = End.TOLD

    async def escalate(self, fire: str) -> None:
        original = self.wires[fire][0]
        payload = {"originalTriggerId": original}
        result = await self.publish(lifecycle("escalation", fireId=f"escalate:{original}", payload=payload))
        if self.ends[fire] is End.OPEN:
            assert result.status == 200
            if result.body["created"]:
                self.wires[fire].append(wire_of(result))
        else:
            assert result.status in (404, 409) or result.body["created"] is False

    async def parent_registers(self) -> None:
        """Register the parent; it is asked again whatever is open, and nothing else of its child's."""
        self.parent = await self.stage.agent(self.person, "parent")
        await self.parent.socket.call("get_linked_child_count", {"token": self.parent.token})
        again = Counter(trigger_ids(self.parent))
        for fire, end in self.ends.items():
            for wire in self.wires[fire]:
                # A question that came in the moment of the registration may be there twice, which the worker sees.
                assert again[wire] >= 1 if end is End.OPEN else again[wire] == 0, (fire, end)

    async def parent_ends(self, parent: Agent) -> None:
        await parent.socket.emit("session_end", {"token": parent.token, "sessionId": "parent"})
        await gone(self.stage, "parent")
        await heard(self.stage)
        self.parent = None
        for fire in self.ends:
            self.tell(fire)

    async def child_registers(self) -> None:
        self.child = await self.stage.agent(self.person, "child", parentSessionId="parent")
        self.child.socket.answers["parent_delinked"] = {"ok": True}
        self._seen.append(self.child)

    async def leave(self, agent: Agent) -> None:
        await heard(self.stage)
        await agent.socket.wire.close()
        await gone(self.stage, agent.session_id)

    async def sever(self, parent: Agent, child: Agent) -> None:
        assert await parent.socket.call("delink_children", {"token": parent.token}) == [{"ok": True}]
        self.severed = True
        for fire, end in self.ends.items():
            if end is End.OPEN:
                self.ends[fire] = End.VOID

    async def finish(self) -> None:
        """Let everybody come back and the parent end: then the child has heard of each question once."""
        if self.child is None:
            await self.child_registers()
        if self.parent is None:
            await self.parent_registers()
        assert self.parent is not None
        assert self.child is not None
        await self.parent_ends(self.parent)
        await self.child.socket.call("get_linked_child_count", {"token": self.child.token})
        outcomes = Counter(fire for agent in self._seen for fire in outcomes_of(agent))
        expected = {fire: 1 for fire, end in self.ends.items() if end is End.TOLD}
        assert dict(outcomes) == expected
        rows = await self.stage.app.storage.fetch_all(
            "SELECT * FROM delivery WHERE type <> 'lifecycle:session_complete' AND (closed_at IS NULL OR relayed = 0)"
        )
        assert [dict(row) for row in rows] == []


def wire_of(result: Answer) -> str:
    made = result.body["deliveries"]
    assert isinstance(made, list)
    return str(made[0]["deliveryId"])


def trigger_ids(agent: Agent) -> list[str]:
    found = [body["trigger"] for name, body in agent.socket.log if name == "session_trigger" and isinstance(body, dict)]
    return [str(trigger["triggerId"]) for trigger in found if isinstance(trigger, dict)]


def outcomes_of(agent: Agent) -> list[str]:
    ends = ("trigger_response", "session_message_error")
    return [str(body["triggerId"]) for name, body in agent.socket.log if name in ends and isinstance(body, dict)]


@settings(
    max_examples=12,
    deadline=None,
    # A failing life is reported as it is: to shrink it takes minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(script=_SCRIPT)
def test_runners_22_every_question_is_answered_cancelled_or_released_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]]
) -> None:
    asyncio.run(_play(tmp_path_factory.mktemp("deliveries"), script))


async def _play(directory: Path, script: list[tuple[str, int]]) -> None:
    tuning = Tuning(sessions=QUICK, triggers=replace(BRISK, hold=0.02, answer_grace=0.005))
    async with Stage(directory, Clock(), tuning) as stage:
        play = Play(stage, await stage.person("ann"))
        await play.parent_registers()
        await play.child_registers()
        for step, choice in script:
            await play.take(step, choice)
        await play.finish()
