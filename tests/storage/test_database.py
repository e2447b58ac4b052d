"""The storage: transactions, cancellation, one process, migrations from every version."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.storage import DatabaseInUse, Migration, NewerDatabase, Storage, StorageError, Transaction, load_migrations


async def _set(storage: Storage, name: str, value: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO installation (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    await storage.write(work)


async def _get(storage: Storage, name: str) -> str | None:
    row = await storage.fetch_one("SELECT value FROM installation WHERE name = ?", (name,))
    return None if row is None else str(row["value"])


async def test_a_write_is_seen_by_the_next_read(storage: Storage) -> None:
    await _set(storage, "a", "1")
    assert await _get(storage, "a") == "1"


async def test_an_exception_rolls_the_whole_transaction_back(storage: Storage) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO installation (name, value) VALUES ('b', '1')")
        raise LookupError("stop")

    with pytest.raises(LookupError):
        await storage.write(work)
    assert await _get(storage, "b") is None
    await _set(storage, "b", "2")
    assert await _get(storage, "b") == "2"


async def test_a_cancelled_caller_does_not_break_the_transaction(storage: Storage) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO installation (name, value) VALUES ('c', '1')")
        entered.set()
        await go_on.wait()
        await tx.execute("INSERT INTO installation (name, value) VALUES ('d', '1')")

    caller = asyncio.ensure_future(storage.write(work))
    await entered.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await _set(storage, "e", "1")
    assert [await _get(storage, name) for name in "cde"] == ["1", "1", "1"]


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(["write", "cancel", "fail"]), st.integers(0, 4)), max_size=12))
def test_requests_cancelled_at_any_await_never_lose_a_committed_write(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    async def scenario() -> None:
        storage = await Storage.open(tmp_path_factory.mktemp("db") / "relay.db")
        try:
            expected = {}
            for index, (kind, turns) in enumerate(steps):
                name = f"k{index}"

                async def work(tx: Transaction, name: str = name, kind: str = kind) -> None:
                    await tx.execute("INSERT INTO installation (name, value) VALUES (?, '1')", (name,))
                    if kind == "fail":
                        raise LookupError(name)
                    await tx.execute("UPDATE installation SET value = '2' WHERE name = ?", (name,))

                caller = asyncio.ensure_future(storage.write(work))
                if kind == "cancel":
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    caller.cancel()
                outcome = (await asyncio.gather(caller, return_exceptions=True))[0]
                if kind == "write":
                    assert outcome is None
                    expected[name] = "2"
            await _set(storage, "last", "1")
            for name, value in expected.items():
                assert await _get(storage, name) == value
            rows = await storage.fetch_all("SELECT value FROM installation WHERE name LIKE 'k%'")
            assert {str(row["value"]) for row in rows} <= {"2"}
        finally:
            await storage.close()

    asyncio.run(scenario())


async def test_writes_run_one_at_a_time_in_the_order_asked(storage: Storage) -> None:
    order: list[str] = []

    async def step(name: str, tx: Transaction) -> None:
        order.append(f"{name} in")
        await tx.execute("INSERT INTO installation (name, value) VALUES (?, '1')", (name,))
        await asyncio.sleep(0)
        order.append(f"{name} out")

    await asyncio.gather(*(storage.write(partial(step, name)) for name in "xyz"))
    assert order == ["x in", "x out", "y in", "y out", "z in", "z out"]


async def test_the_reader_cannot_write(storage: Storage) -> None:
    with pytest.raises(StorageError, match="refused a read"):
        await storage.fetch_all("DELETE FROM installation RETURNING name")


async def test_foreign_keys_are_enforced(storage: Storage) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO user_preference VALUES ('nobody', 'k', 'v', 't')")

    with pytest.raises(sqlite3.IntegrityError):
        await storage.write(work)


async def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    first = await Storage.open(tmp_path / "relay.db")
    with pytest.raises(DatabaseInUse):
        await Storage.open(tmp_path / "relay.db")
    await first.close()
    second = await Storage.open(tmp_path / "relay.db")
    await second.close()


async def test_files_are_private(tmp_path: Path) -> None:
    storage = await Storage.open(tmp_path / "data" / "relay.db")
    await _set(storage, "a", "1")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in (tmp_path / "data").iterdir()}
    assert "relay.db-wal" in modes
    assert set(modes.values()) == {0o600}
    await storage.close()


async def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_bytes(b"not a database at all, but long enough to be read as one" * 10)
    with pytest.raises(StorageError, match="cannot open the database"):
        await Storage.open(tmp_path / "relay.db")


async def test_after_close_every_call_is_refused(tmp_path: Path) -> None:
    storage = await Storage.open(tmp_path / "relay.db")
    await storage.close()
    with pytest.raises(StorageError):
        await _set(storage, "a", "1")
    with pytest.raises(StorageError):
        await _get(storage, "a")


@pytest.mark.parametrize("version", range(len(load_migrations()) + 1))
async def test_every_older_version_migrates_to_the_newest(tmp_path: Path, version: int) -> None:
    migrations = load_migrations()
    (await _opened(tmp_path, migrations[:version])).close()
    storage = await Storage.open(tmp_path / "relay.db")
    fresh = await Storage.open(tmp_path / "fresh.db")
    query = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    migrated = [tuple(row) for row in await storage.fetch_all(query)]
    assert migrated == [tuple(row) for row in await fresh.fetch_all(query)]
    await storage.close()
    await fresh.close()


async def _opened(folder: Path, migrations: list[Migration]) -> sqlite3.Connection:
    storage = await Storage.open(folder / "relay.db", migrations)
    await storage.close()
    return sqlite3.connect(folder / "relay.db")


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    connection = await _opened(tmp_path, load_migrations())
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    with pytest.raises(NewerDatabase):
        await Storage.open(tmp_path / "relay.db")
    connection = sqlite3.connect(tmp_path / "relay.db")
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 9999
    connection.close()


async def test_a_failing_migration_leaves_the_version_before_it(tmp_path: Path) -> None:
    good = Migration(1, "one", "CREATE TABLE one (a)")
    bad = Migration(2, "two", "CREATE TABLE two (a); CREATE TABLE one (a)")
    with pytest.raises(StorageError):
        await Storage.open(tmp_path / "relay.db", [good, bad])
    connection = sqlite3.connect(tmp_path / "relay.db")
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == ["one"]
    connection.close()
