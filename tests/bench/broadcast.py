"""Measure a broadcast to many subscribed sessions and pages of the histories it leaves (rest-runners.md 8.5, 8.8)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import aiohttp

from tests.bench.peers import Agent, RunnerPeer
from tests.bench.report import Report, percentile
from tests.bench.rest import Reads, read
from tests.bench.target import Target
from tests.bench.wire import open_socket

_TYPE: Final = "bench:happened"
_TIMEOUT: Final = 60.0
#: Entries of a page, which is a whole history, and sessions that have one.
_PAGE: Final = 200
_FILLED: Final = 50
#: Sessions that are brought up at the same time.
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """Describe a run: subscribed sessions, broadcasts, bytes of a payload, seconds of reading histories."""

    sessions: int
    rounds: int
    size: int
    seconds: float


class Subscriber(Agent):
    """Be a worker that acknowledges each trigger, as client 0.52.0 does."""

    def __init__(self, host: str, port: int, key: str) -> None:
        super().__init__(host, port, key)
        self.triggers = 0
        self._call_head = b"42/relay,"

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Acknowledge without parsing what may be large."""
        at = start + len(self._call_head)
        if data.startswith(self._call_head, start) and data[at : at + 1].isdigit():
            number = data[at : data.index(b"[", at)]
            self.triggers += 1
            self.send_text(b'43/relay,%b[{"ok":true}]' % number)
        else:
            super().on_text(data, start, end)

    async def subscribe(self, client: aiohttp.ClientSession, runner: RunnerPeer) -> None:
        """Register, be linked to the runner, and subscribe."""
        await self.joined
        self.emit("register", {"sessionId": self.session_id, "cwd": "/bench", "acksSessionTrigger": True})
        async with asyncio.timeout(_TIMEOUT):
            await self.registered
        runner.emit("session_ready", {"sessionId": self.session_id})
        path = f"/api/sessions/{self.session_id}/trigger-subscriptions"
        async with asyncio.timeout(_TIMEOUT):
            while True:
                # The session is the runner's once the relay has read `session_ready`.
                async with client.post(path, json={"triggerType": _TYPE}) as answer:
                    if answer.status == 200:
                        return
                    assert answer.status in (422, 503), await answer.text()
                await asyncio.sleep(0.01)


async def broadcast(target: Target, plan: Plan) -> list[Report]:
    """Bring up a runner and its subscribed sessions, broadcast so often, then read histories."""
    runner = await open_socket(RunnerPeer(target.host, target.port, target.key), target.host, target.port)
    await runner.joined
    await runner.register()
    runner.emit("service_announce", {"serviceIds": ["bench"], "triggerDefs": [{"type": _TYPE, "label": "Bench"}]})
    headers = {"x-api-key": target.key}
    async with aiohttp.ClientSession(target.url, headers=headers, timeout=aiohttp.ClientTimeout(_TIMEOUT)) as client:
        subscribers = await _subscribers(target, client, runner, plan.sessions)
        report = await _measure(target, client, runner, subscribers, plan)
        await _fill(client, subscribers)
    page = await _pages(target, subscribers[0], plan)
    for peer in (runner, *subscribers):
        peer.close()
    return [report, page]


async def _subscribers(
    target: Target, client: aiohttp.ClientSession, runner: RunnerPeer, count: int
) -> list[Subscriber]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one() -> Subscriber:
        async with gate:
            subscriber = Subscriber(target.host, target.port, target.key)
            await open_socket(subscriber, target.host, target.port)
            await subscriber.subscribe(client, runner)
            return subscriber

    return await asyncio.gather(*(one() for _ in range(count)))


async def _measure(
    target: Target, client: aiohttp.ClientSession, runner: RunnerPeer, subscribers: list[Subscriber], plan: Plan
) -> Report:
    path = f"/api/runners/{runner.runner_id}/trigger-broadcast"
    body = {"type": _TYPE, "payload": {"text": "x" * plan.size}, "source": "bench"}
    used: list[float] = []
    taken: list[float] = []
    wrong = 0
    for _ in range(plan.rounds + 1):
        # What the last round left to be written is not this one's.
        await asyncio.sleep(0.3)
        cpu, begun = target.cpu_seconds(), time.perf_counter()
        async with client.post(path, json=body) as answer:
            delivered = (await answer.json())["delivered"]
        taken.append((time.perf_counter() - begun) * 1000)
        used.append((target.cpu_seconds() - cpu) * 1000)
        wrong += delivered != len(subscribers)
    wrong += sum(abs(one.triggers - plan.rounds - 1) for one in subscribers)
    report = Report(f"broadcast: {len(subscribers):,} subscribed sessions, payload of {plan.size:,} bytes")
    # The first round warms up.
    report.numbers = {
        "server CPU of one, ms": sum(used[1:]) / plan.rounds,
        "to its answer p50, ms": percentile(taken[1:], 50),
        "to its answer worst, ms": max(taken[1:]),
    }
    report.wrong = wrong
    return report


async def _fill(client: aiohttp.ClientSession, subscribers: list[Subscriber]) -> None:
    """Give fifty sessions whole histories: 10,000 entries, of which a page shows 200."""
    body = {"type": _TYPE, "payload": {"repo": "a/b", "ref": "refs/heads/main"}, "deliverAs": "followUp"}

    async def one(subscriber: Subscriber) -> None:
        for _ in range(_PAGE):
            async with client.post(f"/api/sessions/{subscriber.session_id}/trigger", json=body) as answer:
                assert answer.status == 200, await answer.text()

    await asyncio.gather(*(one(subscriber) for subscriber in subscribers[:_FILLED]))


async def _pages(target: Target, subscriber: Subscriber, plan: Plan) -> Report:
    path = f"/api/sessions/{subscriber.session_id}/triggers?limit={_PAGE}"
    report = await read(target, path, Reads(8, plan.seconds, 0))
    report.notes.append(f"of {min(plan.sessions, _FILLED) * _PAGE:,} entries and more of all sessions")
    return report
