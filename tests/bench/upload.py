"""Measure large uploads: bytes per CPU-second, and what they add to the server's memory while they come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from tests.bench.peers import Agent
from tests.bench.report import Report, rate
from tests.bench.target import Target
from tests.bench.wire import open_socket

_TIMEOUT: Final = 120.0
_BOUNDARY: Final = b"----relay-bench"
_HEAD: Final = (
    b"--" + _BOUNDARY + b'\r\nContent-Disposition: form-data; name="files"; filename="bench.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
_TAIL: Final = b"\r\n--" + _BOUNDARY + b"--\r\n"
#: Every byte value, in an order without the boundary in it.
_PIECE: Final = bytes(range(256)) * 1024
_SAMPLE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Uploads:
    """Describe a run: bytes of a file, files sent one after the other."""

    size: int
    files: int


async def upload(target: Target, plan: Uploads) -> Report:
    """Send files to one live session."""
    agent = await open_socket(Agent(target.host, target.port, target.key), target.host, target.port)
    await agent.joined
    await agent.register()
    # The first upload loads what stays loaded.
    failed = int(not await _send(target, agent.session_id, len(_PIECE)))
    before = peak = target.resident_bytes()
    cpu, begun = target.cpu_seconds(), time.perf_counter()
    async with _sampled(target) as samples:
        for _ in range(plan.files):
            failed += not await _send(target, agent.session_id, plan.size)
    used, taken = target.cpu_seconds() - cpu, time.perf_counter() - begun
    peak = max(peak, *samples)
    agent.finish()
    report = Report(f"{plan.files} uploads of {plan.size / 1e6:,.0f} MB")
    megabytes = plan.files * plan.size / 1e6
    report.numbers = {
        "MB per CPU-second": rate(megabytes, used),
        "MB per second": rate(megabytes, taken),
        "memory added while they come, MB": (peak - before) / 1e6,
    }
    report.wrong = failed
    return report


@contextlib.asynccontextmanager
async def _sampled(target: Target) -> AsyncIterator[list[int]]:
    """Give a list that gets the resident bytes of the server, again and again until the block ends."""
    samples = [target.resident_bytes()]
    ended = asyncio.Event()

    async def sample() -> None:
        while not ended.is_set():
            samples.append(target.resident_bytes())
            await asyncio.sleep(_SAMPLE)

    task = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        ended.set()
        await task


async def _send(target: Target, session_id: str, size: int) -> bool:
    """Send one file of about `size` bytes, whole pieces; answer whether the server took it."""
    pieces = max(1, size // len(_PIECE))
    length = len(_HEAD) + pieces * len(_PIECE) + len(_TAIL)
    request = (
        f"POST /api/sessions/{session_id}/attachments HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n"
        f"x-api-key: {target.key}\r\nContent-Type: multipart/form-data; boundary={_BOUNDARY.decode()}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    async with asyncio.timeout(_TIMEOUT):
        reader, writer = await asyncio.open_connection(target.host, target.port)
        try:
            writer.write(request.encode() + _HEAD)
            for _ in range(pieces):
                writer.write(_PIECE)
                await writer.drain()
            writer.write(_TAIL)
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
    return answer.startswith(b"HTTP/1.1 200") and f'"size":{pieces * len(_PIECE)}'.encode() in answer
