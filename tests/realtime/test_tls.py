"""Prove that the layer works where frames cannot go to the kernel directly: over TLS they go through the transport."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from relay.clock import Clock
from relay.realtime import Ack, Packet, Realtime, Socket
from tests.realtime.support import CALM, WAIT


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context around a fresh certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_small_and_large_packets_arrive_in_order_over_tls(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    realtime = Realtime(CALM, Clock(), client_ip=lambda request: "", allow_origin=lambda request, origin: False)
    sizes = [10, 3_000_000, 20, 70_000, 1_000_000, 30]

    async def burst(socket: Socket, argument: object, ack: Ack) -> None:
        for number, size in enumerate(sizes):
            socket.send(Packet.event("/", "n", number, "x" * size))
        ack(argument)

    realtime.namespace("/").on("burst", burst)
    app = web.Application()
    app.router.add_route("*", "/socket.io/", realtime.handle)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=contexts[0])
    await site.start()
    url = f"wss://127.0.0.1:{runner.addresses[0][1]}/socket.io/?EIO=4&transport=websocket"
    connector = aiohttp.TCPConnector(ssl=contexts[1])
    async with (
        asyncio.timeout(WAIT),
        aiohttp.ClientSession(connector=connector) as http,
        http.ws_connect(url, max_msg_size=0) as ws,
    ):
        await ws.receive_str()
        await ws.send_str("40")
        assert (await ws.receive_str()).startswith("40")
        await ws.send_str('427["burst","done"]')
        for number, size in enumerate(sizes):
            assert await ws.receive_str() == f'42["n",{number},"{"x" * size}"]'
        assert await ws.receive_str() == '437["done"]'
    await realtime.close()
    await runner.cleanup()
