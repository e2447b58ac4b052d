"""The Python runner in both framings, over good lines and bad ones: what arrives is whole or visibly broken."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import io
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType

from relay.tunnel.client import RegistrationRefused, TunnelClient
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from tests.e2e.services import CONTENT, Services, services
from tests.runners.rig import Options, Person, Rig
from tests.tunnel.chaos import Line, chaos
from tests.tunnel.desk import eventually

FRAMINGS = pytest.mark.parametrize("binary", [True, False], ids=["binary", "published"])


@pytest.fixture
def options() -> Options:
    return Options(
        tunnel=TunnelLimits(ping_every=0.1, silent_for=3.0, close_within=0.2),
        exchanges=ExchangeLimits(answer_within=15.0, upload_idle=15.0, open_within=15.0),
    )


@asynccontextmanager
async def running(rig: Rig, ann: Person, served: Services, port: int, *, binary: bool) -> AsyncIterator[TunnelClient]:
    """Give a registered client that reaches the relay on the given port."""
    client = TunnelClient(f"http://127.0.0.1:{port}", "r1", ann.key, {served.port}, binary_framing=binary)
    task = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(30):
            await client.registered.wait()
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
            await task


@pytest.fixture
async def ann(rig: Rig) -> Person:
    person = await rig.person("ann")
    await rig.runner(person)
    return person


@FRAMINGS
async def test_everything_passes_in_both_framings(rig: Rig, ann: Person, binary: bool) -> None:
    async with services() as served, running(rig, ann, served, rig.port, binary=binary) as client:
        base, headers = f"{rig.url}/api/tunnel/runner/r1/{served.port}", ann.by_key
        link = rig.links.get("r1", ann.id)
        assert link is not None
        assert link.channel is not None
        assert link.channel.binary is binary
        async with rig.client.get(f"{base}/file", headers=headers) as answer:
            assert await answer.read() == CONTENT
        async with rig.client.post(f"{base}/hash", data=io.BytesIO(CONTENT), headers=headers) as answer:
            assert (await answer.json())["sha256"] == hashlib.sha256(CONTENT).hexdigest()
        async with rig.client.post(f"{base}/hash", data=b"", headers=headers) as answer:
            assert (await answer.json())["size"] == 0
        async with rig.client.get(f"{base}/clock", headers=headers) as answer:
            for number in range(3):
                served.tick.set()
                assert await answer.content.readuntil(b"\n\n") == b"data: %d\n\n" % number
        async with asyncio.timeout(30):
            await served.left.wait()
        async with rig.client.ws_connect(f"{base}/echo", headers=headers, protocols=("a", "b")) as ws:
            assert (ws.protocol, await ws.receive_str()) == ("b", "hello")
            await ws.send_str("grüße")
            assert await ws.receive_str() == "grüße"
            await ws.send_bytes(CONTENT[:100_000])
            assert await ws.receive_bytes() == CONTENT[:100_000]
            await ws.send_str("close 4321 why")
            assert (await ws.receive()).data == 4321
        async with rig.client.get(f"{base}/cut", headers=headers) as answer:
            served.tick.set()
            assert await answer.content.readexactly(4) == b"half"
            served.tick.set()
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
        async with rig.client.get(f"{rig.url}/api/tunnel/runner/r1/9/", headers=headers) as answer:
            assert (answer.status, await answer.text()) == (404, "Port 9 is not exposed")
        await eventually(lambda: client.streams == 0)


@FRAMINGS
async def test_tunnel_13_nothing_listens_is_a_502_that_names_the_port(rig: Rig, ann: Person, binary: bool) -> None:
    async with services() as served, running(rig, ann, served, rig.port, binary=binary):
        port = served.port
        served.port = 0
    async with running(rig, ann, served, rig.port, binary=binary) as client:
        client._ports = {port}
        async with rig.client.get(f"{rig.url}/api/tunnel/runner/r1/{port}/", headers=ann.by_key) as answer:
            assert (answer.status, await answer.text()) == (502, f"Local service not available on port {port}")


async def test_tunnel_74_many_downloads_and_sockets_share_a_runner_without_starving(rig: Rig, ann: Person) -> None:
    async with services() as served, running(rig, ann, served, rig.port, binary=True):
        base, headers = f"{rig.url}/api/tunnel/runner/r1/{served.port}", ann.by_key
        loop, longest = asyncio.get_running_loop(), 0.0
        start = loop.time()

        async def download() -> str:
            async with rig.client.get(f"{base}/file", headers=headers) as answer:
                return hashlib.sha256(await answer.read()).hexdigest()

        async def echo() -> int:
            nonlocal longest
            async with rig.client.ws_connect(f"{base}/echo", headers=headers) as ws:
                assert await ws.receive_str() == "hello"
                for number in range(10):
                    began = loop.time()
                    await ws.send_str(str(number))
                    assert await ws.receive_str() == str(number)
                    longest = max(longest, loop.time() - began)
            return 10

        hashes, echoes = await asyncio.gather(
            asyncio.gather(*(download() for _ in range(50))), asyncio.gather(*(echo() for _ in range(20)))
        )
        assert set(hashes) == {hashlib.sha256(CONTENT).hexdigest()}
        assert echoes == [10] * 20
        # Where everything takes long, none waits for most of it.
        assert longest < max(2.0, (loop.time() - start) * 0.75)


async def test_a_refused_client_says_why(rig: Rig, ann: Person) -> None:
    with pytest.raises(RegistrationRefused, match="Invalid API key"):
        await TunnelClient(rig.url, "r1", "wrong", {1}).run()


async def test_in_the_binary_framing_a_slow_browser_needs_neither_pause_nor_file(rig: Rig, ann: Person) -> None:
    async with services() as served, running(rig, ann, served, rig.port, binary=True):
        base, headers = f"{rig.url}/api/tunnel/runner/r1/{served.port}", ann.by_key
        link = rig.links.get("r1", ann.id)
        assert link is not None
        assert link.channel is not None
        most = 0
        async with rig.client.get(f"{base}/big", headers=headers) as slow:
            for _ in range(20):
                async with rig.client.get(f"{base}/file", headers=headers) as answer:
                    assert await answer.read() == CONTENT
                most = max(most, link.channel.flow.total)
                assert not link.channel.flow.paused
            assert most <= 2 * 2**20 + 128 * 1024
            assert rig.tunnels.budget.used == 0
            digest = hashlib.sha256()
            async for piece in slow.content.iter_any():
                digest.update(piece)
            assert digest.hexdigest() == served.big_hash()


#: About three seconds each.
_ROUNDS = 45

LINES = {
    "delays": Line(delay=0.005),
    "drips": Line(piece=1500, delay=0.0002),
    "cut early": Line(breaks_after=2_000),
    "cut in bodies": Line(breaks_after=1_500_000),
    "half-open": Line(breaks_after=1_500_000, silent=True),
}


@FRAMINGS
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_over_a_bad_line_every_exchange_ends_and_nothing_leaks(
    rig: Rig, ann: Person, binary: bool, line: Line
) -> None:
    results = await _over(rig, ann, line, binary=binary)
    if line.breaks_after is None:
        assert results.count("whole") == len(results)
    else:
        assert "broken" in results


@pytest.mark.slow(gate="tests/tunnel/test_chaos.py::test_over_a_bad_line_every_exchange_ends_and_nothing_leaks")
@pytest.mark.timeout(900)
@FRAMINGS
async def test_over_one_bad_line_after_the_other_nothing_leaks(rig: Rig, ann: Person, binary: bool) -> None:
    draw, ended = random.Random(int(binary)), Counter[str]()
    # Every third line holds, every third goes silent, every third breaks.
    for number in range(_ROUNDS):
        line = Line(
            delay=draw.choice((0.0, 0.0005, 0.001)),
            piece=draw.choice((1500, 4096, 65536)),
            breaks_after=None if number % 3 == 0 else draw.randrange(500, 3_000_000),
            silent=number % 3 == 1,
        )
        try:
            results = await _over(rig, ann, line, binary=binary)
        except BaseException as error:
            error.add_note(f"round {number}: {line}")
            raise
        if line.breaks_after is None:
            assert results.count("whole") == len(results), line
        ended.update(results)
    assert ended["whole"] > _ROUNDS
    assert ended["broken"] > _ROUNDS


async def _over(rig: Rig, ann: Person, line: Line, *, binary: bool) -> list[str]:
    """Make exchanges over a line and see that nothing is left of them; answer how each ended."""
    await _idle(rig)
    tasks, files = len(asyncio.all_tasks()), _files()
    async with services() as served, chaos(rig.port, line) as bad:
        bad.line = Line()
        async with running(rig, ann, served, bad.port, binary=binary):
            bad.line, bad.forwarded = line, 0
            results = await asyncio.wait_for(_traffic(rig, ann, served), 90)
            # A line that is to break late may outlive the traffic.
            assert bad.broken.is_set() or "broken" not in results
    await eventually(lambda: len(rig.links) == 0)
    await _idle(rig)
    assert rig.tunnels.budget.used == 0
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    await eventually(lambda: _files() <= files)
    return results


async def _traffic(rig: Rig, ann: Person, served: Services) -> list[str]:
    """Make exchanges of every sort at once; answer how each ended. A wrong body fails the test."""
    base, headers = f"{rig.url}/api/tunnel/runner/r1/{served.port}", ann.by_key
    expected = hashlib.sha256(CONTENT[:400_000]).hexdigest()

    async def download() -> bool:
        part = {**headers, "Range": "bytes=0-399999"}
        async with rig.client.get(f"{base}/file", headers=part) as answer:
            if answer.status != 206:
                assert answer.status in (502, 503, 504)
                return False
            assert hashlib.sha256(await answer.read()).hexdigest() == expected
            return True

    async def upload() -> bool:
        body = io.BytesIO(CONTENT[:400_000])
        async with rig.client.post(f"{base}/hash", data=body, headers=headers) as answer:
            if answer.status != 200:
                assert answer.status in (408, 502, 503, 504)
                return False
            assert (await answer.json())["sha256"] == expected
            return True

    async def socket() -> bool:
        async with rig.client.ws_connect(f"{base}/echo", headers=headers) as ws:
            for number in range(50):
                await ws.send_str(str(number))
            got = []
            async for message in ws:
                if message.type is not WSMsgType.TEXT:
                    break
                got.append(message.data)
                if len(got) == 51:
                    break
            assert got == ["hello", *map(str, range(50))][: len(got)]
            return len(got) == 51

    async def outcome(one: Awaitable[bool]) -> str:
        try:
            return "whole" if await one else "broken"
        except (aiohttp.ClientError, ConnectionError):
            return "broken"

    return await asyncio.gather(
        *(outcome(make()) for _ in range(4) for make in (download, upload, socket)),
    )


async def _idle(rig: Rig) -> None:
    """Let go of kept-alive connections, whose files and tasks are not the relay's to give back."""
    if rig._http is not None:
        await rig._http.close()
        rig._http = None
    gc.collect()


def _files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
