"""Mobile links: rest-account.md 6, 1.5, and line 11 of its acceptance checks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from relay.storage import Storage, Transaction
from tests.accounts.house import CONFIG, PASSWORD, House, Reply, open_house
from tests.clock import ManualClock

APP = {"Origin": "capacitor://localhost"}
UNKNOWN = (404, {"error": "Unknown or expired mobile link"})
NOT_READY = (410, {"error": "Mobile link not found, expired, or not ready"})
BAD_CODE = (400, {"error": "verificationToken must be 6 uppercase letters/digits"})
NO_LINK = "0" * 64


@pytest.fixture
async def house(storage: Storage, clock: ManualClock) -> AsyncIterator[House]:
    """A server with accounts that anybody may make."""
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as opened:
        yield opened


@pytest.fixture
async def cookie(house: House) -> dict[str, str]:
    """The headers of a signed-in browser."""
    return (await house.sign_up()).cookie()


def said(reply: Reply) -> tuple[int, dict[str, object]]:
    return reply.status, reply.json()


async def create(house: House, cookie: dict[str, str]) -> str:
    reply = await house.post("/api/mobile-link", {"relayUrl": " http://relay.example "}, cookie)
    assert reply.status == 200, reply.body
    return str(reply.json()["id"])


async def scan(house: House, link: str, code: str = "ABC123", **more: object) -> Reply:
    return await house.post(f"/api/mobile-link/{link}/scan", {"verificationToken": code, **more}, APP)


async def approve(house: House, link: str, headers: dict[str, str], code: str = "ABC123") -> Reply:
    return await house.post(f"/api/mobile-link/{link}/approve", {"verificationToken": code}, headers)


async def redeem(house: House, link: str) -> Reply:
    return await house.ask("POST", f"/api/mobile-link/{link}/redeem", headers=APP)


async def status(house: House, link: str) -> object:
    return (await house.get(f"/api/mobile-link/{link}")).json()["status"]


async def test_the_way_of_a_link(house: House, cookie: dict[str, str]) -> None:
    made = await house.post("/api/mobile-link", {"relayUrl": " http://relay.example "}, cookie)
    body = made.json()
    link = str(body["id"])
    assert re.fullmatch(r"[0-9a-f]{64}", link)
    start = {"id": link, "status": "pending", "relayUrl": "http://relay.example"}
    end = {"expiresAt": "2026-01-01T00:10:00.000Z"}
    assert said(made) == (200, {**start, **end})
    assert said(await house.get(f"/api/mobile-link/{link}")) == (200, {**start, **end})

    sent = {"verificationToken": "ABC123", "deviceName": "Phone", "scannedUrl": "http://relay.example/m"}
    scanned = {**start, "status": "scanned", **sent, **end}
    reply = await scan(house, link, " ABC123 ", deviceName=" Phone ", scannedUrl="http://relay.example/m")
    assert said(reply) == (200, scanned)

    approved = {**scanned, "status": "approved"}
    assert said(await approve(house, link, cookie)) == (200, approved)
    assert said(await house.get(f"/api/mobile-link/{link}")) == (200, approved)

    status_, redeemed = said(await redeem(house, link))
    key = str(redeemed.pop("apiKey"))
    assert (status_, redeemed) == (200, approved)
    assert said(await house.get(f"/api/mobile-link/{link}")) == (200, approved)
    assert (await house.get("/api/me", {"x-api-key": key})).status == 200
    (row,) = (await house.get("/api/auth/api-key/list", cookie)).items()
    assert row["name"] == f"mobile-link-{link[:8]}"
    assert row["expiresAt"] == "2026-04-01T00:00:00.000Z"
    assert row["start"] == key[:16]


async def test_account_11_the_first_scan_counts_the_code_must_be_its_and_the_key_comes_once(
    house: House, cookie: dict[str, str]
) -> None:
    link = await create(house, cookie)
    first = await scan(house, link, "AAAAAA")
    second = await scan(house, link, "BBBBBB", deviceName="evil")
    assert said(second) == said(first)
    assert second.json()["verificationToken"] == "AAAAAA"
    assert second.json()["deviceName"] == second.json()["scannedUrl"] == ""
    assert said(await approve(house, link, cookie, "BBBBBB")) == NOT_READY
    assert (await approve(house, link, cookie, "AAAAAA")).status == 200
    assert (await redeem(house, link)).status == 200
    assert said(await redeem(house, link)) == (410, {"error": "Mobile link already redeemed"})


async def test_races_have_one_winner(house: House, cookie: dict[str, str]) -> None:
    link = await create(house, cookie)
    scans = await asyncio.gather(*(scan(house, link, f"CODE0{digit}") for digit in range(8)))
    assert {reply.status for reply in scans} == {200}
    codes = {str(reply.json()["verificationToken"]) for reply in scans}
    assert len(codes) == 1
    approvals = await asyncio.gather(*(approve(house, link, cookie, min(codes)) for _ in range(8)))
    assert sorted(reply.status for reply in approvals) == [200, *[410] * 7]
    redeems = await asyncio.gather(*(redeem(house, link) for _ in range(8)))
    assert sorted(reply.status for reply in redeems) == [200, *[410] * 7]
    assert len((await house.get("/api/auth/api-key/list", cookie)).items()) == 1


async def test_what_is_not_ready_is_neither_approved_nor_redeemed(house: House, cookie: dict[str, str]) -> None:
    link = await create(house, cookie)
    not_approved = (410, {"error": "Mobile link not approved"})
    assert said(await approve(house, link, cookie)) == NOT_READY
    assert said(await redeem(house, link)) == not_approved
    await scan(house, link)
    assert said(await redeem(house, link)) == not_approved
    stranger = (await house.sign_up("al@example.com", PASSWORD, "Al")).cookie()
    assert said(await approve(house, link, stranger)) == NOT_READY
    assert said(await approve(house, NO_LINK, cookie)) == NOT_READY
    assert (await approve(house, link, {})).status == 401
    assert (await approve(house, link, {**cookie, "Origin": "https://evil.example"})).status == 403
    assert await status(house, link) == "scanned"


async def test_unknown_links(house: House) -> None:
    for link in (NO_LINK, "x"):
        assert said(await house.get(f"/api/mobile-link/{link}")) == UNKNOWN
        assert said(await scan(house, link)) == UNKNOWN
        assert said(await redeem(house, link)) == UNKNOWN


async def test_made_up_ids_do_not_keep_the_writer_busy(house: House, storage: Storage) -> None:
    writing, done = asyncio.Event(), asyncio.Event()

    async def hold(_tx: Transaction) -> None:
        writing.set()
        await done.wait()

    held = asyncio.create_task(storage.write(hold))
    await writing.wait()
    try:
        async with asyncio.timeout(5):
            assert said(await scan(house, NO_LINK)) == UNKNOWN
            assert said(await redeem(house, NO_LINK)) == UNKNOWN
    finally:
        done.set()
        await held


@pytest.mark.parametrize("code", ["abc123", "ABC12", "ABC1234", "ABC12!", "", "ÄBC123", None, 123456])
async def test_a_code_is_six_capitals_or_digits(house: House, cookie: dict[str, str], code: object) -> None:
    link = await create(house, cookie)
    body = {"verificationToken": code}
    assert said(await house.post(f"/api/mobile-link/{link}/scan", body)) == BAD_CODE
    assert said(await house.post(f"/api/mobile-link/{link}/approve", body, cookie)) == BAD_CODE


async def test_a_body_that_is_no_json_has_no_code(house: House, cookie: dict[str, str]) -> None:
    link = await create(house, cookie)
    for action, headers in (("scan", {}), ("approve", cookie)):
        reply = await house.ask("POST", f"/api/mobile-link/{link}/{action}", headers=headers, data=b"{")
        assert said(reply) == BAD_CODE
    reply = await house.ask("POST", "/api/mobile-link", headers=cookie, data=b"{")
    assert said(reply) == (400, {"error": "Missing required field: relayUrl"})
    assert (await house.post("/api/mobile-link", {"relayUrl": "http://x"})).status == 401


async def test_a_link_expires_unless_it_is_approved(house: House, cookie: dict[str, str], clock: ManualClock) -> None:
    pending, scanned, approved = [await create(house, cookie) for _ in range(3)]
    await scan(house, scanned)
    await scan(house, approved)
    assert (await approve(house, approved, cookie)).status == 200
    clock.advance(600)
    assert [await status(house, link) for link in (pending, scanned, approved)] == ["expired", "expired", "approved"]
    reply = await scan(house, pending)
    assert (reply.status, reply.json()["status"]) == (200, "expired")
    assert "verificationToken" not in reply.json()
    assert said(await approve(house, scanned, cookie)) == NOT_READY
    assert (await redeem(house, approved)).status == 200


async def test_the_sweep_forgets_links_and_revokes_keys_that_nobody_fetched(
    house: House, cookie: dict[str, str], clock: ManualClock
) -> None:
    used, unused = [await create(house, cookie) for _ in range(2)]
    for link in (used, unused):
        await scan(house, link)
        assert (await approve(house, link, cookie)).status == 200
    assert (await redeem(house, used)).status == 200
    clock.advance(600 + 3599)
    await house.accounts.mobile_links.sweep()
    assert await status(house, unused) == "approved"
    clock.advance(1)
    await house.accounts.mobile_links.sweep()
    for link in (used, unused):
        assert said(await house.get(f"/api/mobile-link/{link}")) == UNKNOWN
    (left,) = (await house.get("/api/auth/api-key/list", cookie)).items()
    assert left["name"] == f"mobile-link-{used[:8]}"
    assert len(house.revoked) == 1


async def test_a_key_approves_none_that_outlives_it(house: House, cookie: dict[str, str]) -> None:
    made = await house.new_key(cookie, {"name": "mine", "expiresIn": 86_400})
    link = await create(house, cookie)
    await scan(house, link)
    assert (await approve(house, link, {"x-api-key": str(made["key"])})).status == 200
    (minted,) = [
        key
        for key in (await house.get("/api/auth/api-key/list", cookie)).items()
        if str(key["name"]).startswith("mobile-link-")
    ]
    assert minted["expiresAt"] == made["expiresAt"]


async def test_a_restart_loses_nothing(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        cookie = (await house.sign_up()).cookie()
        link = await create(house, cookie)
        await scan(house, link)
        assert (await approve(house, link, cookie)).status == 200
    async with open_house(storage, clock) as house:
        key = str((await redeem(house, link)).json()["apiKey"])
        assert (await house.get("/api/me", {"x-api-key": key})).status == 200


async def test_one_user_makes_thirty_links_in_a_quarter_of_an_hour(
    house: House, cookie: dict[str, str], clock: ManualClock
) -> None:
    for _ in range(30):
        await create(house, cookie)
    reply = await house.post("/api/mobile-link", {"relayUrl": "http://x"}, cookie)
    assert reply.status == 429
    assert "Retry-After" in reply.headers
    clock.advance(901)
    await create(house, cookie)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("capacitor://localhost", "capacitor://localhost"),
        ("http://localhost", "http://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("null", "null"),
        ("https://two.example", "https://two.example"),
        ("https://evil.example", "https://one.example"),
        (None, "https://one.example"),
        ("own", "own"),
    ],
)
async def test_pages_of_the_app_may_read_what_the_phone_calls(
    storage: Storage, clock: ManualClock, origin: str | None, allowed: str
) -> None:
    trusted = ("https://one.example", "https://two.example")
    async with open_house(storage, clock, trusted_origins=trusted) as house:
        cookie = (await house.sign_up()).cookie()
        link = await create(house, cookie)
        headers = {} if origin is None else {"Origin": house.url if origin == "own" else origin}
        code = {"verificationToken": "ABC123"}
        replies = [
            await house.get(f"/api/mobile-link/{link}", headers),
            await house.get(f"/api/mobile-link/{NO_LINK}", headers),
            await house.post(f"/api/mobile-link/{link}/scan", {}, headers),
            await house.post(f"/api/mobile-link/{link}/scan", code, headers),
            await house.ask("POST", f"/api/mobile-link/{link}/redeem", headers=headers),
            await house.ask("OPTIONS", f"/api/mobile-link/{link}/scan", headers=headers),
            await house.ask("OPTIONS", "/api/mobile-link/", headers=headers),
        ]
        assert [reply.status for reply in replies] == [200, 404, 400, 200, 410, 204, 204]
        for reply in replies:
            expected = house.url if allowed == "own" else allowed
            assert reply.headers["Access-Control-Allow-Origin"] == expected
            assert reply.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
            assert reply.headers["Access-Control-Allow-Headers"] == "Content-Type"
            assert reply.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in reply.headers
        closed = await approve(house, link, {**cookie, **house.origin})
        assert "Access-Control-Allow-Origin" not in closed.headers


async def test_without_configured_origins_anybody_may_read(house: House) -> None:
    reply = await house.get(f"/api/mobile-link/{NO_LINK}", {"Origin": "https://evil.example"})
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
