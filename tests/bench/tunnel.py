"""Measure the tunnel: bodies in both directions, small answers, a slow reader, the way of a first byte.

Runner and service are one scripted socket in the published framing (or the binary one), so that the relay is all that
is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from tests.bench.peers import RunnerPeer, Tunnel
from tests.bench.report import Report, percentile, rate
from tests.bench.rest import HttpClient
from tests.bench.target import Target
from tests.bench.wire import frame, open_socket

PIECE: Final = 65_536
_MB: Final = 1_000_000
_TEXT: Final = (b"<p>The quick brown fox jumps over the lazy dog.</p>\n" * 2000)[:PIECE]
_START: Final = re.compile(rb'"id":"([^"]+)".*?"url":"([^"]*)"(?:.*?"stream":(\d+))?', re.DOTALL)
_BINARY: Final = 2
_TIMEOUT: Final = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Describe a run: megabytes of a body, seconds of small answers, bytes per second of the slow reader, streams."""

    megabytes: int
    seconds: float
    slow_rate: int
    streams: int


class Service(Tunnel):
    """Be runner and service: `/down/<kind>/<bytes>` sends, `/up` swallows, `/small` answers 200 bytes."""

    def __init__(self, target: Target, runner_id: str, *, binary: bool = False) -> None:
        super().__init__(target.host, target.port, target.key, runner_id)
        self._binary = binary
        self._register = {"type": "register", "runnerId": runner_id, "apiKey": target.key, "framings": ["binary-1"]}
        self._tasks: set[asyncio.Task[None]] = set()
        self._urls: dict[bytes, bytes] = {}
        self._credit = 0
        self._granted = asyncio.Event()
        self.uploaded = 0
        self.sent_at = 0.0
        self.poke: Callable[[bytes], None] | None = None
        self.listening: list[bytes] = []

    async def register(self) -> None:
        """Register, in the binary framing if that is measured."""
        if not self._binary:
            await super().register()
            return
        self.send_text(json.dumps(self._register).encode())
        async with asyncio.timeout(20):
            await self.registered

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Take in one of the relay's frames."""
        head = data[start : min(end, start + 30)]
        if b"request-data-end" in head:
            self._answer(_id_of(data, start, end))
        elif b"request-data" in head:
            self.uploaded += end - start
        elif b"request-start" in head:
            match = _START.search(data, start, end)
            assert match is not None
            self._urls[match[1]] = match[2] + b"#" + (match[3] or b"0")
        elif b"window" in head:
            self._credit += int(json.loads(data[start:end])["bytes"])
            self._granted.set()
        elif b"request-end" not in head:
            super().on_text(data, start, end)

    def _answer(self, stream_id: bytes) -> None:
        url, _, number = self._urls.pop(stream_id).partition(b"#")
        if url.startswith(b"/down/"):
            _, _, kind, size = url.split(b"/")
            task = asyncio.get_running_loop().create_task(self._send(stream_id, kind, int(size), int(number)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif url == b"/stream":
            self.write(_head(stream_id, b'"content-type":"text/event-stream"'))
            self.poke = lambda data: self.write(_data(stream_id, data))
            self.listening.append(stream_id)
        else:
            self.write(_head(stream_id, b'"content-length":"200"') + _data(stream_id, b"x" * 200) + _end(stream_id))

    def tell_all(self, data: bytes) -> None:
        """Send an event on every open stream."""
        self.write(b"".join(_data(stream_id, data) for stream_id in self.listening))

    async def _send(self, stream_id: bytes, kind: bytes, size: int, number: int) -> None:
        """Send a body of equal pieces, encoded once."""
        body = _TEXT if kind == b"text" else os.urandom(PIECE)
        if self._binary:
            piece = frame(b"\x82" + number.to_bytes(4, "big") + body, _BINARY)
            self._credit = 2**20
        else:
            piece = _data(stream_id, body)
        self.write(_head(stream_id, b'"content-length":"%d"' % size))
        for _ in range(size // PIECE):
            while self._binary and self._credit <= 0:
                self._granted.clear()
                await self._granted.wait()
            self._credit -= PIECE
            self.write(piece)
            await self.drain()
        self.write(_end(stream_id))


class Download(asyncio.Protocol):
    """Count a body; `rate` bytes per second at most, 0 for as fast as it comes."""

    def __init__(self, request: bytes, size: int, rate: int = 0) -> None:
        self._request = request
        self._size = size
        self._rate = rate
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._begun = 0.0
        self.received = -1
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)
        self._begun = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count."""
        if self.received < 0:
            self._head += data
            _, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self.received = 0
        self.received += len(data)
        if data and not self.first.done():
            self.first.set_result(None)
        if self.received >= self._size and not self.done.done():
            self.done.set_result(None)
        elif self._rate and self._transport is not None:
            ahead = self.received / self._rate - (time.perf_counter() - self._begun)
            if ahead > 0.01:
                self._transport.pause_reading()
                asyncio.get_running_loop().call_later(ahead, self._resume)

    def connection_lost(self, exc: Exception | None) -> None:
        """End early."""
        if not self.done.done():
            self.done.set_result(None)

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def tunnel(target: Target, plan: Plan) -> list[Report]:
    """Measure every row."""
    runner = await open_socket(RunnerPeer(target.host, target.port, target.key), target.host, target.port)
    await runner.joined
    await runner.register()
    service = await open_socket(Service(target, runner.runner_id), target.host, target.port)
    await service.register()
    bench = _Bench(target, runner.runner_id, service, plan)
    reports = [
        await bench.down("text"),
        await bench.down("random"),
        await bench.down("random", streams=4),
        await bench.up(_TEXT, "text"),
        await bench.up(os.urandom(PIECE), "random"),
        *[await bench.small(connections) for connections in (1, 16, 64)],
        await bench.first_byte(),
        await bench.slow(),
    ]
    service.close()
    quick = await open_socket(Service(target, runner.runner_id, binary=True), target.host, target.port)
    await quick.register()
    bench = _Bench(target, runner.runner_id, quick, plan)
    reports.append(await bench.down("random", label=", binary framing"))
    reports.append(await bench.slow(label=", binary framing"))
    reports.append(await streams(target, plan.streams))
    quick.close()
    runner.close()
    return reports


async def streams(target: Target, count: int, runners: int = 4, rounds: int = 10) -> Report:
    """Measure many event streams at once, spread over four runners: memory of each, CPU of an event."""
    peers: list[tuple[RunnerPeer, Service]] = []
    for _ in range(runners):
        runner = await open_socket(RunnerPeer(target.host, target.port, target.key), target.host, target.port)
        await runner.joined
        await runner.register()
        service = await open_socket(Service(target, runner.runner_id), target.host, target.port)
        await service.register()
        peers.append((runner, service))
    before = target.resident_bytes()
    open_streams: list[Download] = []
    for index in range(count):
        runner, service = peers[index % runners]
        bench = _Bench(target, runner.runner_id, service, Plan(1, 1, 1, 1))
        open_streams.append(await bench.listen())
    async with asyncio.timeout(_TIMEOUT):
        while sum(len(service.listening) for _, service in peers) < count:
            await asyncio.sleep(0.01)
    memory = target.resident_bytes() - before
    cpu, begun, event = target.cpu_seconds(), time.perf_counter(), b"data: tick\n\n"
    expected = rounds * len(b"%x\r\n%s\r\n" % (len(event), event))
    for _ in range(rounds):
        for _, service in peers:
            service.tell_all(event)
        await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while any(one.received < expected for one in open_streams):
                await asyncio.sleep(0.01)
    used, taken = target.cpu_seconds() - cpu, time.perf_counter() - begun
    report = Report(f"tunnel: {count:,} event streams over {runners} runners")
    report.numbers = {
        "memory per stream, KB": memory / 1000 / count,
        "events per CPU-second": rate(rounds * count, used),
        "events per second": rate(rounds * count, taken),
    }
    report.wrong = sum(one.received != expected for one in open_streams)
    for one in open_streams:
        one.close()
    for runner, service in peers:
        service.close()
        runner.close()
    return report


class _Bench:
    def __init__(self, target: Target, runner_id: str, service: Service, plan: Plan) -> None:
        self._target = target
        self._base = f"/api/tunnel/runner/{runner_id}/3000"
        self._service = service
        self._plan = plan
        self._size = plan.megabytes * _MB // PIECE * PIECE

    def _request(self, path: str, method: str = "GET", *lines: str) -> bytes:
        target = self._target
        own = (f"Host: {target.host}:{target.port}", f"x-api-key: {target.key}")
        return "\r\n".join([f"{method} {self._base}{path} HTTP/1.1", *own, *lines, "", ""]).encode()

    async def _open(self, make: Callable[[], Download]) -> Download:
        _, protocol = await asyncio.get_running_loop().create_connection(make, self._target.host, self._target.port)
        return protocol

    async def down(self, kind: str, streams: int = 1, label: str = "") -> Report:
        """Measure downloads, all at a time."""
        size = self._size // streams // PIECE * PIECE
        request = self._request(f"/down/{kind}/{size}")
        cpu, begun = self._target.cpu_seconds(), time.perf_counter()
        memory = _Peak(self._target)
        async with memory:
            downloads = [await self._open(partial(Download, request, size)) for _ in range(streams)]
            await _all(download.done for download in downloads)
        total = sum(max(0, download.received) for download in downloads)
        report = self._body(f"download of {kind}{label}, {streams} at a time", total, cpu, begun, memory)
        report.wrong = sum(download.received != size for download in downloads)
        for download in downloads:
            download.close()
        return report

    async def up(self, piece: bytes, kind: str) -> Report:
        """Measure one upload."""
        reader, writer = await asyncio.open_connection(self._target.host, self._target.port)
        cpu, begun = self._target.cpu_seconds(), time.perf_counter()
        memory = _Peak(self._target)
        async with memory, asyncio.timeout(_TIMEOUT):
            writer.write(self._request("/up", "POST", f"Content-Length: {self._size}"))
            for _ in range(self._size // PIECE):
                writer.write(piece)
                await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
        report = self._body(f"upload of {kind}", self._size, cpu, begun, memory)
        report.wrong = int(not answer.startswith(b"HTTP/1.1 200"))
        writer.close()
        return report

    def _body(self, title: str, size: int, cpu: float, begun: float, memory: _Peak) -> Report:
        used, taken = self._target.cpu_seconds() - cpu, time.perf_counter() - begun
        report = Report(f"tunnel: {title}, {size / _MB:,.0f} MB")
        report.numbers = {
            "MB per CPU-second": rate(size / _MB, used),
            "MB per second": rate(size / _MB, taken),
            "memory growth, MB": memory.growth / _MB,
        }
        return report

    async def small(self, connections: int) -> Report:
        """Measure answers of 200 bytes on kept-alive connections."""
        clients = [HttpClient(self._request("/small")) for _ in range(connections)]
        loop = asyncio.get_running_loop()
        for client in clients:
            await loop.create_connection(partial(_itself, client), self._target.host, self._target.port)
        await asyncio.sleep(0.3)
        for client in clients:
            client.latencies.clear()
        cpu, begun, before = self._target.cpu_seconds(), time.perf_counter(), sum(one.answered for one in clients)
        await asyncio.sleep(self._plan.seconds)
        used, taken = self._target.cpu_seconds() - cpu, time.perf_counter() - begun
        answered = sum(client.answered for client in clients) - before
        for client in clients:
            client.stop()
        await _all(client.done for client in clients)
        latencies = [seconds * 1000 for client in clients for seconds in client.latencies]
        report = Report(f"tunnel: answers of 200 bytes, {connections} at a time")
        report.numbers = {
            "requests per CPU-second": rate(answered, used),
            "requests per second": rate(answered, taken),
            "latency p50, ms": percentile(latencies, 50),
            "latency p99, ms": percentile(latencies, 99),
        }
        report.wrong = sum(client.failed for client in clients)
        return report

    async def listen(self) -> Download:
        """Open one event stream."""
        return await self._open(partial(Download, self._request("/stream"), 2**40))

    async def first_byte(self, rounds: int = 300) -> Report:
        """Measure how long a piece of a silent stream is on its way."""
        stream = await self._open(partial(Download, self._request("/stream"), 2**40))
        async with asyncio.timeout(_TIMEOUT):
            while self._service.poke is None or stream.received < 0:
                await asyncio.sleep(0.01)
        times: list[float] = []
        for _ in range(rounds):
            stream.first = asyncio.get_running_loop().create_future()
            begun = time.perf_counter()
            self._service.poke(b"data: tick\n\n")
            await stream.first
            times.append((time.perf_counter() - begun) * 1000)
        stream.close()
        report = Report("tunnel: one event of a stream, from the runner to the browser")
        report.numbers = {"latency p50, ms": percentile(times, 50), "latency p99, ms": percentile(times, 99)}
        report.wrong = rounds - len(times)
        return report

    async def slow(self, label: str = "") -> Report:
        """Measure what a slow reader costs in memory."""
        request = self._request(f"/down/random/{self._size}")
        cpu, begun, memory = self._target.cpu_seconds(), time.perf_counter(), _Peak(self._target)
        async with memory:
            download = await self._open(partial(Download, request, self._size, self._plan.slow_rate))
            await _all([download.done])
        title = f"download of random to a reader of {self._plan.slow_rate / _MB:.0f} MB/s{label}"
        report = self._body(title, max(0, download.received), cpu, begun, memory)
        report.wrong = int(download.received != self._size)
        download.close()
        return report


class _Peak:
    """Watch the relay's memory for the length of a block."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._base = target.resident_bytes()
        self._task: asyncio.Task[None] | None = None
        self.growth = 0

    async def __aenter__(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def __aexit__(self, *_error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        while True:
            self.growth = max(self.growth, self._target.resident_bytes() - self._base)
            await asyncio.sleep(0.05)


async def _all(futures: Iterable[Awaitable[None]]) -> None:
    async with asyncio.timeout(_TIMEOUT):
        for future in futures:
            await future


def _itself(client: HttpClient) -> HttpClient:
    return client


def _id_of(data: bytes, start: int, end: int) -> bytes:
    return bytes(json.loads(data[start:end])["id"], "ascii")


def _head(stream_id: bytes, headers: bytes) -> bytes:
    start = b'{"type":"response-start","id":"%s","statusCode":200,"statusMessage":"OK"' % stream_id
    return frame(start + b',"headers":{%s}}' % headers)


def _data(stream_id: bytes, data: bytes) -> bytes:
    text = json.dumps(data.decode("latin-1"), ensure_ascii=False).encode()
    return frame(b'{"type":"response-data","id":"%s","data":%s}' % (stream_id, text))


def _end(stream_id: bytes) -> bytes:
    return frame(b'{"type":"response-data-end","id":"%s"}' % stream_id)
