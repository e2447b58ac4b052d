"""The recipes for nginx and Caddy, run for real: sockets, streams, uploads, tunnels, and whom the relay sees."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType
from yarl import URL

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.config import AuthSettings, ServerSettings, TunnelSettings
from tests.e2e.relay_process import free_port
from tests.e2e.services import CONTENT, Services, services
from tests.proxies.fronts import DEPLOY, RELAY, TUNNEL, Front, binary, front
from tests.realtime import js_client
from tests.realtime.support import serving
from tests.realtime.test_foreign_clients import setup
from tests.sessions.stage import Stage
from tests.viewers.house import Person

PROXIES = ("nginx", "caddy")
pytestmark = pytest.mark.parametrize("proxy", PROXIES)


class Behind(Stage):
    """A relay that is known under the names of the recipes."""

    def __init__(self, directory: Path, port: int) -> None:
        super().__init__(directory, Clock(), Tuning())
        self._settings = dataclasses.replace(
            self._settings,
            server=ServerSettings(base_url=f"https://{RELAY}:{port}"),
            tunnel=TunnelSettings(domain=f"https://{TUNNEL}:{port}"),
            auth=AuthSettings(rate_limit=False, signup="open"),
        )


@dataclasses.dataclass
class Way:
    """Hold everything on the way from a browser to a service on a runner's machine."""

    front: Front
    stage: Behind
    person: Person
    services: Services
    http: aiohttp.ClientSession

    @property
    def key(self) -> dict[str, str]:
        return {"x-api-key": self.person.key}

    @property
    def tunnel(self) -> str:
        return f"{self.front.url}/api/tunnel/runner/r1/{self.services.port}"

    async def host(self) -> str:
        """Answer the address of the tunnel's own host."""
        body = {"runnerId": "r1", "port": self.services.port}
        async with self.http.post(f"{self.front.url}/api/tunnel-token", json=body, headers=self.key) as answer:
            url = str((await answer.json())["hostUrl"])
        assert url.endswith(f".{TUNNEL}:{self.front.port}/"), url
        return url.rstrip("/")


@pytest.fixture
async def way(proxy: str, tmp_path: Path) -> AsyncIterator[Way]:
    """A relay behind a proxy, with a runner that came through the proxy as well."""
    binary(proxy)
    port = free_port()
    async with (
        Behind(tmp_path / "data", port) as stage,
        front(proxy, stage.port, tmp_path / "proxy", port) as opened,
        services() as served,
        opened.session() as http,
    ):
        person = await stage.person("ann")
        await stage.runner(person)
        async with runner(opened, person, served.port):
            yield Way(opened, stage, person, served, http)


@asynccontextmanager
async def runner(opened: Front, person: Person, port: int) -> AsyncIterator[None]:
    """Serve a port through the proxy."""
    url = f"https://localhost:{opened.port}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.proxies.runner", url, "r1", person.key, str(port)),
        cwd=DEPLOY.parent,
        env={**os.environ, "SSL_CERT_FILE": str(opened.pair.cert)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        assert line == b"registered\n", (await process.stderr.read()).decode()
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_the_official_socket_client_talks_through_it(
    proxy: str, transports: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary(proxy)
    home = js_client.installed()
    async with serving(setup) as served, front(proxy, served.port, tmp_path / "proxy") as opened:
        monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(opened.pair.cert))
        said = await js_client.run(home, f"https://localhost:{opened.port}", "talk", transports)
    assert ["transport", "polling" if transports == "polling" else "websocket"] in said
    assert ["large", True] in said
    assert ["order", True] in said
    assert said[-1] == ["done"]


async def test_events_of_a_stream_arrive_one_by_one(way: Way) -> None:
    for url, headers in ((f"{way.tunnel}/clock", way.key), (f"{await way.host()}/clock", {})):
        way.services.left.clear()
        async with way.http.get(url, headers=headers) as answer:
            for number in range(5):
                # The next is sent only after this one came: a proxy that collects would wait for ever.
                way.services.tick.set()
                async with asyncio.timeout(20):
                    assert await answer.content.readuntil(b"\n\n") == b"data: %d\n\n" % number
            # As a browser whose tab is closed: without waiting for the proxy's farewell.
            assert answer.connection is not None
            assert answer.connection.transport is not None
            answer.connection.transport.abort()
        async with asyncio.timeout(20):
            await way.services.left.wait()


async def test_uploads_and_downloads_are_whole(way: Way) -> None:
    body = random.Random(3).randbytes(8 * 2**20)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100_000):
            yield body[at : at + 100_000]

    for url, headers in ((way.tunnel, way.key), (await way.host(), {})):
        for data in (io.BytesIO(body), pieces()):
            async with way.http.post(f"{url}/hash", data=data, headers=headers) as answer:
                assert (await answer.json())["sha256"] == hashlib.sha256(body).hexdigest()
        async with way.http.get(f"{url}/file", headers=headers) as answer:
            assert await answer.read() == CONTENT
        async with way.http.get(f"{url}/file", headers={**headers, "Range": "bytes=5-9"}) as answer:
            assert (answer.status, await answer.read()) == (206, CONTENT[5:10])


