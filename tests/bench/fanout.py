"""Measure the fan-out of agents' events to viewers, flooded and paced."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from tests.bench.peers import Agent, Template, Viewer
from tests.bench.report import Report, percentile, rate
from tests.bench.target import Target
from tests.bench.wire import open_socket

#: Bytes that may be on their way to one viewer; more would measure the backlog and not the relay.
_LAG_BYTES: Final = 2 * 2**20
_MOST_LAG: Final = 400
#: Events that an agent writes at once.
_BURST: Final = 64
_WARM_UP: Final = 0.5
_SETTLE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Flood:
    """Describe one flood: the kind of event, its size in bytes, viewers, seconds."""

    kind: str
    size: int
    viewers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Describe a paced run: sessions, viewers of each, events per second of each, seconds."""

    sessions: int
    viewers: int
    rate: float
    seconds: float


def events_of(kind: str, size: int) -> list[dict[str, object]]:
    """Answer the events that an agent sends in turn: one of a size, or a message that grows to that size."""
    if kind == "flat":
        return [{"type": "bench_event", "pad": "x" * max(0, size - 100)}]
    steps = 64
    grown: list[dict[str, object]] = []
    for step in range(1, steps + 1):
        # A growing message is sent whole, and twice, in each of its events.
        text = "word " * (size * step // steps // 10)
        message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
        progress = {"type": "text_delta", "contentIndex": 0, "delta": "word ", "partial": message}
        grown.append({"type": "message_update", "message": message, "assistantMessageEvent": progress})
    return grown


async def join(target: Target, viewers: int, *, timed: bool = False) -> tuple[Agent, list[Viewer]]:
    """Bring up one session and so many viewers of it."""
    agent = await open_socket(Agent(target.host, target.port, target.key), target.host, target.port)
    await agent.joined
    await agent.register()
    watching: list[Viewer] = []
    for _ in range(viewers):
        viewer = Viewer(target.host, target.port, target.key, timed=timed)
        await open_socket(viewer, target.host, target.port)
        await viewer.joined
        await viewer.watch(agent.session_id)
        watching.append(viewer)
    return agent, watching


async def flood(target: Target, plan: Flood) -> Report:
    """Send as fast as the slowest viewer reads, and count per second of the server's CPU time."""
    agent, viewers = await join(target, plan.viewers)
    template = Template(agent, events_of(plan.kind, plan.size))
    lag = max(8, min(_MOST_LAG, _LAG_BYTES // template.size))
    progress = asyncio.Event()
    for viewer in viewers:
        viewer.on_progress = progress.set
    await _send(agent, template, viewers, progress, lag, _WARM_UP)
    await _until_all_read(agent, viewers)
    cpu, begun, first = target.cpu_seconds(), time.perf_counter(), agent.sent
    await _send(agent, template, viewers, progress, lag, plan.seconds)
    await _until_all_read(agent, viewers)
    used, taken, sent = target.cpu_seconds() - cpu, time.perf_counter() - begun, agent.sent - first
    growing = plan.kind == "growing"
    what = f"growing to {plan.size:,} bytes" if growing else f"of {plan.size:,} bytes"
    report = Report(f"fan-out: 1 agent, {plan.viewers} viewers, events {what}, flooded, lag at most {lag} events")
    missing = sum(viewer.lost for viewer in viewers)
    report.numbers = {
        "agent events per CPU-second": rate(sent, used),
        "deliveries per CPU-second": rate(sent * plan.viewers, used),
        "agent events per second": rate(sent, taken),
        "deliveries per second": rate(sent * plan.viewers, taken),
        "server CPU, percent of its core": 100 * rate(used, taken),
        "superseded by a newer state" if growing else "lost": missing,
        "reordered": sum(viewer.reordered for viewer in viewers),
    }
    # A growing message may be replaced by its successor for a slow viewer; nothing else may be missing.
    unread = sum(agent.sent != viewer.expected for viewer in viewers)
    report.wrong = sum(viewer.reordered for viewer in viewers) + unread + (0 if growing else missing)
    for peer in (agent, *viewers):
        peer.close()
    return report


async def _send(
    agent: Agent, template: Template, viewers: list[Viewer], progress: asyncio.Event, lag: int, seconds: float
) -> None:
    """Keep the slowest viewer at most `lag` events behind for a while."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        room = lag - (agent.sent - min(viewer.expected for viewer in viewers))
        if room <= 0:
            progress.clear()
            async with asyncio.timeout(_SETTLE):
                await progress.wait()
            continue
        agent.write(agent.frames(template, min(room, _BURST)))
        await agent.drain()
        await asyncio.sleep(0)


async def _until_all_read(agent: Agent, viewers: list[Viewer]) -> None:
    """Wait until every viewer has the newest event, or it is clear that one never will."""
    deadline = time.perf_counter() + _SETTLE
    while any(viewer.expected < agent.sent for viewer in viewers) and time.perf_counter() < deadline:
        await asyncio.sleep(0.005)


async def paced(target: Target, plan: Pace) -> Report:
    """Send at a steady rate and measure how long each event takes to each viewer."""
    made = [await join(target, plan.viewers, timed=True) for _ in range(plan.sessions)]
    templates = [Template(agent, events_of("flat", 1024)) for agent, _viewers in made]
    viewers = [viewer for _agent, watching in made for viewer in watching]
    cpu, begun = target.cpu_seconds(), time.perf_counter()
    gap = 1 / plan.rate / plan.sessions
    turns = int(plan.seconds / gap)
    for turn in range(turns):
        left = begun + turn * gap - time.perf_counter()
        if left > 0:
            await asyncio.sleep(left)
        agent, _watching = made[turn % plan.sessions]
        agent.write(agent.frames(templates[turn % plan.sessions], 1, time.perf_counter()))
    for agent, watching in made:
        await _until_all_read(agent, watching)
    used, taken = target.cpu_seconds() - cpu, time.perf_counter() - begun
    latencies = [seconds * 1000 for viewer in viewers for seconds in viewer.latencies]
    report = Report(
        f"paced: {plan.rate:g} events of 1,024 bytes per second from each of {plan.sessions} sessions,"
        f" {plan.viewers} viewers each"
    )
    lost, reordered = sum(viewer.lost for viewer in viewers), sum(viewer.reordered for viewer in viewers)
    report.numbers = {
        "latency p50, ms": percentile(latencies, 50),
        "latency p99, ms": percentile(latencies, 99),
        "latency worst, ms": max(latencies, default=float("nan")),
        "server CPU, percent of its core": 100 * rate(used, taken),
        "deliveries": len(latencies),
        "lost": lost,
        "reordered": reordered,
    }
    report.wrong = lost + reordered + abs(turns * plan.viewers - len(latencies))
    for agent, watching in made:
        for peer in (agent, *watching):
            peer.close()
    return report
