"""`relay backup` and `relay restore` as processes, beside a running relay and on a disk without room."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

import aiohttp

from tests.cli.relay_process import Finished, environment, relay, running
from tests.operator.relays import fill
from tests.storage import history

DATA = ("--data-dir", "data")
#: Run a command with no file allowed to grow over so many bytes: to a program that is as a full disk.
_SMALL_DISK: Final = """
import resource, signal, sys
import relay.cli.backup, relay.operator.backup, relay.clock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from relay.cli import main
main(sys.argv[1:], prog_name="relay")
"""


async def _on_a_small_disk(home: Path, limit: int, *arguments: str) -> Finished:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SMALL_DISK.format(limit=limit),
        *arguments,
        cwd=home,
        env=environment(home, PYTHONDONTWRITEBYTECODE="1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(child.communicate(), 60)
    return Finished(child.returncode or 0, out.decode(), err.decode())


def _one_line(finished: Finished, says: str) -> None:
    assert (finished.code, finished.out) == (1, ""), finished
    assert finished.err.startswith("relay: ")
    assert says in finished.err
    assert finished.err.count("\n") == 1, finished.err


async def test_a_backup_of_a_running_relay_serves_elsewhere(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    async with running(tmp_path, "--port", "0", *DATA) as process:
        made = await relay(tmp_path, "backup", "b.tar.gz", "--json", *DATA)
        assert made.code == 0, made
        told = json.loads(made.out)
        assert (told["file"], told["users"], told["sessions"], told["attachments"]) == ("b.tar.gz", 2, 1, 1)
        assert told["size"] == (tmp_path / "b.tar.gz").stat().st_size
        _one_line(await relay(tmp_path, "restore", "b.tar.gz", "--force", *DATA), "stop it first")
        assert (await process.stop()).code == 0
    restored = await relay(tmp_path, "restore", "b.tar.gz", "--data-dir", "other")
    assert restored.code == 0, restored
    assert restored.out.endswith(": 2 users, 1 sessions, 1 attachments\n")
    async with running(tmp_path, "--port", "0", "--data-dir", "other") as process, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{process.port}"
        body = {"email": history.EMAIL, "password": history.PASSWORD}
        async with http.post(f"{url}/api/auth/sign-in/email", json=body) as answer:
            assert answer.status == 200
        name = "00000000-0000-4000-8000-000000000001"
        # The cookie holds because the secret came along.
        for header in ({"Cookie": history.COOKIE}, {"x-api-key": history.KEY}):
            async with http.get(f"{url}/api/attachments/{name}", headers=header) as answer:
                assert await answer.text() == "hello"
        assert (await process.stop()).code == 0


async def test_a_disk_without_room_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data" / "attachments" / "00000000-0000-4000-8000-000000000002-note.txt").write_bytes(
        bytes(range(256)) * 4
    )
    (tmp_path / "out").mkdir()
    before = (tmp_path / "data" / "relay.db").read_bytes()
    whole = await relay(tmp_path, "backup", "whole.tar.gz", *DATA)
    assert whole.code == 0
    database = (tmp_path / "data" / "relay.db").stat().st_size
    for limit in (8192, database // 2, database - 1):
        _one_line(await _on_a_small_disk(tmp_path, limit, "backup", "out/b.tar.gz", *DATA), "cannot ")
        assert list((tmp_path / "out").iterdir()) == []
    assert (tmp_path / "data" / "relay.db").read_bytes() == before


async def test_a_disk_that_fills_up_in_the_archive_leaves_an_earlier_backup_alone(tmp_path: Path) -> None:
    import os

    settings = fill(tmp_path / "data")
    # Random bytes can't be compressed, so the archive outgrows the database.
    file = settings.attachments_dir / "00000000-0000-4000-8000-000000000002-note.txt"
    file.write_bytes(os.urandom(4 * settings.database_path.stat().st_size))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.tar.gz").write_text("yesterday's")
    limit = 2 * settings.database_path.stat().st_size
    finished = await _on_a_small_disk(tmp_path, limit, "backup", "out/b.tar.gz", "--force", *DATA)
    _one_line(finished, "cannot write the backup out/b.tar.gz: File too large")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.tar.gz"]
    assert (tmp_path / "out" / "b.tar.gz").read_text() == "yesterday's"


async def test_a_restore_over_records_says_where_the_old_ones_went(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    assert (await relay(tmp_path, "backup", "b.tar.gz", *DATA)).code == 0
    _one_line(await relay(tmp_path, "restore", "b.tar.gz", *DATA), "--force moves them aside")
    done = await relay(tmp_path, "restore", "b.tar.gz", "--force", "--json", *DATA)
    assert done.code == 0, done
    aside = tmp_path / json.loads(done.out)["aside"]
    assert sorted(path.name for path in aside.iterdir()) == ["attachments", "relay.db", "secrets.json"]


async def test_a_relay_does_not_start_on_half_a_restore(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data" / "restore-unfinished").write_text("data/before-restore-x\n")
    for words in (("serve", "--port", "0"), ("user", "list")):
        _one_line(await relay(tmp_path, *words, *DATA), "was interrupted: run it again with --force")
