"""Measure what many idle connections cost: memory of each, and CPU of a server that has only heartbeats to carry."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from tests.bench.peers import Agent, HubClient, RunnerPeer, Tunnel, Viewer
from tests.bench.report import Report, rate
from tests.bench.target import Target
from tests.bench.wire import WebSocket, open_socket

#: An agent sends one every 10 s (sockets-agents.md 2.7.1).
_HEARTBEAT: Final = 10.0
#: Let what the arrivals caused (rows written behind, caches) come to rest.
_REST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Describe who is there, and for how many seconds the server is watched."""

    runners: int
    sessions: int
    viewers: int
    tunnels: int
    hubs: int
    seconds: float

    @property
    def connections(self) -> int:
        """Answer how many connections that makes."""
        return self.runners + self.sessions + self.viewers + self.tunnels + self.hubs


async def crowd(target: Target, plan: Crowd) -> Report:
    """Bring everybody up, watch the server, and look whether anybody was lost."""
    empty = target.resident_bytes()
    peers: list[WebSocket] = []
    begun, cpu = time.perf_counter(), target.cpu_seconds()
    agents = await _arrive(target, plan, peers)
    arrival, arrival_cpu = time.perf_counter() - begun, target.cpu_seconds() - cpu
    async with _heartbeats(agents):
        await asyncio.sleep(_REST)
        full = target.resident_bytes()
        cpu, begun = target.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(plan.seconds)
        used, taken = target.cpu_seconds() - cpu, time.perf_counter() - begun
        later = target.resident_bytes()
    gone = sum(peer.closed.done() for peer in peers)
    report = Report(
        f"crowd: {plan.runners} runners, {plan.sessions} sessions, {plan.viewers} viewers, {plan.tunnels} tunnels,"
        f" {plan.hubs} hub clients"
    )
    report.numbers = {
        "memory with nobody connected, MB": empty / 1e6,
        "memory with everybody, MB": full / 1e6,
        "memory per connection, KB": rate((full - empty) / 1000, plan.connections),
        f"memory {plan.seconds:g} s later, MB": later / 1e6,
        "idle CPU, percent of its core": 100 * rate(used, taken),
        "arrival of everybody, s": arrival,
        "CPU per arrival, ms": 1000 * rate(arrival_cpu, plan.connections),
    }
    report.wrong = gone
    for peer in peers:
        peer.close()
    return report


async def _arrive(target: Target, plan: Crowd, peers: list[WebSocket]) -> list[Agent]:
    """Connect everybody, one after the other; what is connected is added to `peers`."""
    host, port, key = target.host, target.port, target.key
    runners: list[RunnerPeer] = []
    for _ in range(plan.runners):
        runner = await open_socket(RunnerPeer(host, port, key), host, port)
        await runner.joined
        await runner.register()
        runners.append(runner)
    peers.extend(runners)
    for runner in runners[: plan.tunnels]:
        tunnel = await open_socket(Tunnel(host, port, key, runner.runner_id), host, port)
        await tunnel.register()
        peers.append(tunnel)
    agents: list[Agent] = []
    for _ in range(plan.sessions):
        agent = await open_socket(Agent(host, port, key), host, port)
        await agent.joined
        await agent.register()
        agents.append(agent)
    peers.extend(agents)
    for number in range(plan.viewers):
        viewer = await open_socket(Viewer(host, port, key), host, port)
        await viewer.joined
        if agents:
            await viewer.watch(agents[number % len(agents)].session_id)
        peers.append(viewer)
    for _ in range(plan.hubs):
        hub = await open_socket(HubClient(host, port, key), host, port)
        await hub.joined
        peers.append(hub)
    return agents


@contextlib.asynccontextmanager
async def _heartbeats(agents: list[Agent]) -> AsyncIterator[None]:
    """Let each agent send its heartbeat in time, spread over the interval."""

    async def beat() -> None:
        while True:
            begun = time.perf_counter()
            for number, agent in enumerate(agents):
                due = begun + _HEARTBEAT * number / len(agents)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                if not agent.closed.done():
                    agent.heartbeat(active=False)
            await asyncio.sleep(max(0.0, begun + _HEARTBEAT - time.perf_counter()))

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
