"""Upgrades: filled databases of every version, the copy before, and refusals."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import aiohttp
import pytest

from relay.app import Application
from relay.clock import Clock
from relay.config_load import load_settings
from relay.http.listener import Listener, ListenOptions
from relay.storage import Migration, NewerDatabase, Storage, StorageError, load_migrations
from relay.storage.upgrade import KEPT, copy_name
from tests.storage import history

VERSIONS = [migration.number for migration in load_migrations()]


def test_migrations_are_numbered_without_gaps_and_each_has_its_filled_database() -> None:
    assert list(range(1, len(VERSIONS) + 1)) == VERSIONS
    missing = [version for version in VERSIONS if not history.dump_path(version).exists()]
    assert missing == [], "python -m tests.storage.history writes them; fill new tables in tests/storage/history/rows"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_filled_database_fills_every_table_of_its_version(tmp_path: Path, version: int) -> None:
    history.create(tmp_path / "relay.db", version)
    empty = {name for name, rows in history.tables(tmp_path / "relay.db").items() if not rows}
    # Files that are to be deleted are noted there by a trigger, and gone at the next sweep.
    assert empty <= {"attachment_file_gone"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_upgrade_from_every_version_keeps_every_row(tmp_path: Path, version: int) -> None:
    path = tmp_path / "relay.db"
    history.create(path, version)
    before = history.tables(path)
    storage = await Storage.open(path)
    await storage.close()
    after = history.tables(path)
    for name, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in after[name]] if rows else []
        assert kept == rows, name
    copy = copy_name(path, version)
    if version == VERSIONS[-1]:
        assert not copy.exists()
    else:
        assert history.tables(copy) == before
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] == version


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_relay_serves_what_every_version_left(tmp_path: Path, version: int) -> None:
    history.create(tmp_path / "relay.db", version)
    (tmp_path / "attachments").mkdir()
    (tmp_path / "attachments" / "00000000-0000-4000-8000-000000000002-note.txt").write_text("hello")
    settings = load_settings(flags={"data.dir": str(tmp_path)}, environment={"RELAY_AUTH_SECRET": history.SECRET})
    listener = Listener(ListenOptions(host="127.0.0.1", port=0, everywhere=False, tls_cert=None, tls_key=None))
    application = await Application.create(settings, Clock(), port=listener.port, scheme="http")
    await listener.start(application.http.app)
    url = f"http://127.0.0.1:{listener.port}"
    async with aiohttp.ClientSession() as http:
        body = {"email": history.EMAIL, "password": history.PASSWORD}
        async with http.post(f"{url}/api/auth/sign-in/email", json=body) as answer:
            assert answer.status == 200
        for header in ({"x-api-key": history.KEY}, {"Cookie": history.COOKIE}):
            async with http.get(f"{url}/api/sessions/pinned", headers=header) as answer:
                assert [one["sessionId"] for one in (await answer.json())["pinnedSessions"]] == ["session-1"]
        name = "00000000-0000-4000-8000-000000000001"
        async with http.get(f"{url}/api/attachments/{name}", headers={"x-api-key": history.KEY}) as answer:
            assert await answer.text() == "hello"
        async with http.get(f"{url}/api/webhooks", headers={"x-api-key": history.KEY}) as answer:
            webhooks = [one["name"] for one in (await answer.json())["webhooks"]]
            assert webhooks == (["deploy"] if version >= 8 else [])
    await listener.stop(application.close)


async def test_only_the_newest_copies_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    steps = [Migration(number, "step", f"CREATE TABLE t{number} (a)") for number in range(1, 8)]
    for newest in range(1, 8):
        await (await Storage.open(path, steps[:newest])).close()
    copies = sorted(entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".bak"))
    assert copies == ["relay.db.v0004.bak", "relay.db.v0005.bak", "relay.db.v0006.bak"]
    assert len(copies) == KEPT


async def test_without_room_for_the_copy_nothing_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    history.create(path, 1)
    before = history.tables(path)
    # A directory of that name is as good as a full disk, and root is held up by it too.
    (tmp_path / (copy_name(path, 1).name + ".part")).mkdir()
    with pytest.raises(StorageError, match=r"cannot copy the database to .* before upgrading it"):
        await Storage.open(path)
    assert history.tables(path) == before
    (tmp_path / (copy_name(path, 1).name + ".part")).rmdir()
    await (await Storage.open(path)).close()


async def test_an_older_relay_refuses_a_newer_database_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    history.create(path, VERSIONS[-1])
    before = path.read_bytes()
    with pytest.raises(NewerDatabase) as refused:
        await Storage.open(path, load_migrations()[:-1])
    newest = VERSIONS[-1]
    assert str(refused.value) == (
        f"the database has version {newest}, this relay knows versions up to {VERSIONS[-2]}: run the newer relay"
    )
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".bak")) == []
    assert path.read_bytes()[100:] == before[100:]
