"""`relay serve` as a process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.cli.relay_process import NOBODY, Finished, relay, running
from tests.http.certificates import make_pair

DATA = ("--port", "0", "--data-dir", "data")


def _refused(finished: Finished, message: str, code: int = 1) -> None:
    """Assert that a start ended in one clear line."""
    assert finished.code == code, finished
    assert finished.out == ""
    assert finished.err.startswith("relay: ")
    assert message in finished.err
    assert finished.err.count("\n") == 1, finished.err


async def test_it_starts_answers_and_ends_at_sigterm(tmp_path: Path) -> None:
    async with running(tmp_path, *DATA) as process:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{process.port}/health") as answer,
        ):
            assert answer.status == 200
            assert (await answer.json())["status"] == "ok"
        files = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir() if path.is_file()}
        assert "relay.db" in files
        assert set(files.values()) == {0o600}
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        finished = await process.stop()
    assert finished.code == 0
    assert finished.out.startswith(f"relay listens on http://127.0.0.1:{process.port}")
    assert "relay has stopped" in finished.err
    assert "Traceback" not in finished.err


async def test_ctrl_c_ends_it_too(tmp_path: Path) -> None:
    async with running(tmp_path, *DATA) as process:
        finished = await process.stop(signal.SIGINT)
    assert finished.code == 0
    assert "Traceback" not in finished.err


async def test_loopback_is_all_that_it_listens_on(tmp_path: Path) -> None:
    async with running(tmp_path, *DATA) as process:
        assert "0.0.0.0" not in "".join(process.out)
        for address in {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
            if not str(address).startswith("127."):
                with pytest.raises(OSError, match=r".+"):
                    await asyncio.wait_for(asyncio.open_connection(str(address), process.port), 5)


async def test_a_port_in_use_is_refused_and_nothing_is_created(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        _refused(
            await relay(tmp_path, "serve", "--port", port, "--data-dir", "data"), f"port {port} on 127.0.0.1 is in use"
        )
    assert not (tmp_path / "data").exists()


async def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, *DATA) as process:
        _refused(await relay(tmp_path, "serve", *DATA), "another relay is using")
        finished = await process.stop()
    assert finished.code == 0


async def test_a_database_of_a_newer_relay_is_refused(tmp_path: Path) -> None:
    import sqlite3

    (tmp_path / "data").mkdir()
    connection = sqlite3.connect(tmp_path / "data" / "relay.db")
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    _refused(await relay(tmp_path, "serve", *DATA), "the database has version 9999")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "relay.db").write_text("this is a shopping list, not a database" * 100)
    _refused(await relay(tmp_path, "serve", *DATA), "cannot open the database")


async def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text("[server]\nprot = 1\n")
    _refused(await relay(tmp_path, "serve", "--config", "relay.toml"), "relay.toml: unknown key 'server.prot'")


async def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    _refused(
        await relay(tmp_path, "serve", "--config", "none.toml"), "cannot read the configuration none.toml: no such file"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX")
async def test_an_unreadable_configuration_is_refused(tmp_path: Path) -> None:
    _open_to_nobody(tmp_path)
    config = tmp_path / "relay.toml"
    config.write_text("[server]\n")
    config.chmod(0)
    finished = await relay(tmp_path, "serve", "--config", str(config), as_nobody=True)
    _refused(finished, f"cannot read the configuration {config}: Permission denied")


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX")
async def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    _open_to_nobody(tmp_path)
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    for directory in (locked, locked / "new"):
        finished = await relay(tmp_path, "serve", "--port", "0", "--data-dir", str(directory), as_nobody=True)
        _refused(finished, str(directory))
        assert "Permission denied" in finished.err
    assert list(locked.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX")
async def test_an_unreadable_key_is_refused(tmp_path: Path) -> None:
    _open_to_nobody(tmp_path)
    pair = make_pair(tmp_path)
    pair.key.chmod(0)
    finished = await relay(
        tmp_path, "serve", *DATA, "--tls-cert", str(pair.cert), "--tls-key", str(pair.key), as_nobody=True
    )
    _refused(finished, f"cannot read {pair.key}: Permission denied")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
async def test_a_full_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "relay.db").symlink_to("/dev/full")
    finished = await relay(tmp_path, "serve", *DATA)
    assert finished.code == 1
    assert finished.err.startswith("relay: cannot ")
    assert finished.err.count("\n") == 1


async def test_a_ui_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    _refused(await relay(tmp_path, "serve", *DATA, "--ui-dir", str(tmp_path)), "server.ui_dir: cannot read")
    _refused(await relay(tmp_path, "serve", *DATA, "--ui-dir", "missing"), "server.ui_dir: cannot read")


@pytest.mark.parametrize(
    "arguments",
    [("--port", "x"), ("--port", "70000"), ("--nonsense",), ("--lan", "--host", "h"), ("--log-format", "xml")],
)
async def test_wrong_usage_is_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    finished = await relay(tmp_path, "serve", *arguments)
    assert finished.code == 2
    assert "Usage: relay serve" in finished.err


async def test_help_and_version(tmp_path: Path) -> None:
    finished = await relay(tmp_path, "serve", "--help")
    assert finished.code == 0
    for option in (
        "--host",
        "--port",
        "--lan",
        "--data-dir",
        "--config",
        "--ui-dir",
        "--tls-cert",
        "--tls-key",
        "--log-format",
    ):
        assert option in finished.out
    assert (await relay(tmp_path, "--version")).out.startswith("relay, version ")


async def test_configuration_environment_and_flags_reach_the_server(tmp_path: Path) -> None:
    ui = tmp_path / "ui"
    ui.mkdir()
    (ui / "index.html").write_text("<p>ui</p>")
    (tmp_path / "relay.toml").write_text(f"[server]\nport = 1\nui_dir = {json.dumps(str(ui))}\n")
    extra = {"RELAY_DATA_DIR": "from-environment", "PORT": "2", "RELAY_LOG_FORMAT": "json", "RELAY_PROT": "1"}
    async with running(tmp_path, "--config", "relay.toml", "--port", "0", extra=extra) as process:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{process.port}/session/1") as answer,
        ):
            assert await answer.text() == "<p>ui</p>"
        finished = await process.stop()
    assert (tmp_path / "from-environment" / "relay.db").exists()
    lines = [json.loads(line) for line in finished.err.splitlines()]
    assert [line["event"] for line in lines] == [
        "ignoring the unknown environment variable RELAY_PROT",
        "relay is ready",
        "relay is stopping",
        "relay has stopped",
    ]
    assert lines[1]["port"] == process.port


async def test_the_default_data_directory_is_the_platforms(tmp_path: Path) -> None:
    async with running(tmp_path, "--port", "0") as process:
        assert (tmp_path / "share" / "relay" / "relay.db").exists()
        assert (tmp_path / "share" / "relay").stat().st_mode & 0o777 == 0o700
        await process.stop()


async def test_lan_shows_addresses_and_a_qr_code(tmp_path: Path) -> None:
    async with running(tmp_path, *DATA, "--lan", extra={"PYTHONIOENCODING": "utf-8"}) as process:
        finished = await process.stop()
    assert f"http://localhost:{process.port} and on the local network:" in finished.out
    if "no network address found" not in finished.out:
        assert f":{process.port}\n" in finished.out
        assert "█" in finished.out
    async with running(tmp_path, *DATA, "--lan", extra={"PYTHONIOENCODING": "latin-1"}) as process:
        finished = await process.stop()
    assert finished.code == 0
    assert "█" not in finished.out


async def test_tls_serves_https(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    async with running(tmp_path, *DATA, "--tls-cert", str(pair.cert), "--tls-key", str(pair.key)) as process:
        assert process.out[0].startswith("relay listens on https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(pair.cert))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://localhost:{process.port}/health", ssl=trust) as answer,
        ):
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session:
                await session.get(f"http://localhost:{process.port}/health")
        assert (await process.stop()).code == 0


async def test_sighup_reads_the_certificate_again(tmp_path: Path) -> None:
    pair, new = make_pair(tmp_path), make_pair(tmp_path, "new")
    async with running(tmp_path, *DATA, "--tls-cert", str(pair.cert), "--tls-key", str(pair.key)) as process:
        trust = ssl.create_default_context(cafile=str(new.cert))
        pair.cert.write_bytes(new.cert.read_bytes())
        pair.key.write_bytes(new.key.read_bytes())
        process.child.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            while True:
                try:
                    async with (
                        aiohttp.ClientSession() as session,
                        session.get(f"https://localhost:{process.port}/health", ssl=trust) as answer,
                    ):
                        assert answer.status == 200
                        break
                except aiohttp.ClientConnectorCertificateError:
                    await asyncio.sleep(0.05)
        finished = await process.stop()
    assert finished.code == 0
    assert "certificate read again" in finished.err


async def test_idle_and_half_open_connections_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async with running(tmp_path, *DATA) as process:
        writers = []
        for text in (b"", b"GET /heal", b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123"):
            _, writer = await asyncio.open_connection("127.0.0.1", process.port)
            writer.write(text)
            await writer.drain()
            writers.append(writer)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{process.port}/health") as answer:
                await answer.read()
            assert (await process.stop()).code == 0
        for writer in writers:
            writer.close()


def _open_to_nobody(directory: Path) -> None:
    """Let the other user reach a test's directory."""
    if os.getuid() == 0:
        for parent in (directory, *directory.parents):
            if parent == Path("/tmp"):
                break
            parent.chmod(parent.stat().st_mode | 0o755)
        os.chown(directory, NOBODY, NOBODY)
