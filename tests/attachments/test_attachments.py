"""How long attachments live, and that their files and rows go together (rest-account.md 9.6)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from relay.attachments.attachments import Attachments, Image
from relay.attachments.names import extracted_name
from relay.storage import Storage, Transaction
from tests.clock import ManualClock

HOUR = 3600.0


@pytest.fixture
async def attachments(storage: Storage, clock: ManualClock, tmp_path: Path) -> Attachments:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO user (id, name, email, created_at, updated_at) VALUES ('ann', '', '', '', '')")

    await storage.write(work)
    return Attachments(storage, tmp_path / "files", clock)


async def keep(attachments: Attachments, name: str, session_id: str) -> Path:
    image = Image(name, "image/png", 4)
    attachments.files.write(extracted_name(name, "image/png"), b"abcd")
    await attachments.keep_images("ann", session_id, [image])
    return attachments.files.directory / extracted_name(name, "image/png")


async def session_row(storage: Storage, session_id: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO relay_session (id, user_id, cwd, share_url, started_at, last_active_at)"
            " VALUES (?, 'ann', '', '', '', '')",
            (session_id,),
        )

    await storage.write(work)


async def drop_rows(storage: Storage, *session_ids: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.executemany("DELETE FROM relay_session WHERE id = ?", [(one,) for one in session_ids])

    await storage.write(work)


async def test_an_attachment_without_a_kept_session_lives_a_day(
    attachments: Attachments, clock: ManualClock, storage: Storage
) -> None:
    path = await keep(attachments, "a", "s1")
    clock.advance(23 * HOUR)
    await attachments.sweep()
    assert await attachments.get("a") is not None
    clock.advance(2 * HOUR)
    assert await attachments.get("a") is None
    await attachments.sweep()
    assert not path.exists()
    assert await storage.fetch_all("SELECT * FROM attachment") == []


async def test_nothing_expires_while_the_row_of_its_session_is_kept(
    attachments: Attachments, clock: ManualClock, storage: Storage
) -> None:
    await session_row(storage, "s1")
    path = await keep(attachments, "a", "s1")
    clock.advance(1000 * HOUR)
    await attachments.sweep()
    assert await attachments.get("a") is not None
    assert path.exists()


async def test_what_is_shared_goes_with_the_last_kept_session(attachments: Attachments, storage: Storage) -> None:
    for session_id in ("s1", "s2"):
        await session_row(storage, session_id)
        path = await keep(attachments, "a", session_id)
    await drop_rows(storage, "s1")
    await attachments.forget_sessions(["s1"])
    assert path.exists()
    await drop_rows(storage, "s2")
    await attachments.forget_sessions(["s2"])
    assert not path.exists()
    assert await attachments.get("a") is None
    assert await storage.fetch_all("SELECT * FROM attachment_session") == []


async def test_a_start_drops_rows_without_their_file_and_keeps_the_others(
    attachments: Attachments, storage: Storage, clock: ManualClock, tmp_path: Path
) -> None:
    gone, short = await keep(attachments, "gone", "s1"), await keep(attachments, "short", "s1")
    await keep(attachments, "kept", "s1")
    gone.unlink()
    short.write_bytes(b"ab")
    for left in (".x.part", "extracted-unknown.png"):
        (tmp_path / "files" / left).write_bytes(b"half")
    fresh = Attachments(storage, tmp_path / "files", clock)
    await fresh.load()
    rows = await storage.fetch_all("SELECT attachment_id FROM attachment")
    assert [row["attachment_id"] for row in rows] == ["kept"]
    assert {path.name for path in (tmp_path / "files").iterdir()} == {"extracted-kept.png", "extracted-short.png"}


async def test_a_start_without_a_directory_is_fine(attachments: Attachments, tmp_path: Path) -> None:
    await attachments.load()
    assert not (tmp_path / "files").exists()


async def test_files_are_private(attachments: Attachments) -> None:
    path = await keep(attachments, "a", "s1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_an_image_used_again_lives_a_day_longer(
    attachments: Attachments, clock: ManualClock, storage: Storage
) -> None:
    await keep(attachments, "a", "s1")
    clock.advance(20 * HOUR)
    await keep(attachments, "a", "s1")
    clock.advance(20 * HOUR)
    assert await attachments.get("a") is not None
    assert len(await storage.fetch_all("SELECT * FROM attachment")) == 1


async def test_an_image_whose_file_vanished_is_not_noted(attachments: Attachments, storage: Storage) -> None:
    with pytest.raises(OSError, match="dropped"):
        await attachments.keep_images("ann", "s1", [Image("a", "image/png", 4)])
    assert await storage.fetch_all("SELECT * FROM attachment") == []


async def test_an_image_that_came_back_before_its_file_was_deleted_keeps_it(
    attachments: Attachments, storage: Storage
) -> None:
    path = await keep(attachments, "a", "s1")

    async def delete(tx: Transaction) -> None:
        await tx.execute("DELETE FROM attachment")

    await storage.write(delete)
    await keep(attachments, "a", "s2")
    await attachments.sweep()
    assert path.exists()
    await storage.write(delete)
    await attachments.sweep()
    assert not path.exists()


async def test_an_image_swept_away_is_stored_again(attachments: Attachments, clock: ManualClock) -> None:
    await keep(attachments, "a", "s1")
    clock.advance(25 * HOUR)
    await attachments.sweep()
    path = await keep(attachments, "a", "s1")
    assert path.exists()
    assert await attachments.get("a") is not None
