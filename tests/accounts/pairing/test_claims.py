"""Setup claims: rest-account.md 5, 1.5, and lines 9 and 10 of its acceptance checks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from relay.accounts.limits import PairingLimits
from relay.accounts.pairing.claims import clean_label
from relay.storage import Storage
from tests.accounts.house import CONFIG, SECRET, House, open_house, with_limits
from tests.clock import ManualClock

DAY = 86_400
WHERE = {"relayUrl": "http://relay.example"}
GONE = {"error": "Claim not found, expired, or already processed"}
UNKNOWN = {"error": "Unknown or expired claim"}


@pytest.fixture
async def house(storage: Storage, clock: ManualClock) -> AsyncIterator[House]:
    """A server with accounts."""
    async with open_house(storage, clock) as opened:
        yield opened


@pytest.fixture
async def cookie(house: House) -> dict[str, str]:
    """The headers of a signed-in browser."""
    return (await house.sign_up()).cookie()


async def create(house: House, **body: object) -> str:
    reply = await house.post("/api/setup-claim", {**WHERE, **body})
    assert reply.status == 200, reply.body
    return str(reply.json()["token"])


async def approve(house: House, token: str, headers: dict[str, str]) -> int:
    return (await house.ask("POST", f"/api/setup-claim/{token}/approve", headers=headers)).status


async def poll(house: House, token: str) -> dict[str, object]:
    reply = await house.get(f"/api/setup-claim/{token}")
    assert reply.status == 200, reply.body
    return reply.json()


async def info(house: House, token: str) -> dict[str, object]:
    reply = await house.get(f"/api/setup-claim-info/{token}")
    assert reply.status == 200, reply.body
    return reply.json()


async def keys(house: House, cookie: dict[str, str]) -> list[dict[str, object]]:
    return (await house.get("/api/auth/api-key/list", {**house.origin, **cookie})).items()


async def works(house: House, key: object) -> bool:
    return (await house.get("/api/me", {"x-api-key": str(key)})).status == 200


async def test_account_09_a_claim_is_made_shown_approved_and_redeemed_once(
    house: House, cookie: dict[str, str]
) -> None:
    reply = await house.post("/api/setup-claim", {"relayUrl": "  http://relay.example ", "label": "box"})
    assert reply.status == 200
    assert set(reply.json()) == {"token", "expiresAt"}
    assert reply.json()["expiresAt"] == "2026-01-01T00:10:00.000Z"
    token = str(reply.json()["token"])
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert await poll(house, token) == {"status": "pending", "relayUrl": "http://relay.example", "label": "box"}
    assert await info(house, token) == {"status": "pending", "label": "box"}

    approved = await house.ask("POST", f"/api/setup-claim/{token}/approve", headers=cookie)
    assert (approved.status, approved.json()) == (200, {"ok": True})
    assert await info(house, token) == {"status": "approved", "label": "box"}

    both = await asyncio.gather(poll(house, token), poll(house, token))
    winners = [state for state in both if "apiKey" in state]
    losers = [state for state in both if "apiKey" not in state]
    assert len(winners) == len(losers) == 1
    assert winners[0]["status"] == "approved"
    assert losers[0] == {"status": "redeemed", "relayUrl": "http://relay.example", "label": "box"}
    assert await poll(house, token) == losers[0]
    assert await info(house, token) == {"status": "redeemed", "label": "box"}
    again = await house.ask("POST", f"/api/setup-claim/{token}/approve", headers=cookie)
    assert (again.status, again.json()) == (410, GONE)
    assert await works(house, winners[0]["apiKey"])


async def test_account_10_a_label_is_cleaned_and_names_the_key(house: House, cookie: dict[str, str]) -> None:
    token = await create(house, label="<b>x</b> 1")
    assert (await info(house, token))["label"] == "bxb 1"
    assert await approve(house, token, cookie) == 200
    (key,) = await keys(house, cookie)
    assert key["name"] == "runner-bxb 1"
    assert key["prefix"] == "pk_live_"
    assert key["expiresAt"] == "2027-01-01T00:00:00.000Z"
    assert (key["enabled"], key["requestCount"], key["rateLimitEnabled"]) == (True, 0, False)
    raw = str((await poll(house, token))["apiKey"])
    assert re.fullmatch(r"pk_live_[0-9a-f]{64}", raw)
    assert key["start"] == raw[:16]


@pytest.mark.parametrize(
    ("label", "clean"),
    [
        (" a b ", "a b"),
        ("x" * 100, "x" * 64),
        ("y" * 63 + " z", "y" * 63),
        ("Büro_1.2-3", "Bro_1.2-3"),
        ("<>", None),
        ("  ", None),
        (7, None),
        (None, None),
    ],
)
def test_labels(label: object, clean: str | None) -> None:
    assert clean_label(label) == clean


async def test_without_a_label_there_is_no_field_and_the_token_names_the_key(
    house: House, cookie: dict[str, str]
) -> None:
    token = await create(house, label="!!")
    assert await poll(house, token) == {"status": "pending", "relayUrl": "http://relay.example"}
    assert await info(house, token) == {"status": "pending"}
    assert await approve(house, token, cookie) == 200
    (key,) = await keys(house, cookie)
    assert key["name"] == f"setup-claim-{token[:8]}"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"relayUrl": 1}', b'{"relayUrl": "  "}'])
async def test_a_claim_needs_an_address(house: House, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await house.ask("POST", "/api/setup-claim", headers=headers, data=body)
    assert (reply.status, reply.json()) == (400, {"error": "Missing required field: relayUrl"})


async def test_an_address_without_end_is_refused(house: House) -> None:
    reply = await house.post("/api/setup-claim", {"relayUrl": "x" * 2049})
    assert (reply.status, reply.json()) == (400, {"error": "relayUrl is too long"})


async def test_unknown_and_missing_tokens(house: House, cookie: dict[str, str]) -> None:
    for token in ("0" * 64, "x", "A" * 64):
        for path in ("/api/setup-claim/", "/api/setup-claim-info/"):
            reply = await house.get(path + token)
            assert (reply.status, reply.json()) == (404, UNKNOWN)
        reply = await house.ask("POST", f"/api/setup-claim/{token}/approve", headers=cookie)
        assert (reply.status, reply.json()) == (410, GONE)
    for path in ("/api/setup-claim/", "/api/setup-claim-info/"):
        reply = await house.get(path)
        assert (reply.status, reply.json()) == (400, {"error": "Missing claim token"})


async def test_a_longer_path_redeems_nothing(house: House, cookie: dict[str, str]) -> None:
    token = await create(house)
    assert await approve(house, token, cookie) == 200
    assert (await house.get(f"/api/setup-claim/{token}/info")).status == 404
    assert "apiKey" in await poll(house, token)


async def test_of_many_approvals_at_once_one_wins_and_one_key_is_left(house: House, cookie: dict[str, str]) -> None:
    token = await create(house)
    statuses = await asyncio.gather(*(approve(house, token, cookie) for _ in range(8)))
    assert sorted(statuses) == [200, *[410] * 7]
    assert len(await keys(house, cookie)) == 1


async def test_only_somebody_who_is_signed_in_approves(house: House, cookie: dict[str, str]) -> None:
    token = await create(house)
    assert await approve(house, token, {}) == 401
    assert await approve(house, token, {"x-api-key": "wrong", **cookie}) == 401
    assert await approve(house, token, {**cookie, "Origin": "https://evil.example"}) == 403
    assert (await info(house, token))["status"] == "pending"
    assert await approve(house, token, {**cookie, **house.origin}) == 200


@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
@pytest.mark.parametrize("lives", [None, DAY])
async def test_a_key_approves_none_that_outlives_it(
    house: House, cookie: dict[str, str], clock: ManualClock, header: str, lives: int | None
) -> None:
    made = await house.new_key(cookie, {"name": "mine", "expiresIn": lives} if lives else {"name": "mine"})
    clock.advance(0.5)
    token = await create(house, label="box")
    value = f"Bearer {made['key']}" if header == "Authorization" else str(made["key"])
    assert await approve(house, token, {header: value, **cookie}) == 200
    (minted,) = [key for key in await keys(house, cookie) if key["name"] == "runner-box"]
    # Half a second of the day is gone, and only whole seconds count.
    expected = "2027-01-01T00:00:00.500Z" if lives is None else "2026-01-01T23:59:59.500Z"
    assert minted["expiresAt"] == expected


async def test_a_claim_expires_after_ten_minutes_whatever_its_state(
    house: House, cookie: dict[str, str], clock: ManualClock
) -> None:
    pending, redeemed = await create(house), await create(house)
    assert await approve(house, redeemed, cookie) == 200
    key = (await poll(house, redeemed))["apiKey"]
    clock.advance(599.999)
    assert (await poll(house, pending))["status"] == "pending"
    clock.advance(0.001)
    assert (await poll(house, pending))["status"] == "expired"
    assert await approve(house, pending, cookie) == 410
    assert (await poll(house, redeemed))["status"] == "expired"
    assert await info(house, redeemed) == {"status": "redeemed"}
    assert await info(house, pending) == {"status": "expired"}
    assert await works(house, key)


@pytest.mark.parametrize("found_by", ["poll", "sweep"])
async def test_a_key_that_nobody_fetched_in_time_is_revoked(
    house: House, cookie: dict[str, str], clock: ManualClock, found_by: str
) -> None:
    token = await create(house)
    assert await approve(house, token, cookie) == 200
    (key,) = await keys(house, cookie)
    clock.advance(601)
    assert await info(house, token) == {"status": "expired"}
    assert len(await keys(house, cookie)) == 1
    if found_by == "poll":
        assert await poll(house, token) == {"status": "expired", "relayUrl": "http://relay.example"}
    else:
        await house.accounts.claims.sweep()
    assert await keys(house, cookie) == []
    assert [event.credential_ids for event in house.revoked] == [{key["id"]}]
    assert (await poll(house, token))["status"] == "expired"


async def test_the_sweep_forgets_a_claim_an_hour_after_its_end_and_leaves_redeemed_keys(
    house: House, cookie: dict[str, str], clock: ManualClock
) -> None:
    token = await create(house)
    assert await approve(house, token, cookie) == 200
    key = (await poll(house, token))["apiKey"]
    clock.advance(600 + 3599)
    await house.accounts.claims.sweep()
    assert (await poll(house, token))["status"] == "expired"
    clock.advance(1)
    await house.accounts.claims.sweep()
    assert (await house.get(f"/api/setup-claim/{token}")).json() == UNKNOWN
    assert await works(house, key)


async def test_a_key_revoked_before_it_was_fetched_is_not_handed_out(house: House, cookie: dict[str, str]) -> None:
    token = await create(house)
    assert await approve(house, token, cookie) == 200
    (key,) = await keys(house, cookie)
    assert (await house.auth("/api-key/delete", {"keyId": key["id"]}, cookie)).status == 200
    assert await poll(house, token) == {"status": "expired", "relayUrl": "http://relay.example"}


async def test_nothing_in_the_database_gives_token_or_key_away(
    house: House, cookie: dict[str, str], storage: Storage
) -> None:
    token = await create(house)
    assert await approve(house, token, cookie) == 200
    row = await storage.fetch_one("SELECT * FROM setup_claim")
    keyed = await storage.fetch_one("SELECT * FROM apikey")
    assert row is not None
    assert keyed is not None
    raw = str((await poll(house, token))["apiKey"])
    for value in (*tuple(row), *tuple(keyed)):
        assert token not in str(value)
        assert raw not in str(value)


async def test_a_restart_loses_neither_claim_nor_key(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        cookie = (await house.sign_up()).cookie()
        token, other = await create(house, label="box"), await create(house)
        assert await approve(house, token, cookie) == 200
    async with open_house(storage, clock) as house:
        key = (await poll(house, token))["apiKey"]
        assert await works(house, key)
        assert (await poll(house, other))["status"] == "pending"


async def test_with_another_secret_an_approved_claim_is_over(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        cookie = (await house.sign_up()).cookie()
        token = await create(house)
        assert await approve(house, token, cookie) == 200
    async with open_house(storage, clock, replace(CONFIG, secret=SECRET[::-1])) as house:
        assert (await poll(house, token))["status"] == "expired"
    assert await storage.fetch_one("SELECT 1 FROM apikey") is None


async def test_one_address_makes_thirty_claims_in_a_quarter_of_an_hour(house: House, clock: ManualClock) -> None:
    for _ in range(30):
        await create(house)
    reply = await house.post("/api/setup-claim", WHERE)
    assert reply.status == 429
    assert reply.json() == {"error": "Too many pairing requests. Please try again later."}
    assert 0 < int(reply.headers["Retry-After"]) <= 901
    other = await house.ask("POST", "/api/setup-claim", json=WHERE, headers={"X-Forwarded-For": "192.0.2.9"})
    assert other.status == 200
    clock.advance(901)
    await create(house)


async def test_there_is_an_end_to_the_open_claims_of_all(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, with_limits(pairing=PairingLimits(open_claims=2))) as house:
        await create(house)
        await create(house)
        assert (await house.post("/api/setup-claim", WHERE)).status == 429
        clock.advance(600)
        await create(house)


async def test_a_removed_user_takes_their_approvals_along(house: House, cookie: dict[str, str]) -> None:
    token = await create(house)
    assert await approve(house, token, cookie) == 200
    user_id = str((await house.get("/api/me", cookie)).json()["userId"])
    assert await house.accounts.users.remove(user_id)
    assert (await house.get(f"/api/setup-claim/{token}")).json() == UNKNOWN
