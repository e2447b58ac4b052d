"""Recent folders per user and runner (rest-runners.md 10.3)."""

from __future__ import annotations

import pytest

from relay.runners.folders import RecentFolders
from relay.runners.store import RunnerStore
from relay.storage import Storage, Transaction
from tests.clock import ManualClock


@pytest.fixture
async def folders(storage: Storage, clock: ManualClock) -> RecentFolders:
    async def insert(tx: Transaction) -> None:
        for user in ("ann", "bob"):
            await tx.execute(
                "INSERT INTO user (id, name, email, created_at, updated_at) VALUES (?, ?, ?, '', '')", (user,) * 3
            )

    await storage.write(insert)
    return RecentFolders(RunnerStore(storage), clock)


async def use(folders: RecentFolders, clock: ManualClock, *paths: str) -> None:
    for path in paths:
        clock.advance(1)
        await folders.record("ann", "r1", path)


async def test_the_most_used_come_first_then_the_most_recent(folders: RecentFolders, clock: ManualClock) -> None:
    await use(folders, clock, "/a", "/b", "/c", "/a", "/d")
    assert await folders.list("ann", "r1") == ["/a", "/d", "/c", "/b"]


async def test_users_and_runners_are_apart(folders: RecentFolders, clock: ManualClock) -> None:
    await use(folders, clock, "/a")
    await folders.record("bob", "r1", "/bob")
    await folders.record("ann", "r2", "/other")
    assert await folders.list("ann", "r1") == ["/a"]
    assert await folders.list("bob", "r1") == ["/bob"]
    assert await folders.delete("bob", "r1", "/a") is False
    assert await folders.list("ann", "r1") == ["/a"]


@pytest.mark.parametrize("path", ["", "   ", "/x" * 3000, "/\ud83d"])
async def test_a_blank_or_impossible_path_is_ignored(folders: RecentFolders, clock: ManualClock, path: str) -> None:
    await use(folders, clock, path)
    assert await folders.list("ann", "r1") == []
    assert await folders.delete("ann", "r1", path) is False


async def test_a_path_is_trimmed(folders: RecentFolders, clock: ManualClock) -> None:
    await use(folders, clock, " /a ", "/a")
    assert await folders.list("ann", "r1") == ["/a"]


async def test_fifty_are_kept_and_the_newcomer_is_never_the_one_that_goes(
    folders: RecentFolders, clock: ManualClock, storage: Storage
) -> None:
    often = [f"/{number}" for number in range(50)]
    await use(folders, clock, *often, *often)
    await use(folders, clock, "/new")
    listed = await folders.list("ann", "r1")
    assert len(listed) == 50
    assert listed[-1] == "/new"
    # The least recently used of the equally used ones had to go.
    assert "/0" not in listed
    row = await storage.fetch_one("SELECT count(*) FROM runner_recent_folder")
    assert row is not None
    assert row[0] == 50
