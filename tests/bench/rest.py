"""Measure reads over REST on kept-alive connections, each sending its next request when it has its answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from tests.bench.peers import Agent, RunnerPeer
from tests.bench.report import Report, percentile, rate
from tests.bench.target import Target
from tests.bench.wire import open_socket

_WARM_UP: Final = 0.3
#: The file that a runner answers with.
_FILE: Final = "a line of some source file\n" * 40
_TIMEOUT: Final = 20.0
_BLANK_LINE: Final = b"\r\n\r\n"
#: JSON holds no line ends, so this occurs only where the chunks end.
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reads:
    """Describe a run: connections, seconds, stored sessions to make first."""

    connections: int
    seconds: float
    stored: int


class HttpClient(asyncio.Protocol):
    """Send one request over and over on one connection."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent_at = 0.0
        self._stopping = False
        self.answered = 0
        self.failed = 0
        self.answer_bytes = 0
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        # uvloop's transports have the methods but not the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; an end that was not asked for is a failure."""
        self.failed += not self._stopping
        if not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take in one answer, whole."""
        self._buffer += data
        end = end_of_answer(self._buffer)
        if end is None:
            return
        self.answered += 1
        self.failed += not self._buffer.startswith(b"HTTP/1.1 200")
        self.answer_bytes = end - self._buffer.index(_BLANK_LINE) - len(_BLANK_LINE)
        self.latencies.append(time.perf_counter() - self._sent_at)
        self._buffer = self._buffer[end:]
        if self._stopping:
            self.close()
        else:
            self._send()

    def stop(self) -> None:
        """Close after the answer that is under way."""
        self._stopping = True

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)


def end_of_answer(buffer: bytes) -> int | None:
    """Answer where an HTTP/1.1 answer ends (RFC 9112 6), None while it is not all here."""
    head_end = buffer.find(_BLANK_LINE)
    if head_end < 0:
        return None
    head, body = buffer[:head_end].lower(), head_end + len(_BLANK_LINE)
    if b"\r\ntransfer-encoding: chunked" in head:
        last = buffer.find(_LAST_CHUNK, head_end)
        return None if last < 0 else last + len(_LAST_CHUNK)
    at = head.find(b"content-length:")
    length = int(head[at:].partition(b"\r")[0].partition(b":")[2]) if at >= 0 else 0
    return body + length if len(buffer) >= body + length else None


class FileRunner(RunnerPeer):
    """Be a runner that answers every file request at once with the same small file."""

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Answer `read_file`."""
        if name == "read_file":
            answer = {"requestId": payload["requestId"], "ok": True, "content": _FILE, "size": len(_FILE)}
            self.emit("file_result", {**answer, "truncated": False})
        else:
            super().on_event(name, payload)


def _request(target: Target, method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nx-api-key: {target.key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def read(target: Target, path: str, plan: Reads, body: bytes = b"") -> Report:
    """Measure one path: a GET, or with a body a POST."""
    method = "POST" if body else "GET"
    request = _request(target, method, path, body)
    clients = [HttpClient(request) for _ in range(plan.connections)]
    return await load(target, clients, plan, f"{method} {_without_ids(path)}, {plan.connections} connections")


async def load(target: Target, clients: Sequence[HttpClient], plan: Reads, title: str) -> Report:
    """Measure what these clients get answered in the time of the plan."""
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(partial(_itself, client), target.host, target.port)
    await asyncio.sleep(_WARM_UP)
    for client in clients:
        client.latencies.clear()
    cpu, begun, before = target.cpu_seconds(), time.perf_counter(), sum(client.answered for client in clients)
    await asyncio.sleep(plan.seconds)
    used, taken = target.cpu_seconds() - cpu, time.perf_counter() - begun
    answered = sum(client.answered for client in clients) - before
    for client in clients:
        client.stop()
    async with asyncio.timeout(_TIMEOUT):
        await asyncio.gather(*(client.done for client in clients))
    latencies = [seconds * 1000 for client in clients for seconds in client.latencies]
    report = Report(f"{title}, answers of {clients[0].answer_bytes:,} bytes")
    report.numbers = {
        "requests per CPU-second": rate(answered, used),
        "requests per second": rate(answered, taken),
        "latency p50, ms": percentile(latencies, 50),
        "latency p99, ms": percentile(latencies, 99),
        "server CPU, percent of its core": 100 * rate(used, taken),
    }
    report.wrong = sum(client.failed for client in clients)
    return report


async def rest(target: Target, plan: Reads) -> list[Report]:
    """Measure the runner list with one runner, the session list with so many stored, and reading a file."""
    runner = await open_socket(FileRunner(target.host, target.port, target.key), target.host, target.port)
    await runner.joined
    await runner.register()
    for _ in range(plan.stored):
        await _store_session(target)
    reports = [await read(target, "/api/runners", plan), await read(target, "/api/sessions", plan)]
    reports[1].notes.append(f"{plan.stored:,} sessions stored, the first page of them")
    file = f"/api/runners/{runner.runner_id}/read-file"
    reports.append(await read(target, file, plan, b'{"path":"/work/file.txt"}'))
    runner.close()
    return reports


def _without_ids(path: str) -> str:
    return re.sub(r"[0-9a-f-]{36}", "{id}", path)


def _itself(client: HttpClient) -> HttpClient:
    return client


async def _store_session(target: Target) -> None:
    """Let a session come and end, which leaves its row."""
    agent = await open_socket(Agent(target.host, target.port, target.key), target.host, target.port)
    await agent.joined
    await agent.register()
    async with asyncio.timeout(_TIMEOUT):
        while agent.acked < 2:
            await asyncio.sleep(0)
    agent.emit("session_end", {"sessionId": agent.session_id, "token": agent.registered.result()})
    agent.send_text(b"41/relay,")
    agent.finish()
    async with asyncio.timeout(_TIMEOUT):
        await agent.closed