async def test_an_upload_arrives_while_it_is_being_sent(way: Way) -> None:
    arrived: asyncio.Queue[bool] = asyncio.Queue()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 200_000
        async with asyncio.timeout(20):
            # The relay hands it to the runner before the end was ever sent.
            while way.stage.app.tunnels.links.traffic.to_runners < 200_000:
                await asyncio.sleep(0.01)
        arrived.put_nowait(True)
        yield b"end"

    async with way.http.post(f"{way.tunnel}/hash", data=pieces(), headers=way.key) as answer:
        assert (await answer.json())["size"] == 200_003
    assert arrived.get_nowait()


async def test_websockets_echo_on_the_tunnels_own_host(way: Way) -> None:
    for url, headers in ((way.tunnel, way.key), (await way.host(), {})):
        async with way.http.ws_connect(f"{url}/echo", headers=headers, protocols=("b",)) as ws:
            assert ws.protocol == "b"
            assert await ws.receive_str(timeout=20) == "hello"
            await ws.send_bytes(CONTENT[:300_000])
            assert await ws.receive_bytes(timeout=20) == CONTENT[:300_000]
            await ws.send_str("close 4001 enough")
            message = await ws.receive(timeout=20)
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4001, "enough")


async def test_addresses_pass_byte_for_byte(way: Way) -> None:
    host = await way.host()
    # As long as the service behind it takes.
    long = "x" * 7_000
    async with way.http.get(
        URL(f"{host}/headers//a%2Fb/%C3%A9?q=%20+", encoded=True), headers={"Cookie": f"a={long}"}
    ) as answer:
        assert answer.status == 404
    async with way.http.get(
        URL(f"{host}/headers?q=%20+%2F//", encoded=True), headers={"Cookie": f"a={long}"}
    ) as answer:
        seen = await answer.json()
    assert seen["target"] == "/headers?q=%20+%2F//"
    assert ["cookie", f"a={long}"] in seen["headers"]


async def test_the_relay_learns_who_asks_and_how_and_believes_no_client(way: Way) -> None:
    code = way.stage.app.accounts.setup_line()
    body = {"name": "Bo", "email": "bo@example.com", "password": "Passw0rd-of-bo", "setupCode": code}
    lies = {"X-Forwarded-For": "203.0.113.66", "X-Forwarded-Proto": "http", "Origin": way.front.url}
    async with way.http.post(f"{way.front.url}/api/auth/sign-up/email", json=body, headers=lies) as answer:
        assert answer.status == 200, await answer.text()
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Secure-")
    assert "; Secure" in cookie
    browser = {"Cookie": cookie.partition(";")[0]}
    async with way.http.get(f"{way.front.url}/api/auth/list-sessions", headers=browser) as answer:
        assert [session["ipAddress"] for session in await answer.json()] == ["127.0.0.1"]
    # A page of another site may not act with the cookie, the relay's own may.
    for origin, status in (("https://evil.example", 403), (way.front.url, 200)):
        async with way.http.post(
            f"{way.front.url}/api/auth/revoke-other-sessions", json={}, headers={**browser, "Origin": origin}
        ) as answer:
            assert answer.status == status


async def test_nobody_behind_a_proxy_counts_as_this_machine(way: Way) -> None:
    async with way.http.get(f"{way.front.url}/api/signup-status") as answer:
        assert (await answer.json())["setupCodeRequired"] is True
