"""Run a relay as a process, look at its own numbers, and let crowds of clients come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from relay.tunnel.client import TunnelClient
from tests.e2e.processes import MARK, kill_marked
from tests.e2e.relay_process import RelayProcess
from tests.e2e.services import CONTENT, Services, services
from tests.viewers.house import state
from tests.viewers.wire import WAIT, Joined, Wire

SETTINGS: Final = {
    "RELAY_METRICS_ENABLED": "true",
    "RELAY_AUTH_RATE_LIMIT": "false",
    "RELAY_REALTIME_MAX_UNJOINED_PER_ADDRESS": "4096",
    # Shorter than the test, so that what is only remembered for a while is forgotten within it.
    "RELAY_SESSIONS_SILENT_TIMEOUT": "5 s",
    "RELAY_SESSIONS_SWEEP": "1 s",
    "RELAY_REALTIME_BACKLOG_TIME": "2 s",
}
#: Closing a socket in the middle of anything is what the churn is for.
GONE: Final = (aiohttp.ClientError, ConnectionError, TimeoutError, OSError)
EVENTS: Final = 20
#: A browser that vanished is missed only after a ping and its time, 90 s.
_CALM: Final = 240.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """Hold what must come back to where it was, and the counts that prove that anything happened."""

    memory: float
    files: float
    tasks: float
    events: float
    exchanges: float
    connections: float
    busy: float


class Relay:
    """Hold one relay over its lives, with an account."""

    def __init__(self, folder: Path, vanishing: float) -> None:
        """`vanishing` is the share of polling browsers that leave without a word."""
        self._vanishing = vanishing
        self.process = RelayProcess(folder, uuid.uuid4().hex, SETTINGS)
        self.key = ""
        self.rounds = 0
        self.restarts = 0
        self.restarting = False
        self._http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.process.url

    async def start(self) -> None:
        await self.process.start()
        if not self.key:
            owner = {"name": "Owner", "email": "owner@example.com", "password": "Owner-Passw0rd"}
            async with self._http.post(f"{self.url}/api/register", json=owner) as answer:
                self.key = str((await answer.json())["key"])

    async def numbers(self) -> Numbers:
        """Scrape."""
        async with self._http.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        read: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                read[sample.name] = read.get(sample.name, 0) + sample.value
        return Numbers(
            memory=read["process_resident_memory_bytes"],
            files=read["process_open_fds"],
            tasks=read["relay_tasks"],
            events=read["relay_agent_events_total"],
            exchanges=read["relay_tunnel_exchanges_total"],
            connections=read["relay_connections_opened_total"],
            busy=sum(
                read[name]
                for name in (
                    "relay_connections",
                    "relay_sessions",
                    "relay_runners",
                    "relay_tunnels",
                    "relay_tunnel_streams",
                    "relay_terminals",
                    "relay_write_behind_sessions",
                    "relay_queue_depth",
                )
            ),
        )

    async def calm(self) -> Numbers:
        """Wait until nobody is there, nothing waits and files and tasks no longer fall; answer the numbers then."""
        async with asyncio.timeout(_CALM):
            last = await self.numbers()
            while True:
                await asyncio.sleep(1)
                now = await self.numbers()
                if now.busy == 0 and (now.files, now.tasks) == (last.files, last.tasks):
                    return now
                last = now

    # Crowds

    async def churn(self, until: float, crowd: int) -> None:
        """Let so many clients at a time come and go until the loop's clock says `until`."""
        loop = asyncio.get_running_loop()

        async def one(number: int) -> None:
            dice = random.Random(number)
            while loop.time() < until:
                began = self.restarts
                try:
                    await dice.choice((self.session, self.session, self.tunnel, self.poller, self.stranger))(dice)
                except GONE:
                    pass
                except (AssertionError, KeyError, ValueError):
                    # A relay that is ending refuses, and the next one does not know the last one's connections.
                    if began == self.restarts and not self.restarting:
                        raise
                self.rounds += 1

        async with asyncio.TaskGroup() as group:
            for number in range(crowd):
                group.create_task(one(number))

    async def wire(self) -> Wire:
        """Open one WebSocket."""
        socket = await self._http.ws_connect(
            f"{self.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0, heartbeat=None
        )
        return Wire(socket)

    async def session(self, dice: random.Random) -> None:
        """Be an agent with viewers that come late and leave early; sometimes it ends well, sometimes it just goes."""
        wires: list[Wire] = []
        auth: dict[str, object] = {"apiKey": self.key, "protocolVersion": 1}
        session_id = str(uuid.uuid4())
        try:
            wires.append(await self.wire())
            agent = await wires[0].join("/relay", auth)
            await agent.emit("register", {"sessionId": session_id, "cwd": "/work"})
            token = (await agent.take("registered"))["token"]
            for _ in range(dice.randrange(4)):
                wires.append(await self.wire())
                viewer = await wires[-1].join("/viewer", auth)
                await viewer.emit("switch_session", {"sessionId": session_id, "generation": 1})
            await self._speak(agent, session_id, token)
            if dice.random() < 0.7:
                await agent.emit("session_end", {"sessionId": session_id, "token": token})
        finally:
            dice.shuffle(wires)
            for wire in wires:
                await wire.close()

    async def _speak(self, agent: Joined, session_id: str, token: object) -> None:
        events = [{"type": "session_active", "state": state(50)}, *({"type": "custom", "n": n} for n in range(EVENTS))]
        for seq, event in enumerate(events, 1):
            await agent.emit("event", {"sessionId": session_id, "token": token, "event": event, "seq": seq})
        await agent.take("event_ack", lambda body: body["seq"] == len(events))

    async def tunnel(self, dice: random.Random) -> None:
        """Be a runner with a tunnel, and browsers that do not all wait for the end."""
        runner_id, auth = str(uuid.uuid4()), {"apiKey": self.key, "protocolVersion": 1}
        wire = await self.wire()
        serving: asyncio.Task[None] | None = None
        try:
            runner = await wire.join("/runner", dict(auth))
            await runner.emit("register_runner", {"runnerId": runner_id, "runnerSecret": "s", "name": "box"})
            await runner.take("runner_registered")
            client = TunnelClient(
                self.url, runner_id, self.key, {self.services.port}, binary_framing=dice.random() < 0.5
            )
            serving = asyncio.create_task(client.run())
            async with asyncio.timeout(WAIT):
                await client.registered.wait()
            await self._browse(f"{self.url}/api/tunnel/runner/{runner_id}/{self.services.port}", dice)
        finally:
            if serving is not None:
                serving.cancel()
                await asyncio.wait({serving})
            await wire.close()

    async def _browse(self, base: str, dice: random.Random) -> None:
        key = {"x-api-key": self.key}
        for _ in range(3):
            async with self._http.get(f"{base}/file", headers=key) as answer:
                if dice.random() < 0.5:
                    assert await answer.read() == CONTENT
                else:
                    await answer.content.readexactly(1000)
                    answer.close()
        async with self._http.post(f"{base}/hash", data=CONTENT[:300_000], headers=key) as answer:
            assert (await answer.json())["size"] == 300_000
        async with self._http.ws_connect(f"{base}/mirror", headers=key) as ws:
            await ws.send_bytes(CONTENT[:100_000])
            assert await ws.receive_bytes(timeout=WAIT) == CONTENT[:100_000]

    async def poller(self, dice: random.Random) -> None:
        """Be a browser that polls, and now and then vanishes without a word."""
        base = f"{self.url}/socket.io/?EIO=4&transport=polling"
        async with self._http.get(base) as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        auth = json.dumps({"apiKey": self.key})
        async with self._http.post(f"{base}&sid={sid}", data=f"40/hub,{auth}") as answer:
            assert answer.status == 200
        async with self._http.get(f"{base}&sid={sid}") as answer:
            await answer.text()
        if dice.random() >= self._vanishing:
            async with self._http.post(f"{base}&sid={sid}", data="1") as answer:
                await answer.read()

    async def stranger(self, dice: random.Random) -> None:
        """Be somebody who sends nonsense and leaves in the middle of it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.process.port)
        try:
            writer.write(
                dice.choice(
                    (
                        b"GET /heal",
                        b"\x16\x03\x01\x00",
                        b"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
                        b"GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n",
                    )
                )
            )
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read(100)
        finally:
            writer.close()

    async def restart(self, how: signal.Signals) -> None:
        """End the relay and start it again on the same data."""
        self.restarting = True
        if how is signal.SIGTERM:
            await self.process.terminate()
        else:
            await self.process.kill()
        await self.process.start()
        self.restarting = False
        self.restarts += 1

    services: Services

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Relay]:
        """Start everything, and leave nothing running."""
        # A connection per request: the client's pool is not what is measured.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=30)
        try:
            async with services() as self.services, aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
                self._http = http
                await self.start()
                yield self
        finally:
            await kill_marked(self.process.process.env[MARK])
            if self.process.process.started:
                await self.process.process.stop()
