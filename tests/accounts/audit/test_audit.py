"""The audit log: what is written down, who may read it, and that it keeps its bounds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from relay.accounts.audit.log import AuditLog
from relay.accounts.audit.records import AuditEvent, AuditLimits
from relay.accounts.user_admin import UserAdmin
from relay.http.client_ip import client_ip
from relay.storage import Storage, StorageError, Transaction
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, open_house
from tests.broken import broken_table
from tests.clock import ManualClock


@pytest.fixture
async def house(storage: Storage, clock: ManualClock) -> AsyncIterator[House]:
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as opened:
        yield opened


async def logged(house: House, cookie: dict[str, str], **query: int) -> list[dict[str, object]]:
    """Answer a page of the caller's log, oldest first."""
    await house.accounts.audit.flush()
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    reply = await house.get(f"/api/audit?{asked}", cookie)
    assert reply.status == 200, reply.body
    entries = reply.json()["entries"]
    assert isinstance(entries, list)
    return entries[::-1]


async def events(house: House, cookie: dict[str, str]) -> list[object]:
    return [entry["event"] for entry in await logged(house, cookie)]


async def test_set_up_sign_ins_and_failures_are_written_down_in_order(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    assert (await house.sign_in(password="Wrong-Passw0rd")).status == 401
    await house.sign_in()
    entries = await logged(house, cookie)
    assert [entry["event"] for entry in entries] == ["setup", "sign_in", "sign_in.failed", "sign_in"]
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}
    ids = [entry["id"] for entry in entries]
    assert ids == sorted(set(map(int, map(str, ids))))


async def test_an_unknown_email_is_nobodys_entry_and_not_written_down(house: House, storage: Storage) -> None:
    await house.sign_up()
    await house.sign_in(email="my-secret-pw@example.com", password="Wrong-Passw0rd")
    await house.accounts.audit.flush()
    rows = await storage.fetch_all("SELECT * FROM audit_log WHERE event = 'sign_in.failed'")
    assert [row["user_id"] for row in rows] == [""]
    assert "my-secret" not in "".join(str(tuple(row)) for row in rows)


async def test_keys_passwords_and_revocations_are_written_down(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie, {"name": "laptop"})
    await house.auth("/api-key/update", {"keyId": key["id"], "enabled": False}, cookie)
    await house.auth("/api-key/delete", {"keyId": key["id"]}, cookie)
    other = (await house.sign_in()).cookie()
    await house.auth("/sign-out", {}, other)
    await house.sign_in()
    await house.auth("/revoke-other-sessions", {}, cookie)
    await house.auth("/change-password", {"currentPassword": PASSWORD, "newPassword": "Another-Passw0rd"}, cookie)
    entries = await logged(house, cookie)
    assert [entry["event"] for entry in entries] == [
        "setup",
        "sign_in",
        "key.created",
        "key.changed",
        "key.revoked",
        "key.revoked",
        "sign_in",
        "sign_out",
        "sign_in",
        "sessions.revoked",
        "password.changed",
    ]
    created = entries[2]
    assert created["credentialId"] == key["id"]
    assert created["details"] == {"name": "laptop"}
    assert str(key["key"]) not in str(entries)


