"""SIGTERM with work under way: tunnels may finish or are visibly broken off, and the next start serves again."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.cli.relay_process import Running, running

WAIT = 30.0
BASE = "/api/tunnel/runner/r1/8080/"
DATA = ("--data-dir", "data")


@dataclass(slots=True)
class Runner:
    """A runner of its owner, with a socket of each kind."""

    key: str
    socket: aiohttp.ClientWebSocketResponse
    tunnel: aiohttp.ClientWebSocketResponse

    @classmethod
    async def connect(cls, http: aiohttp.ClientSession, key: str) -> Runner:
        """Register as r1."""
        socket = await http.ws_connect("/socket.io/?EIO=4&transport=websocket")
        await socket.receive_str(timeout=WAIT)
        await socket.send_str(f'40/runner,{{"apiKey":"{key}"}}')
        assert (await socket.receive_str(timeout=WAIT)).startswith('40/runner,{"sid"')
        await socket.send_str('42/runner,["register_runner",{"runnerId":"r1","runnerSecret":"s","name":"box"}]')
        while "runner_registered" not in await socket.receive_str(timeout=WAIT):
            pass
        tunnel = await http.ws_connect("/_tunnel")
        await tunnel.send_json({"type": "register", "runnerId": "r1", "apiKey": key})
        assert (await tunnel.receive_json(timeout=WAIT))["type"] == "registered"
        return cls(key, socket, tunnel)

    async def close(self) -> None:
        """Let both sockets go."""
        await self.socket.close()
        await self.tunnel.close()

    async def begin(self, first: str) -> dict[str, object]:
        """Take a request and answer it with a head and the first bytes."""
        while True:
            frame = await self.tunnel.receive_json(timeout=WAIT)
            if frame["type"] == "request-start":
                break
        head = {"type": "response-start", "id": frame["id"], "statusCode": 200, "statusMessage": "OK", "headers": {}}
        await self.tunnel.send_json(head)
        await self.tunnel.send_json({"type": "response-data", "id": frame["id"], "data": first})
        assert isinstance(frame, dict)
        return frame

    async def socket_closed(self) -> None:
        """Wait until the relay has closed the Socket.IO connection; it says nothing before."""
        while (message := await self.socket.receive(timeout=WAIT)).type is aiohttp.WSMsgType.TEXT:
            assert not message.data.startswith("41"), "a DISCONNECT packet would keep the client from coming back"


@dataclass(slots=True)
class Site:
    """Reach a running relay, and the runner that is connected to it."""

    process: Running
    http: aiohttp.ClientSession
    runner: Runner

    async def get(self) -> aiohttp.ClientResponse:
        """Begin a request through the tunnel; the runner has sent its first bytes."""
        asked = asyncio.ensure_future(self.http.get(BASE, headers={"x-api-key": self.runner.key}))
        self.request = await self.runner.begin("first,")
        return await asyncio.wait_for(asked, WAIT)

    request: dict[str, object] | None = None


@asynccontextmanager
async def site_of(home: Path) -> AsyncIterator[Site]:
    """Start a relay with an account and connect a runner."""
    async with (
        running(home, "--port", "0", *DATA) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{process.port}") as http,
    ):
        body = {"name": "Jo", "email": "jo@example.com", "password": "Passw0rd-of-jo"}
        async with http.post("/api/register", json=body) as answer:
            key = (await answer.json())["key"]
        runner = await Runner.connect(http, key)
        yield Site(process, http, runner)
        await runner.close()


async def test_a_request_through_a_tunnel_may_finish(tmp_path: Path) -> None:
    async with site_of(tmp_path) as site:
        answer = await site.get()
        site.process.child.send_signal(signal.SIGTERM)
        await site.runner.socket_closed()
        assert site.request is not None
        for frame in ({"type": "response-data", "data": "last"}, {"type": "response-data-end"}):
            await site.runner.tunnel.send_json({"id": site.request["id"], **frame})
        assert await asyncio.wait_for(answer.text(), WAIT) == "first,last"
        assert await asyncio.wait_for(site.process.child.wait(), WAIT) == 0


async def test_what_does_not_finish_is_visibly_broken_off_and_the_process_is_out_within_3_seconds(
    tmp_path: Path,
) -> None:
    async with site_of(tmp_path) as site:
        answer = await site.get()
        stopping = asyncio.ensure_future(site.process.stop(within=3.0))
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(answer.text(), WAIT)
        finished = await stopping
        assert finished.code == 0, finished
        assert "Traceback" not in finished.err
        assert "requests through tunnels are broken off" in finished.err
        while (message := await site.runner.tunnel.receive(timeout=WAIT)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == aiohttp.WSCloseCode.GOING_AWAY


async def test_a_runner_that_reads_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with site_of(tmp_path) as site:
        answer = await site.get()
        transport = site.runner.tunnel._response.connection
        assert transport is not None
        assert transport.transport is not None
        transport.transport.pause_reading()
        finished = await site.process.stop(within=3.0)
        assert finished.code == 0, finished
        answer.close()


async def test_new_requests_are_refused_while_one_is_finishing(tmp_path: Path) -> None:
    async with site_of(tmp_path) as site:
        # A connection of before: the relay takes no new ones.
        async with aiohttp.ClientSession(site.http._base_url) as other:
            async with other.get("/health") as answer:
                assert answer.status == 200
                await answer.read()
            finishing = await site.get()
            site.process.child.send_signal(signal.SIGTERM)
            await site.runner.socket_closed()
            async with other.get("/health") as answer:
                assert answer.status == 503
                assert answer.headers["Connection"].lower() == "close"
        finishing.close()
        assert await asyncio.wait_for(site.process.child.wait(), WAIT) == 0


async def test_the_next_start_listens_on_the_same_port_and_everybody_is_let_in_again(tmp_path: Path) -> None:
    async with site_of(tmp_path) as site:
        answer = await site.get()
        port, key = site.process.port, site.runner.key
        await site.process.stop(within=3.0)
        answer.close()
    # Connections of the last run are still in the kernel's care.
    async with (
        running(tmp_path, "--port", str(port), *DATA) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        assert process.port == port
        runner = await Runner.connect(http, key)
        asked = asyncio.ensure_future(http.get(BASE, headers={"x-api-key": key}))
        request = await runner.begin("again")
        await runner.tunnel.send_json({"type": "response-data-end", "id": request["id"]})
        async with await asyncio.wait_for(asked, WAIT) as answer:
            assert json.dumps(await answer.text()) == '"again"'
        await runner.close()
        assert (await process.stop(within=3.0)).code == 0
