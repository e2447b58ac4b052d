"""Run nginx and Caddy with the recipes of deploy/, in front of a server on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.e2e.client import required
from tests.e2e.processes import Process
from tests.e2e.relay_process import free_port
from tests.http.certificates import Pair, make_pair

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
#: The host names of the recipes.
RELAY: Final = "relay.example.com"
TUNNEL: Final = "tunnel.example.com"
_START: Final = 30.0


class Everywhere(AbstractResolver):
    """Answer that every name is this machine's."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return None


@dataclass
class Front:
    """Hold a running proxy: its https port, and the certificate that it shows for every name."""

    port: int
    pair: Pair
    process: Process

    @property
    def url(self) -> str:
        return f"https://{RELAY}:{self.port}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.pair.cert))

    def session(self) -> aiohttp.ClientSession:
        """Open a browser that finds the proxy under every name."""
        connector = aiohttp.TCPConnector(resolver=Everywhere(), ssl=self.tls)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=60),
            max_field_size=65536,
        )


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Change a recipe for a test; what is to be changed has to be there."""
    for old, new in changes:
        assert old in text, f"the recipe no longer has {old!r}"
        text = text.replace(old, new)
    return text


def binary(name: str) -> str:
    """Answer where a proxy is; skips the test when there is none, unless RELAY_E2E=require."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        reason = f"{name} is not installed"
        if required():
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@asynccontextmanager
async def front(name: str, upstream: int, folder: Path, port: int = 0) -> AsyncIterator[Front]:
    """Start the proxy of that name with its recipe, in front of a port of this machine."""
    program = binary(name)
    folder.mkdir()
    pair = make_pair(folder, names=(RELAY, f"*.{TUNNEL}"))
    port, plain = port or free_port(), free_port()
    write = {"nginx": _nginx, "caddy": _caddy}[name]
    arguments = write(folder, pair, upstream, port, plain)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder), "LANG": "C.UTF-8"}
    process = Process([program, *arguments], env, folder, folder / "proxy.log")
    process.start()
    try:
        opened = Front(port, pair, process)
        await _until_it_listens(opened)
        yield opened
    finally:
        await process.stop()


async def _until_it_listens(opened: Front) -> None:
    async with asyncio.timeout(_START):
        while True:
            assert opened.process.running, opened.process.tail()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def _nginx(folder: Path, pair: Pair, upstream: int, port: int, plain: int) -> list[str]:
    recipe = changed(
        (DEPLOY / "nginx" / "relay.conf").read_text(),
        ("127.0.0.1:7492", f"127.0.0.1:{upstream}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        ("/etc/ssl/relay/fullchain.pem", str(pair.cert)),
        ("/etc/ssl/relay/privkey.pem", str(pair.key)),
    )
    (folder / "relay.conf").write_text(recipe)
    places = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        # One process: killing it leaves nobody behind.
        f"{user}\ndaemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}\ninclude {folder}/relay.conf;\n}}\n"
    )
    return ["-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _caddy(folder: Path, pair: Pair, upstream: int, port: int, plain: int) -> list[str]:
    recipe = changed(
        (DEPLOY / "caddy" / "Caddyfile").read_text(),
        ("reverse_proxy 127.0.0.1:7492", f"reverse_proxy 127.0.0.1:{upstream}"),
        # Nobody signs certificates for this machine; it also has to be found as localhost.
        (f"{RELAY} {{", f"{RELAY}, localhost {{\n\ttls {pair.cert} {pair.key}"),
        ("/etc/ssl/relay/tunnel.pem", str(pair.cert)),
        ("/etc/ssl/relay/tunnel.key", str(pair.key)),
    )
    options = (
        f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {port}\n\tauto_https disable_redirects\n"
        "\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n"
    )
    (folder / "Caddyfile").write_text(options + recipe)
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
