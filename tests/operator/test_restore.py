"""Backups and restores of whole relays, and every way in which they can fail."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.operator.backup import Backup, make_backup
from relay.operator.errors import OperatorError
from relay.operator.restore import MARKER, check_finished, restore
from relay.storage import Storage, load_migrations
from tests.operator.relays import FILE, SECRETS, fill, picture, settings_of
from tests.storage.history import tables

NOW = 1_700_000_000_000
STAMP = "20260101T000000Z"
NEWEST = load_migrations()[-1].number


@pytest.fixture
def made(tmp_path: Path) -> Backup:
    """A backup of a filled relay."""
    return make_backup(fill(tmp_path / "data"), tmp_path / "b.tar.gz", now_ms=NOW)


def _members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {entry.name: (tar.extractfile(entry) or io.BytesIO()).read() for entry in tar}


def _written(file: Path, members: dict[str, bytes], entry: tarfile.TarInfo | None = None) -> Path:
    """Write an archive of these members, and of an entry without content."""
    with tarfile.open(file, "w:gz") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        if entry is not None:
            tar.addfile(entry)
    return file


def test_a_backup_holds_database_secrets_and_attachments(tmp_path: Path, made: Backup) -> None:
    members = _members(made.file)
    assert list(members) == ["relay.db", "secrets.json", f"attachments/{FILE}", "manifest.json"]
    assert members["secrets.json"].decode() == SECRETS
    assert members[f"attachments/{FILE}"] == b"hello"
    manifest = json.loads(members["manifest.json"])
    assert (manifest["format"], manifest["schema"]) == (1, NEWEST)
    assert manifest["createdAt"] == "2023-11-14T22:13:20.000Z"
    assert set(manifest["files"]) == {"relay.db", "secrets.json", f"attachments/{FILE}"}
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert (made.contents.users, made.contents.sessions, made.contents.attachments, made.missing) == (2, 1, 1, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "data"]


def test_a_restore_brings_every_row_and_file_back(tmp_path: Path, made: Backup) -> None:
    done = restore(settings_of(tmp_path / "new"), made.file, stamp=STAMP)
    assert done.aside is None
    assert tables(tmp_path / "new" / "relay.db") == tables(tmp_path / "data" / "relay.db")
    restored, original = picture(tmp_path / "new"), picture(tmp_path / "data")
    assert set(restored) == set(original)
    assert {name: body for name, body in restored.items() if name != "relay.db"} == {
        name: body for name, body in original.items() if name != "relay.db"
    }
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


async def test_a_backup_of_a_database_in_use_is_one_moment_of_it(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    storage = await Storage.open(settings.database_path)
    await storage.write(lambda tx: tx.execute("UPDATE user SET name = 'Renamed' WHERE id = 'user-jo'"))
    made = make_backup(settings, tmp_path / "b.tar.gz", now_ms=NOW)
    await storage.write(lambda tx: tx.execute("UPDATE user SET name = 'Later' WHERE id = 'user-jo'"))
    await storage.close()
    restore(settings_of(tmp_path / "new"), made.file, stamp=STAMP)
    assert tables(tmp_path / "new" / "relay.db")["user"][0]["name"] == "Renamed"


def test_places_outside_the_data_directory_are_backed_up_and_restored(tmp_path: Path, made: Backup) -> None:
    elsewhere = {
        "RELAY_DATABASE": str(tmp_path / "db" / "its.db"),
        "RELAY_ATTACHMENTS_DIR": str(tmp_path / "files" / "of" / "users"),
    }
    settings = settings_of(tmp_path / "new", **elsewhere)
    restore(settings, made.file, stamp=STAMP)
    assert tables(tmp_path / "db" / "its.db") == tables(tmp_path / "data" / "relay.db")
    assert (tmp_path / "files" / "of" / "users" / FILE).read_text() == "hello"
    again = make_backup(settings, tmp_path / "again.tar.gz", now_ms=NOW)
    assert list(_members(again.file)) == list(_members(made.file))


def test_an_attachment_whose_file_is_gone_is_left_out(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    (tmp_path / "data" / "attachments" / FILE).unlink()
    made = make_backup(settings, tmp_path / "b.tar.gz", now_ms=NOW)
    assert made.missing == 1
    restore(settings_of(tmp_path / "new"), made.file, stamp=STAMP)
    assert not (tmp_path / "new" / "attachments").exists()


def test_an_existing_file_is_replaced_only_on_demand(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    target = tmp_path / "b.tar.gz"
    target.write_text("precious")
    with pytest.raises(OperatorError, match="exists, --force replaces it"):
        make_backup(settings, target, now_ms=NOW)
    assert target.read_text() == "precious"
    make_backup(settings, target, now_ms=NOW, replace=True)
    assert "manifest.json" in _members(target)


def test_there_is_nothing_to_back_up_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no relay's database"):
        make_backup(settings_of(tmp_path / "data"), tmp_path / "b.tar.gz", now_ms=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_database_is_not_backed_up(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    path = settings.database_path
    body = bytearray(path.read_bytes())
    body[4096 : 4096 * 3] = b"\xff" * 4096 * 2
    path.write_bytes(body)
    with pytest.raises(OperatorError, match=r"damaged|malformed"):
        make_backup(settings, tmp_path / "b.tar.gz", now_ms=NOW)
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_directory_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    with pytest.raises(OperatorError, match=r"cannot write the backup .* No such file or directory"):
        make_backup(settings, tmp_path / "no" / "b.tar.gz", now_ms=NOW)


def test_live_data_is_refused_and_on_demand_moved_aside(tmp_path: Path, made: Backup) -> None:
    settings = fill(tmp_path / "live", 3)
    (tmp_path / "live" / "secrets.json").write_text('{"auth":"another"}')
    before = picture(tmp_path / "live")
    with pytest.raises(OperatorError, match="holds a relay's records, --force moves them aside"):
        restore(settings, made.file, stamp=STAMP)
    assert picture(tmp_path / "live") == before
    done = restore(settings, made.file, stamp=STAMP, force=True)
    assert done.aside == tmp_path / "live" / f"before-restore-{STAMP}"
    assert picture(done.aside) == before
    assert tables(tmp_path / "live" / "relay.db") == tables(tmp_path / "data" / "relay.db")
    assert (tmp_path / "live" / "secrets.json").read_text() == SECRETS


async def test_a_running_relay_is_refused(tmp_path: Path, made: Backup) -> None:
    settings = settings_of(tmp_path / "data")
    storage = await Storage.open(settings.database_path)
    before = picture(tmp_path / "data")
    with pytest.raises(OperatorError, match=r"a relay is using .*, stop it first"):
        restore(settings, made.file, stamp=STAMP, force=True)
    assert picture(tmp_path / "data") == before
    await storage.close()


def test_an_older_database_is_restored_and_upgraded_at_the_next_start(tmp_path: Path) -> None:
    made = make_backup(fill(tmp_path / "data", 2), tmp_path / "b.tar.gz", now_ms=NOW)
    done = restore(settings_of(tmp_path / "new"), made.file, stamp=STAMP)
    assert done.manifest.schema == 2
    with contextlib.closing(sqlite3.connect(tmp_path / "new" / "relay.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 2


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _cut_a_little(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-12])


def _flipped(file: Path) -> None:
    body = bytearray(file.read_bytes())
    body[len(body) // 3] ^= 0xFF
    file.write_bytes(body)


def _garbage(file: Path) -> None:
    file.write_bytes(b"\x00\x01garbage" * 5000)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _zipped_garbage(file: Path) -> None:
    file.write_bytes(gzip.compress(b"no tar at all" * 1000))


def _without_manifest(file: Path) -> None:
    members = _members(file)
    del members["manifest.json"]
    _written(file, members)


def _without_database(file: Path) -> None:
    members = _members(file)
    del members["relay.db"]
    _written(file, members)


def _other_secrets(file: Path) -> None:
    _written(file, {**_members(file), "secrets.json": b'{"auth":"evil"}\n'})


def _one_file_more(file: Path) -> None:
    members = _members(file)
    manifest = members.pop("manifest.json")
    _written(file, {**members, "attachments/more": b"x", "manifest.json": manifest})


def _after_the_end(file: Path) -> None:
    _written(file, {**_members(file), "attachments/more": b"x"})


def _manifest_of(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        members = _members(file)
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        _written(file, {**members, "manifest.json": json.dumps(manifest).encode()})

    return damage


def _named(name: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        _written(file, {name: b"evil", **_members(file)})

    return damage


def _linked(name: str, target: str, kind: bytes) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        members = _members(file)
        with tarfile.open(file, "w:gz") as tar:
            tar.addfile(entry)
            for member, body in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))

    return damage


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "damaged or cut short"),
        (_cut_a_little, "cut short|damaged"),
        (_flipped, "damaged|cut short"),
        (_garbage, "is no backup of a relay"),
        (_empty, "is no backup of a relay|cut short"),
        (_zipped_garbage, "is no backup of a relay"),
        (_without_manifest, "its manifest is missing"),
        (_without_database, "relay.db is not what was backed up"),
        (_other_secrets, "secrets.json is not what was backed up"),
        (_one_file_more, "attachments/more is not what was backed up"),
        (_after_the_end, "after its end"),
        (_manifest_of(lambda manifest: manifest.update(format=2)), "has format 2, this relay reads format 1"),
        (_manifest_of(lambda manifest: manifest.update(files=[])), "its manifest can't be read"),
        (_manifest_of(lambda manifest: manifest.pop("schema")), "its manifest can't be read"),
        (_manifest_of(lambda manifest: manifest.update(schema=3)), "its database is not the one"),
        (_manifest_of(lambda manifest: manifest.update(schema=NEWEST + 1)), "was made by a newer relay"),
        (_named("../evil"), "does not belong in one"),
        (_named("/etc/evil"), "does not belong in one"),
        (_named("attachments/../../evil"), "does not belong in one"),
        (_named("attachments/.hidden"), "does not belong in one"),
        (_named("attachments/deep/er"), "does not belong in one"),
        (_linked("attachments/link", "/etc/passwd", tarfile.SYMTYPE), "does not belong in one"),
        (_linked("attachments/link", "relay.db", tarfile.LNKTYPE), "does not belong in one|no backup"),
        (_linked("relay.db", "", tarfile.FIFOTYPE), "does not belong in one"),
    ],
)
def test_a_file_that_is_no_whole_backup_changes_nothing(
    tmp_path: Path, made: Backup, damage: Callable[[Path], None], says: str
) -> None:
    damage(made.file)
    with pytest.raises(OperatorError, match=says):
        restore(settings_of(tmp_path / "new"), made.file, stamp=STAMP)
    assert not (tmp_path / "new").exists()
    before = picture(tmp_path / "data")
    with pytest.raises(OperatorError, match=says):
        restore(settings_of(tmp_path / "data"), made.file, stamp=STAMP, force=True)
    assert picture(tmp_path / "data") == before
    assert not (tmp_path / "evil").exists()


def test_a_failure_in_the_exchange_puts_everything_back(tmp_path: Path, made: Backup) -> None:
    settings = fill(tmp_path / "live", 3)
    before = picture(tmp_path / "live")
    # Directories stand where the old database is to go, which comes last: secrets and attachments have moved by then.
    for name in ("relay.db", "4-relay.db"):
        (tmp_path / "live" / f"before-restore-{STAMP}" / name).mkdir(parents=True)
    with pytest.raises(OperatorError, match=r"nothing was changed: .* Is a directory"):
        restore(settings, made.file, stamp=STAMP, force=True)
    assert picture(tmp_path / "live") == before


def test_an_interrupted_restore_keeps_a_relay_from_starting(tmp_path: Path, made: Backup) -> None:
    check_finished(tmp_path / "data")
    (tmp_path / "data" / MARKER).write_text("/somewhere\n")
    with pytest.raises(OperatorError, match=r"interrupted: run it again with --force \(what .* is in /somewhere\)"):
        check_finished(tmp_path / "data")
    restore(settings_of(tmp_path / "data"), made.file, stamp=STAMP, force=True)
    check_finished(tmp_path / "data")


def test_a_missing_backup_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no file"):
        restore(settings_of(tmp_path / "new"), tmp_path / "none.tar.gz", stamp=STAMP)
    assert not (tmp_path / "new").exists()
