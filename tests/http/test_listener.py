"""The listener: where it binds, what it refuses, and how it stops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from relay.http.catch_all import catch_all
from relay.http.listener import Listener, ListenError, ListenOptions, StopLimits
from tests.http.certificates import make_pair


async def _hello(request: web.Request) -> web.StreamResponse:
    return web.Response(text=request.scheme)


async def _nothing() -> None:
    """Have nothing to close."""


async def test_loopback_is_the_default_on_both_families() -> None:
    listener = Listener(ListenOptions())
    hosts = [host for host, _ in listener.addresses]
    assert hosts[0] == "127.0.0.1"
    assert set(hosts) <= {"127.0.0.1", "::1"}
    assert len({port for _, port in listener.addresses}) == 1
    await listener.start(catch_all(_hello))
    async with aiohttp.ClientSession() as session:
        for host in hosts:
            literal = f"[{host}]" if ":" in host else host
            async with session.get(f"http://{literal}:{listener.port}/") as answer:
                assert await answer.text() == "http"
    assert await listener.stop(_nothing) is True


async def test_everywhere_means_all_interfaces() -> None:
    listener = Listener(ListenOptions(everywhere=True))
    assert listener.addresses[0][0] == "0.0.0.0"
    assert {host for host, _ in listener.addresses} <= {"0.0.0.0", "::"}
    await listener.stop(_nothing)


async def test_a_host_name_is_resolved() -> None:
    listener = Listener(ListenOptions(host="localhost"))
    assert {host for host, _ in listener.addresses} <= {"127.0.0.1", "::1"}
    listener.release()


async def test_nobody_is_answered_before_the_start() -> None:
    listener = Listener(ListenOptions())
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", listener.port)
    listener.release()


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"^port {port} on 127\.0\.0\.1 is in use$"):
            Listener(ListenOptions(port=port))
        with pytest.raises(ListenError, match=rf"^port {port} on localhost is in use$"):
            Listener(ListenOptions(host="localhost", port=port))


async def test_a_port_taken_between_binding_and_listening_is_one_clear_line() -> None:
    first, second = Listener(ListenOptions()), None
    try:
        second = Listener(ListenOptions(port=first.port))
    except ListenError:
        first.release()
        pytest.skip("this system refuses the second binding already")
    await first.start(catch_all(_hello))
    with pytest.raises(ListenError, match=r"^port \d+ on 127\.0\.0\.1 is in use$"):
        await second.start(catch_all(_hello))
    second.release()
    await first.stop(_nothing)


@pytest.mark.parametrize("host", ["203.0.113.77", "no-such-host.invalid", "a" * 300, "bad..name"])
def test_an_address_that_is_not_ours_is_one_clear_line(host: str) -> None:
    with pytest.raises(ListenError) as caught:
        Listener(ListenOptions(host=host))
    assert str(caught.value).startswith("cannot listen on ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", [True, False])
async def test_a_certificate_means_https(tmp_path: Path, split: bool) -> None:
    pair = make_pair(tmp_path)
    options = ListenOptions(tls_cert=pair.cert if split else pair.both, tls_key=pair.key if split else None)
    listener = Listener(options)
    assert listener.scheme == "https"
    await listener.start(catch_all(_hello))
    trust = ssl.create_default_context(cafile=str(pair.cert))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://localhost:{listener.port}/", ssl=trust) as answer,
    ):
        assert await answer.text() == "https"
    await listener.stop(_nothing)


def test_certificates_that_cannot_be_used_are_one_clear_line(tmp_path: Path) -> None:
    pair, other = make_pair(tmp_path), make_pair(tmp_path, "other")
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("garbage")
    cases = [
        (pair.cert, other.key, "cannot use .* for TLS"),
        (pair.cert, None, "cannot use .* for TLS"),
        (garbage, pair.key, "cannot use .* for TLS"),
        (tmp_path / "missing", pair.key, "cannot read .*missing: No such file"),
        (pair.cert, tmp_path / "missing", "cannot read .*missing: No such file"),
        (tmp_path, pair.key, "cannot read .*: Is a directory"),
        (pair.cert, pair.locked_key, "protected by a password"),
        (None, pair.key, "a TLS key needs a certificate"),
    ]
    for cert, key, message in cases:
        with pytest.raises(ListenError, match=message) as caught:
            Listener(ListenOptions(tls_cert=cert, tls_key=key))
        assert "\n" not in str(caught.value)


async def test_a_body_is_passed_on_as_it_came() -> None:
    async def length(request: web.Request) -> web.StreamResponse:
        return web.Response(text=str(len(await request.read())))

    listener = Listener(ListenOptions())
    await listener.start(catch_all(length))
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{listener.port}/",
            data=b"\x1f\x8b not really gzip",
            headers={"Content-Encoding": "gzip"},
        ) as answer,
    ):
        assert await answer.text() == "18"
    await listener.stop(_nothing)


async def test_stopping_refuses_newcomers_before_the_application_closes() -> None:
    listener = Listener(ListenOptions())
    await listener.start(catch_all(_hello))
    port = listener.port
    seen: list[str] = []

    async def close() -> None:
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
        seen.append("closed")

    assert await listener.stop(close) is True
    assert seen == ["closed"]


def _stubborn(entered: asyncio.Event, release: asyncio.Event) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return web.Response()

    return handler


async def test_stopping_takes_its_time_limit_whatever_handlers_and_the_application_do() -> None:
    entered, release = asyncio.Event(), asyncio.Event()
    listener = Listener(ListenOptions(), StopLimits(close=0.2, handlers=0.1))
    await listener.start(catch_all(_stubborn(entered, release)))
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(entered.wait(), 5)

    async def close() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(2):
        assert await listener.stop(close) is False
    release.set()
    writer.close()


async def test_an_application_that_fails_to_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def close() -> None:
        raise LookupError("broken")

    listener = Listener(ListenOptions())
    await listener.start(catch_all(_hello))
    assert await listener.stop(close) is False
    assert "closing the application failed" in caplog.text


@dataclass(frozen=True)
class _Line:
    """An open connection and the certificate that it was shown."""

    shown: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self) -> bytes:
        self.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await self.reader.readuntil(b"\r\n\r\n")
        return await self.reader.readexactly(5)


async def _line(port: int) -> _Line:
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anybody)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert isinstance(shown, bytes)
    return _Line(shown, reader, writer)


async def test_a_new_certificate_serves_newcomers_and_leaves_open_connections_alone(tmp_path: Path) -> None:
    pair, new = make_pair(tmp_path), make_pair(tmp_path, "new")
    listener = Listener(ListenOptions(tls_cert=pair.cert, tls_key=pair.key))
    await listener.start(catch_all(_hello))
    old = await _line(listener.port)
    assert await old.ask() == b"https"
    pair.cert.write_bytes(new.cert.read_bytes())
    pair.key.write_bytes(new.key.read_bytes())
    assert listener.reload_certificate()
    fresh = await _line(listener.port)
    assert fresh.shown == ssl.PEM_cert_to_DER_cert(new.cert.read_text())
    assert fresh.shown != old.shown
    assert await fresh.ask() == b"https"
    assert await old.ask() == b"https"
    old.writer.close()
    fresh.writer.close()
    await listener.stop(_nothing)


@pytest.mark.parametrize("broken", ["garbage", "foreign key", "missing", "locked"])
async def test_a_broken_certificate_keeps_the_old_one_and_is_logged(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    pair, other = make_pair(tmp_path), make_pair(tmp_path, "other")
    listener = Listener(ListenOptions(tls_cert=pair.cert, tls_key=pair.key))
    await listener.start(catch_all(_hello))
    first = await _line(listener.port)
    first.writer.close()
    if broken == "garbage":
        pair.cert.write_text("garbage")
    elif broken == "foreign key":
        pair.key.write_bytes(other.key.read_bytes())
    elif broken == "locked":
        pair.key.write_bytes(pair.locked_key.read_bytes())
    else:
        pair.cert.unlink()
    with caplog.at_level("ERROR"):
        assert not listener.reload_certificate()
    assert "the certificate stays as it was" in caplog.text
    fresh = await _line(listener.port)
    assert fresh.shown == first.shown
    assert await fresh.ask() == b"https"
    fresh.writer.close()
    await listener.stop(_nothing)


async def test_without_tls_there_is_nothing_to_read_again() -> None:
    listener = Listener(ListenOptions())
    assert not listener.reload_certificate()
    listener.release()
