"""Measure how soon a relay answers and what it weighs before anybody has come."""

from __future__ import annotations

import time

from tests.bench.report import Report, percentile
from tests.bench.target import Target, started

#: What is loaded and freed at the start is over by then.
_REST = 1.0


def start(runs: int) -> Report:
    """Start a relay so many times on fresh data."""
    times: list[float] = []
    used: list[float] = []
    memory: list[float] = []
    for _ in range(runs):
        with started() as (child, port, seconds):
            server = Target("127.0.0.1", port, "", (child.pid,))
            times.append(seconds)
            used.append(server.cpu_seconds())
            time.sleep(_REST)
            memory.append(server.resident_bytes() / 1e6)
    report = Report(f"start: {runs} times on fresh data")
    report.numbers = {
        "start to /health, median, s": percentile(times, 50),
        "start to /health, worst, s": max(times),
        "CPU time until then, median, s": percentile(used, 50),
        "memory with nobody connected, MB": percentile(memory, 50),
    }
    return report
