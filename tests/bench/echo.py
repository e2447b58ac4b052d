"""Measure how long a keystroke takes from the browser through the relay to the shell and back."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.bench.peers import Peer, RunnerPeer
from tests.bench.report import Report, percentile, rate
from tests.bench.target import Target
from tests.bench.wire import open_socket

_TIMEOUT: Final = 20.0
_WARM_UP: Final = 10
_PAUSE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Typing:
    """Describe a run: terminals, keystrokes per second in each, seconds."""

    terminals: int
    rate: float
    seconds: float


class Shells(RunnerPeer):
    """Be a runner whose shells echo at once what is typed, and mirror it as the published daemon does."""

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Start shells and echo."""
        terminal_id = payload.get("terminalId")
        if name == "new_terminal":
            self.emit("terminal_ready", {"terminalId": terminal_id})
        elif name == "terminal_input":
            output = {"terminalId": terminal_id, "data": payload["data"]}
            self.emit("terminal_data", output)
            self.emit("service_message", {"serviceId": "terminal", "type": "terminal_data", "payload": output})
        else:
            super().on_event(name, payload)


class Keyboard(Peer):
    """Be a browser at one terminal: type numbered keys and note when each comes back."""

    namespace = "/terminal"

    def __init__(self, host: str, port: int, key: str, terminal_id: str) -> None:
        super().__init__(host, port, key)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []
        self.sent = 0
        self.expected = 0
        self.reordered = 0
        self._terminal_id = terminal_id
        self._typed_at: dict[int, float] = {}

    def auth(self) -> dict[str, object]:
        """Name the terminal."""
        return {**super().auth(), "terminalId": self._terminal_id}

    def type(self) -> None:
        """Press the next key."""
        data = base64.b64encode(str(self.sent).encode()).decode()
        self._typed_at[self.sent] = time.perf_counter()
        self.sent += 1
        self.emit("terminal_input", {"terminalId": self._terminal_id, "data": data})

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Start the shell once connected; take in echoes."""
        if name == "terminal_connected":
            self.emit("terminal_resize", {"terminalId": self._terminal_id, "cols": 80, "rows": 24})
        elif name == "terminal_ready":
            self.ready.set_result(None)
        elif name == "terminal_data":
            number = int(base64.b64decode(str(payload["data"])))
            self.latencies.append(time.perf_counter() - self._typed_at.pop(number))
            self.reordered += number != self.expected
            self.expected = number + 1
        elif name in ("terminal_error", "terminal_exit"):
            raise ConnectionAbortedError(f"{name}: {payload}")

    async def until_echoed(self) -> None:
        """Wait until nothing typed is missing, or it is clear that it never comes."""
        deadline = time.perf_counter() + _TIMEOUT
        while self._typed_at and time.perf_counter() < deadline:
            await asyncio.sleep(0.005)


async def echo(target: Target, plan: Typing) -> Report:
    """Type at a steady rate into several terminals of one runner, each with its browser."""
    runner = await open_socket(Shells(target.host, target.port, target.key), target.host, target.port)
    await runner.joined
    await runner.register()
    boards: list[Keyboard] = []
    for _ in range(plan.terminals):
        terminal_id = await asyncio.to_thread(_open_terminal, target, runner.runner_id)
        board = await open_socket(Keyboard(target.host, target.port, target.key, terminal_id), target.host, target.port)
        async with asyncio.timeout(_TIMEOUT):
            await board.ready
        boards.append(board)
    for _ in range(_WARM_UP):
        for board in boards:
            board.type()
        await asyncio.sleep(_PAUSE)
    for board in boards:
        await board.until_echoed()
        board.latencies.clear()
    cpu, begun = target.cpu_seconds(), time.perf_counter()
    gap = 1 / plan.rate / plan.terminals
    turns = int(plan.seconds / gap)
    for turn in range(turns):
        left = begun + turn * gap - time.perf_counter()
        if left > 0:
            await asyncio.sleep(left)
        boards[turn % plan.terminals].type()
    for board in boards:
        await board.until_echoed()
    used, taken = target.cpu_seconds() - cpu, time.perf_counter() - begun
    latencies = [seconds * 1000 for board in boards for seconds in board.latencies]
    report = Report(f"echo: {plan.rate:g} keystrokes per second in each of {plan.terminals} terminals of one runner")
    report.numbers = {
        "echo p50, ms": percentile(latencies, 50),
        "echo p99, ms": percentile(latencies, 99),
        "echo worst, ms": max(latencies, default=float("nan")),
        "server CPU, percent of its core": 100 * rate(used, taken),
        "server CPU per keystroke, ms": 1000 * rate(used, turns),
        "keystrokes": len(latencies),
    }
    report.notes.append("browser to relay to runner and back through the relay; all four hops on this machine")
    report.wrong = abs(turns - len(latencies)) + sum(board.reordered for board in boards)
    for peer in (runner, *boards):
        peer.close()
    return report


def _open_terminal(target: Target, runner_id: str) -> str:
    """Register a terminal over REST and answer its id."""
    request = urllib.request.Request(
        f"{target.url}/api/runners/terminal",
        json.dumps({"runnerId": runner_id}).encode(),
        {"content-type": "application/json", "x-api-key": target.key},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["terminalId"])
