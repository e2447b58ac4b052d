"""`relay doctor`: what it finds on healthy relays and on every kind of broken one."""

from __future__ import annotations

import datetime
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from relay.clock import Clock
from relay.config_load import trace_settings
from relay.http.listener import Listener, ListenOptions
from relay.operator.doctor import network
from relay.operator.doctor.examination import examine
from relay.operator.doctor.findings import Finding, Level
from relay.operator.doctor.network import Outside
from relay.push.vapid import KeyPair
from relay.storage import Storage
from tests.http.certificates import make_pair
from tests.operator.relays import FILE, fill, settings_of


async def _found(
    data_dir: Path,
    outside: Outside | None = None,
    addresses: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Examine the relay of a data directory; its configuration is the `relay.toml` beside it."""
    file = data_dir.parent / "relay.toml"
    if not file.exists():
        file.write_text("")
        file.chmod(0o600)
    traced = trace_settings(
        file=file, environment={"RELAY_PORT": "0", **(environment or {})}, flags={"data.dir": str(data_dir)}
    )
    return await examine(traced, Clock(), addresses, outside)


def _of(findings: list[Finding], check: str) -> list[tuple[Level, str]]:
    return [(one.level, one.text) for one in findings if one.check == check]


def _worst(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.level is Level.FAIL]


@asynccontextmanager
async def _service(headers: Mapping[str, str], body: str = "") -> AsyncIterator[str]:
    """A server on loopback that answers everything alike."""

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(status=200, text=body, headers=dict(headers))

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = Listener(ListenOptions(host="127.0.0.1", port=0, everywhere=False, tls_cert=None, tls_key=None))
    try:
        port = listener.port
        listener.release()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_a_healthy_relay_has_no_complaint(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data").chmod(0o700)
    findings = await _found(tmp_path / "data", addresses=("192.0.2.7",), environment={"RELAY_LAN": "true"})
    assert [one for one in findings if one.level is not Level.OK] == []
    assert [one.check for one in findings] == [
        *("configuration", "data directory", "permissions", "disk", "database", "attachments", "port", "addresses"),
    ]
    assert _of(findings, "addresses") == [(Level.OK, "runners and phones in the network use http://192.0.2.7:0")]


async def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(tmp_path: Path) -> None:
    findings = await _found(tmp_path / "data")
    assert _worst(findings) == []
    assert not (tmp_path / "data").exists()


async def test_open_permissions_are_found(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data").chmod(0o755)
    (tmp_path / "data" / "secrets.json").chmod(0o644)
    findings = await _found(tmp_path / "data")
    ((level, text),) = _of(findings, "permissions")
    assert level is Level.FAIL
    assert text.startswith("others may read ")
    assert _of(findings, "data directory")[0][0] is Level.WARN
    advice = next(one.advice for one in findings if one.check == "permissions")
    assert advice == f"chmod 600 {tmp_path / 'data' / 'secrets.json'}"


async def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    body = bytearray(settings.database_path.read_bytes())
    body[4096 * 3 : 4096 * 5] = b"\xff" * 4096 * 2
    settings.database_path.write_bytes(body)
    assert {level for level, _ in _of(await _found(tmp_path / "data"), "database")} == {Level.FAIL}
    settings.database_path.write_bytes(b"no database at all" * 1000)
    ((level, text),) = _of(await _found(tmp_path / "data"), "database")
    assert level is Level.FAIL
    assert "cannot be read" in text


async def test_versions_are_compared(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data", 3)
    findings = await _found(tmp_path / "data")
    assert _worst(findings) == []
    assert "the next start upgrades the database" in _of(findings, "upgrade")[0][1]
    with closing(sqlite3.connect(settings.database_path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    ((level, text),) = _of(await _found(tmp_path / "data"), "database")
    assert (level, "has version 9999" in text) == (Level.FAIL, True)


async def test_missing_attachments_and_half_a_restore_are_found(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data" / "attachments" / FILE).unlink()
    (tmp_path / "data" / "restore-unfinished").write_text("x")
    findings = await _found(tmp_path / "data")
    assert _of(findings, "attachments") == [
        (Level.WARN, f"1 of 1 files are missing in {tmp_path / 'data' / 'attachments'}")
    ]
    assert _of(findings, "restore")[0][0] is Level.FAIL


async def test_a_port_in_use_is_found_and_a_running_relay_is_not_mistaken_for_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        findings = await _found(tmp_path / "data", environment={"RELAY_PORT": str(port)})
    assert _of(findings, "port") == [(Level.FAIL, f"port {port} on 127.0.0.1 is in use")]
    settings = settings_of(tmp_path / "data")
    from relay.app import Application

    application = await Application.create(settings, Clock(), port=1, scheme="http")
    findings = await _found(tmp_path / "data", environment={"RELAY_PORT": "1"})
    assert _of(findings, "port")[0][0] is Level.OK
    assert _of(findings, "database")[0][0] is Level.OK
    await application.close()


async def test_a_loopback_relay_is_told_that_nobody_else_reaches_it(tmp_path: Path) -> None:
    assert _of(await _found(tmp_path / "data"), "addresses")[0][0] is Level.WARN
    for environment in ({"RELAY_HOST": "192.0.2.1"}, {"RELAY_BASE_URL": "http://relay.example"}):
        traced = trace_settings(environment={"RELAY_PORT": "0", **environment})
        assert network.addresses(traced.settings, ()).level is Level.OK
    traced = trace_settings(environment={"RELAY_PORT": "0", "RELAY_LAN": "true"})
    assert network.addresses(traced.settings, ()).level is Level.WARN


@pytest.mark.parametrize(
    ("days", "level", "says"),
    [(0, Level.WARN, "ends on"), (2, Level.FAIL, "ended on"), (-2, Level.FAIL, "is valid only from")],
)
def test_a_certificate_is_checked_for_its_time(tmp_path: Path, days: int, level: Level, says: str) -> None:
    pair = make_pair(tmp_path)
    pair.key.chmod(0o600)
    settings = settings_of(tmp_path / "data", RELAY_TLS_CERT=str(pair.cert), RELAY_TLS_KEY=str(pair.key))
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    (finding,) = network.certificate(settings, now)
    assert (finding.level, says in finding.text) == (level, True)


def test_a_certificate_is_checked_for_its_names_and_its_key(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, names=["*.example.com"])
    pair.key.chmod(0o644)
    environment = {
        "RELAY_TLS_CERT": str(pair.cert),
        "RELAY_TLS_KEY": str(pair.key),
        "RELAY_BASE_URL": "https://relay.example.com",
        "RELAY_NAMES": "localhost,127.0.0.1,relay.example.org",
    }
    now = datetime.datetime.now(datetime.UTC)
    findings = network.certificate(settings_of(tmp_path / "data", **environment), now)
    assert [(one.level, one.text) for one in findings[1:]] == [
        (Level.WARN, f"others may read the key {pair.key}"),
        (Level.FAIL, f"{pair.cert} is not for relay.example.org"),
    ]


async def test_an_unusable_certificate_is_found(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("no certificate")
    findings = await _found(tmp_path / "data", environment={"RELAY_TLS_CERT": str(tmp_path / "c.pem")})
    assert _of(findings, "tls") == [(Level.FAIL, f"{tmp_path / 'c.pem'} is no certificate in PEM form")]
    assert _of(findings, "port")[0][0] is Level.FAIL
    findings = await _found(tmp_path / "data", environment={"RELAY_TLS_CERT": str(tmp_path / "none.pem")})
    assert _of(findings, "tls") == [(Level.FAIL, f"cannot read {tmp_path / 'none.pem'}: No such file or directory")]


@pytest.mark.parametrize(
    ("environment", "level", "says"),
    [
        ({"RELAY_TRUSTED_PROXY_CIDRS": "10.0.0.0/99"}, Level.FAIL, "is no network"),
        (
            {"RELAY_TRUSTED_PROXY_CIDRS": "10.0.0.0/8", "RELAY_TRUST_PROXY": "nobody"},
            Level.WARN,
            "has no effect while server.trust_proxy is nobody",
        ),
        (
            {"RELAY_BASE_URL": "https://relay.example", "RELAY_TRUST_PROXY": "nobody"},
            Level.FAIL,
            "X-Forwarded-Proto is not believed",
        ),
        ({"RELAY_BASE_URL": "https://relay.example"}, Level.OK, "it has to send X-Forwarded-Proto"),
    ],
)
async def test_proxy_settings_that_contradict_each_other_are_found(
    tmp_path: Path, environment: dict[str, str], level: Level, says: str
) -> None:
    ((found, text),) = _of(await _found(tmp_path / "data", environment=environment), "proxy")
    assert (found, says in text) == (level, True)


async def test_the_configuration_is_examined(tmp_path: Path) -> None:
    findings = await _found(tmp_path / "data", environment={"RELAY_NONSENSE": "1", "RELAY_AUTH_SECRET": "short"})
    assert [text for _, text in _of(findings, "configuration")] == [
        "ignoring the unknown environment variable RELAY_NONSENSE",
        "auth.secret is short; 32 characters or more are hard to guess",
    ]
    (tmp_path / "relay.toml").write_text(f'[auth]\nsecret = "{"x" * 40}"\n')
    (tmp_path / "relay.toml").chmod(0o644)
    assert "which holds secrets" in _of(await _found(tmp_path / "data"), "configuration")[0][1]
    (tmp_path / "relay.toml").chmod(0o600)
    assert _of(await _found(tmp_path / "data"), "configuration")[0][0] is Level.OK


async def test_push_keys_that_are_no_pair_are_found(tmp_path: Path) -> None:
    one, other = KeyPair.generate(), KeyPair.generate()
    for private, level in ((one.private, Level.OK), (other.private, Level.FAIL), ("nonsense", Level.FAIL)):
        findings = await _found(
            tmp_path / "data",
            environment={"RELAY_PUSH_VAPID_PUBLIC_KEY": one.public, "RELAY_PUSH_VAPID_PRIVATE_KEY": private},
        )
        assert _of(findings, "push keys")[0][0] is level


async def test_push_services_and_those_of_subscribers_are_asked(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    async with _service({}) as url:
        storage = await Storage.open(settings.database_path)
        await storage.write(lambda tx: tx.execute("UPDATE push_subscription SET endpoint = ?", (f"{url}/send/1",)))
        await storage.close()
        nobody = Listener(ListenOptions(host="127.0.0.1", port=0, everywhere=False, tls_cert=None, tls_key=None))
        gone = f"http://127.0.0.1:{nobody.port}/"
        nobody.release()
        findings = await _found(tmp_path / "data", Outside((gone,), timeout=10))
        host = url.removeprefix("http://")
        assert _of(findings, "push")[1] == (Level.OK, f"{host} can be reached")
        assert _of(findings, "push")[0][0] is Level.WARN
        assert _of(findings, "clock") == [(Level.OK, "the clock is right")]


@pytest.mark.parametrize(
    ("hours", "level", "says"),
    [(-0.05, Level.WARN, "s ahead"), (0.05, Level.WARN, "s behind"), (-5, Level.FAIL, "s ahead")],
)
async def test_a_wrong_clock_is_found(tmp_path: Path, hours: float, level: Level, says: str) -> None:
    date = format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours), usegmt=True)
    async with _service({"Date": date}) as url:
        findings = await _found(tmp_path / "data", Outside((url,), timeout=10))
    ((found, text),) = _of(findings, "clock")
    assert (found, text.endswith(says)) == (level, True)


async def test_the_public_address_is_tried(tmp_path: Path) -> None:
    async with _service({}, '{"version":{"socketProtocol":1}}') as url:
        findings = await _found(tmp_path / "data", Outside((), timeout=10), environment={"RELAY_BASE_URL": url})
        assert _of(findings, "public address") == [(Level.OK, f"{url} leads to a relay")]
    async with _service({}, "something else") as url:
        findings = await _found(tmp_path / "data", Outside((), timeout=10), environment={"RELAY_BASE_URL": url})
        assert _of(findings, "public address")[0][0] is Level.FAIL
    findings = await _found(tmp_path / "data", Outside((), timeout=10), environment={"RELAY_BASE_URL": url})
    assert "cannot be reached from here" in _of(findings, "public address")[0][1]


async def test_a_service_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    silent = Listener(ListenOptions(host="127.0.0.1", port=0, everywhere=False, tls_cert=None, tls_key=None))
    findings = await _found(tmp_path / "data", Outside((f"http://127.0.0.1:{silent.port}/",), timeout=0.2))
    silent.release()
    assert _of(findings, "push")[0][0] is Level.WARN
    assert _of(findings, "clock")[0][0] is Level.WARN