async def test_a_key_is_news_once_per_address(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = {"x-api-key": str((await house.new_key(cookie))["key"])}
    before = len(await logged(house, cookie))
    for address in ("203.0.113.1", "203.0.113.1", "2001:db8::1", "2001:db8::2", "203.0.113.2", "203.0.113.1"):
        assert (await house.get("/api/me", {**key, "X-Forwarded-For": address})).status == 200
    news = (await logged(house, cookie))[before:]
    assert [(entry["event"], entry["address"]) for entry in news] == [
        ("key.new_address", "203.0.113.1"),
        ("key.new_address", "2001:db8::1"),
        ("key.new_address", "203.0.113.2"),
    ]


async def test_known_addresses_outlive_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        cookie = (await house.sign_up()).cookie()
        key = {"x-api-key": str((await house.new_key(cookie))["key"])}
        await house.get("/api/me", key)
        first = await events(house, cookie)
        assert first[-1] == "key.new_address"
    async with open_house(storage, clock) as house:
        await house.get("/api/me", key)
        assert await events(house, cookie) == first


async def test_a_wrong_set_up_code_is_written_down(house: House, storage: Storage) -> None:
    body = {"name": "Jo", "email": EMAIL, "password": PASSWORD, "setupCode": "WRONG"}
    reply = await house.auth("/sign-up/email", body, {"X-Forwarded-For": "203.0.113.7"})
    assert reply.status == 403
    await house.accounts.audit.flush()
    rows = await storage.fetch_all("SELECT event, address FROM audit_log")
    assert [tuple(row) for row in rows] == [("setup.failed", "203.0.113.7")]


async def test_what_the_operator_does_has_no_address(house: House, storage: Storage) -> None:
    admin = UserAdmin(house.accounts.users)
    await admin.add({"email": EMAIL, "password": PASSWORD})
    await admin.passwd({"email": EMAIL, "password": "Another-Passw0rd"})
    await admin.remove({"email": EMAIL})
    await house.accounts.audit.flush()
    rows = await storage.fetch_all("SELECT event, address FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows] == [("setup", ""), ("password.changed", ""), ("user.removed", "")]


async def test_nobody_reads_anothers_log(house: House) -> None:
    jo = (await house.sign_up()).cookie()
    bo = (await house.sign_up("bo@example.com", name="Bo")).cookie()
    assert await events(house, jo) == ["setup", "sign_in"]
    assert await events(house, bo) == ["user.added", "sign_in"]
    assert (await house.get("/api/audit")).status == 401


async def test_pages_are_whole_and_without_overlap(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    for _ in range(7):
        await house.sign_in()
    await house.accounts.audit.flush()
    seen: list[object] = []
    query = "?limit=4"
    pages = 0
    while True:
        page = (await house.get(f"/api/audit{query}", cookie)).json()
        entries = page["entries"]
        assert isinstance(entries, list)
        assert 0 < len(entries) <= 4
        seen += [entry["id"] for entry in entries]
        pages += 1
        if page["nextBefore"] is None:
            break
        query = f"?limit=4&before={page['nextBefore']}"
    assert pages == 3
    assert len(seen) == 9
    assert seen == sorted(set(map(int, map(str, seen))), reverse=True)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "before=0", "before=1e3", "before=²"])
async def test_a_bad_page_is_refused(house: House, query: str) -> None:
    cookie = (await house.sign_up()).cookie()
    assert (await house.get(f"/api/audit?{query}", cookie)).status == 400


async def test_entries_are_never_changed(house: House, storage: Storage) -> None:
    await house.sign_up()
    await house.accounts.audit.flush()

    async def change(tx: Transaction) -> None:
        await tx.execute("UPDATE audit_log SET address = 'nowhere'")

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        await storage.write(change)


async def test_old_and_superfluous_entries_go(storage: Storage, clock: ManualClock) -> None:
    audit = AuditLog(storage, clock, AuditLimits(retention=100, entries=3, sweep_every=0))
    audit.note(AuditEvent.SIGN_IN, "old")
    clock.advance(101)
    for number in range(5):
        audit.note(AuditEvent.SIGN_IN, f"new{number}")
    await audit.flush()
    await audit.sweep()
    rows = await storage.fetch_all("SELECT user_id FROM audit_log ORDER BY id")
    assert [row["user_id"] for row in rows] == ["new2", "new3", "new4"]
    await audit.close()


async def test_a_flood_is_counted_and_not_kept(storage: Storage, clock: ManualClock) -> None:
    audit = AuditLog(storage, clock, AuditLimits(waiting=10))
    for _ in range(25):
        audit.note(AuditEvent.SIGN_IN_FAILED)
    assert audit.waiting == 10
    assert audit.dropped == 15
    await audit.close()
    rows = await storage.fetch_all("SELECT id FROM audit_log")
    assert len(rows) == 10


async def test_the_addresses_of_a_key_are_bounded(storage: Storage, clock: ManualClock) -> None:
    audit = AuditLog(storage, clock, AuditLimits(addresses=8, waiting=10_000))
    for number in range(1000):
        client_ip.set(f"10.0.{number // 250}.{number % 250}")
        audit.key_used("k", "u")
    assert all(len(known) <= 9 for known in audit._known.values())
    await audit.close()


async def test_entries_are_stored_behind_the_request_and_survive_a_failing_database(
    storage: Storage, clock: ManualClock, tmp_path: Path
) -> None:
    audit = AuditLog(storage, clock, AuditLimits(behind=0.01))
    async with broken_table(tmp_path / "data" / "relay.db", "audit_log"):
        audit.note(AuditEvent.SIGN_IN, "u")
        with pytest.raises(StorageError):
            await audit.flush()
        assert audit.waiting == 1
    async with asyncio.timeout(20):
        while audit.waiting:
            await asyncio.sleep(0.01)
    rows = await storage.fetch_all("SELECT user_id FROM audit_log")
    assert [row["user_id"] for row in rows] == ["u"]
    await audit.close()
