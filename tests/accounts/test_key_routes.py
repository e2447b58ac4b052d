"""API keys over HTTP: rest-account.md 1.2, 1.4, 2.2 and the acceptance checks 4 and 5."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from relay.accounts.limits import KeyRateLimit
from relay.accounts.users import OPERATOR
from relay.storage import Storage, Transaction
from tests.accounts.house import CONFIG, PASSWORD, House, eventually, open_house, with_limits
from tests.clock import ManualClock


async def test_account_04_a_created_key_has_its_prefix_and_works_both_ways(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie, {"name": "runner", "prefix": "ppru"})
    raw = str(key["key"])
    assert raw.startswith("ppru")
    assert (await house.get("/api/me", {"x-api-key": raw})).status == 200
    assert (await house.get("/api/me", {"Authorization": f"Bearer {raw}"})).status == 200
    assert (await house.get("/api/me", {"Authorization": f"bearer  {raw}"})).status == 200
    (listed,) = (await house.get("/api/auth/api-key/list", cookie)).items()
    assert "key" not in listed
    assert listed | {"key": raw} == key
    assert listed == {
        "id": key["id"],
        "name": "runner",
        "start": raw[:10],
        "prefix": "ppru",
        "userId": key["userId"],
        "refillInterval": None,
        "refillAmount": None,
        "lastRefillAt": None,
        "enabled": True,
        "rateLimitEnabled": False,
        "rateLimitTimeWindow": 86_400_000,
        "rateLimitMax": 10,
        "requestCount": 0,
        "remaining": None,
        "lastRequest": None,
        "expiresAt": None,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "permissions": None,
        "metadata": None,
        "scope": "full",
    }


async def test_account_05_a_bad_key_beats_a_good_cookie_and_a_bad_bearer_does_not(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    bad = await house.get("/api/me", cookie | {"x-api-key": "nonsense"})
    assert (bad.status, bad.json()) == (401, {"error": "Invalid or expired API key"})
    assert bad.headers["Content-Type"].startswith("application/json")
    assert (await house.get("/api/me", cookie | {"Authorization": "Bearer nonsense"})).status == 200
    assert (await house.get("/api/me", cookie | {"Authorization": "Basic eDp5"})).status == 200
    assert (await house.get("/api/me", cookie | {"x-api-key": ""})).status == 200


async def test_the_texts_of_401(house: House) -> None:
    missing, invalid = {"error": "Missing API key (x-api-key header)"}, {"error": "Invalid or expired API key"}
    assert (await house.get("/api/me")).json() == missing
    assert (await house.get("/api/me", {"Authorization": "Basic eDp5"})).json() == missing
    assert (await house.get("/api/me", {"Cookie": "better-auth.session_token=x"})).json() == missing
    assert (await house.get("/api/me", {"Authorization": "Bearer x"})).json() == invalid
    assert (await house.get("/api/me", {"x-api-key": "x"})).json() == invalid


async def test_a_good_key_decides_beside_another_users_cookie_and_bearer(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    other = await house.accounts.users.create(email="b@example.com", name="B", password=PASSWORD, grant=OPERATOR)
    other_cookie = (await house.sign_in("b@example.com")).cookie()
    other_key = await house.new_key(other_cookie)
    me = await house.get("/api/me", other_cookie | {"x-api-key": str(key["key"])})
    assert me.json()["userId"] == key["userId"]
    me = await house.get("/api/me", cookie | {"Authorization": f"Bearer {other_key['key']}"})
    assert me.json() == {"userId": other.id, "userName": "B"}


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({"name": "x" * 33}, 400, None, "The name length is either too large or too small."),
        ({"prefix": "x" * 33}, 400, None, "The prefix length is either too large or too small."),
        (
            {"prefix": "a b"},
            400,
            "VALIDATION_ERROR",
            "[body.prefix] Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.",
        ),
        (
            {"prefix": ""},
            400,
            "VALIDATION_ERROR",
            "[body.prefix] Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.",
        ),
        ({"expiresIn": 86_399}, 400, None, "The expiresIn is smaller than the predefined minimum value."),
        ({"expiresIn": 365 * 86_400 + 1}, 400, None, "The expiresIn is larger than the predefined maximum value."),
        (
            {"expiresIn": 0},
            400,
            "VALIDATION_ERROR",
            "[body.expiresIn] Too small: expected number to be >=1",
        ),
        ({"metadata": {"a": 1}}, 400, None, "Metadata is disabled."),
        ({"userId": "somebody"}, 401, None, "Unauthorized or invalid session"),
        *(
            (
                {field: value},
                400,
                None,
                "The property you're trying to set can only be set from the server auth instance only.",
            )
            for field, value in (
                ("remaining", 5),
                ("refillAmount", 1),
                ("refillInterval", 1),
                ("rateLimitMax", 1),
                ("rateLimitTimeWindow", 1),
                ("rateLimitEnabled", False),
                ("permissions", {}),
            )
        ),
    ],
)
async def test_create_errors(house: House, body: object, status: int, code: str | None, message: str) -> None:
    cookie = (await house.sign_up()).cookie()
    reply = await house.auth("/api-key/create", body, cookie)
    assert (reply.status, reply.json()["message"]) == (status, message)
    if code is not None:
        assert reply.code == code
    assert (await house.get("/api/auth/api-key/list", cookie)).items() == []


async def test_create_needs_somebody(house: House) -> None:
    reply = await house.auth("/api-key/create", {})
    message = "Unauthorized or invalid session"
    assert (reply.status, reply.json()) == (401, {"code": "UNAUTHORIZED_OR_INVALID_SESSION", "message": message})


@pytest.mark.parametrize(
    ("body", "name"),
    [({}, None), ({"name": ""}, ""), ({"name": "x" * 32, "remaining": None, "expiresIn": None}, "x" * 32)],
)
async def test_create_accepts_what_clients_leave_out(house: House, body: dict[str, object], name: str | None) -> None:
    key = await house.new_key((await house.sign_up()).cookie(), body)
    assert (key["name"], key["expiresAt"], key["prefix"]) == (name, None, None)


async def test_list_keeps_the_order_of_creation_and_cuts_nothing(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    for number in range(120):
        await house.new_key(cookie, {"name": str(number)})
    listed = (await house.get("/api/auth/api-key/list", cookie)).items()
    assert [entry["name"] for entry in listed] == [str(number) for number in range(120)]


async def test_get_describes_one_of_the_callers_keys(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    got = await house.get(f"/api/auth/api-key/get?id={key['id']}", cookie)
    assert got.json() | {"key": key["key"]} == key
    unknown = await house.get("/api/auth/api-key/get?id=x", cookie)
    assert (unknown.status, unknown.json()) == (404, {"code": "API_KEY_NOT_FOUND", "message": "API Key not found"})
    assert (await house.get("/api/auth/api-key/get", cookie)).code == "VALIDATION_ERROR"


async def test_a_deleted_key_is_dead_at_once(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    header = {"x-api-key": str(key["key"])}
    assert (await house.get("/api/me", header)).status == 200
    reply = await house.auth("/api-key/delete", {"keyId": key["id"]}, cookie)
    assert (reply.status, reply.json()) == (200, {"success": True})
    assert (await house.get("/api/me", header)).status == 401
    again = await house.auth("/api-key/delete", {"keyId": key["id"]}, cookie)
    assert (again.status, again.code) == (404, "API_KEY_NOT_FOUND")
    assert [event.credential_ids for event in house.revoked] == [frozenset({key["id"]})]


async def test_a_strangers_key_is_not_found(house: House) -> None:
    key = await house.new_key((await house.sign_up()).cookie())
    await house.accounts.users.create(email="b@example.com", name="B", password=PASSWORD, grant=OPERATOR)
    other = (await house.sign_in("b@example.com")).cookie()
    assert (await house.auth("/api-key/delete", {"keyId": key["id"]}, other)).status == 404
    assert (await house.auth("/api-key/update", {"keyId": key["id"], "name": "mine"}, other)).status == 404
    assert (await house.get(f"/api/auth/api-key/get?id={key['id']}", other)).status == 404
    assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).status == 200


async def test_a_key_is_renamed_disabled_enabled_and_prolonged(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    header = {"x-api-key": str(key["key"])}
    assert (await house.get("/api/me", header)).status == 200

    async def update(**change: object) -> dict[str, object]:
        reply = await house.auth("/api-key/update", {"keyId": key["id"], **change}, cookie)
        assert reply.status == 200, reply.body
        return reply.json()

    assert (await update(name="new"))["name"] == "new"
    assert (await update(enabled=False))["enabled"] is False
    assert (await house.get("/api/me", header)).status == 401
    disabled = await house.get("/api/auth/get-session", header)
    assert (disabled.status, disabled.json()) == (401, {"code": "KEY_DISABLED", "message": "API Key is disabled"})
    assert [event.credential_ids for event in house.revoked] == [frozenset({key["id"]})]
    assert (await update(enabled=True))["name"] == "new"
    assert (await house.get("/api/me", header)).status == 200
    assert (await update(expiresIn=86_400))["expiresAt"] == "2026-01-02T00:00:00.000Z"
    assert (await update(expiresIn=None))["expiresAt"] is None


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 400, "NO_VALUES_TO_UPDATE"),
        ({"name": ""}, 400, "THE_NAME_LENGTH_IS_EITHER_TOO_LARGE_OR_TOO_SMALL"),
        ({"enabled": "no"}, 400, "VALIDATION_ERROR"),
        ({"expiresIn": 5}, 400, "THE_EXPIRESIN_IS_SMALLER_THAN_THE_PREDEFINED_MINIMUM_VALUE"),
        ({"remaining": 3}, 400, None),
        ({"keyId": "unknown", "name": "x"}, 404, "API_KEY_NOT_FOUND"),
        ({"keyId": 7}, 400, "VALIDATION_ERROR"),
    ],
)
async def test_update_errors(house: House, change: dict[str, object], status: int, code: str | None) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    reply = await house.auth("/api-key/update", {"keyId": key["id"], **change}, cookie)
    assert reply.status == status
    if code is not None:
        assert reply.code == code


async def test_an_expired_key_is_deleted_on_use_and_its_sockets_are_cut(
    house: House, clock: ManualClock, storage: Storage
) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie, {"expiresIn": 86_400})
    header = {"x-api-key": str(key["key"])}
    identity = await house.accounts.verify_key(str(key["key"]))
    assert identity is not None
    assert identity.expires_at == clock.now() + 86_400
    clock.advance(86_399.9)
    assert (await house.get("/api/me", header)).status == 200
    clock.advance(0.1)
    expired = await house.get("/api/auth/get-session", header)
    assert (expired.status, expired.json()) == (401, {"code": "KEY_EXPIRED", "message": "API Key has expired"})
    assert (await house.get("/api/me", header)).status == 401
    assert await storage.fetch_all("SELECT id FROM apikey") == []
    assert [event.credential_ids for event in house.revoked] == [frozenset({key["id"]})]


async def test_expired_credentials_that_nobody_uses_are_swept(
    house: House, clock: ManualClock, storage: Storage
) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie, {"expiresIn": 86_400})
    await house.new_key(cookie)
    clock.advance(604_800)
    await house.accounts.keys.sweep()
    await house.accounts.sessions.sweep()
    assert len(await storage.fetch_all("SELECT id FROM apikey")) == 1
    assert await storage.fetch_all("SELECT id FROM cookie_session") == []
    assert [event.credential_ids for event in house.revoked] == [frozenset({key["id"]})]


async def test_the_sweep_runs_by_itself(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, with_limits(sweep_interval=0.01)) as house:
        key = await house.new_key((await house.sign_up()).cookie(), {"expiresIn": 86_400})
        clock.advance(86_400)
        await eventually(lambda: bool(house.revoked))
        assert [event.credential_ids for event in house.revoked] == [frozenset({key["id"]})]


async def test_last_request_is_written_at_most_once_a_minute(
    house: House, clock: ManualClock, storage: Storage
) -> None:
    key = await house.new_key((await house.sign_up()).cookie())
    raw = str(key["key"])
    times: list[str] = []

    async def poll() -> None:
        row = await storage.fetch_one("SELECT last_request FROM apikey")
        assert row is not None
        times.append(row["last_request"])

    for _ in range(50):
        assert await house.accounts.verify_key(raw) is not None
    await asyncio.sleep(0)
    changes = await _changes_after(storage, lambda: house.accounts.keys._uses == {})
    await poll()
    assert times == ["2026-01-01T00:00:00.000Z"]
    assert changes == 1
    clock.advance(59)
    assert await house.accounts.verify_key(raw) is not None
    assert house.accounts.keys._uses == {}
    clock.advance(1)
    assert await house.accounts.verify_key(raw) is not None
    await house.accounts.keys.close()
    await poll()
    assert times[-1] == "2026-01-01T00:01:00.000Z"


async def _changes_after(storage: Storage, done: Callable[[], bool]) -> int:
    """Count the rows with a time of last use once the condition holds and the write is through."""
    await eventually(done)

    async def count(tx: Transaction) -> int:
        rows = await tx.fetch_all("SELECT id FROM apikey WHERE last_request IS NOT NULL")
        return len(rows)

    return await storage.write(count)


async def test_a_limited_key_is_refused_and_every_use_counts(storage: Storage, clock: ManualClock) -> None:
    config = replace(CONFIG, key_rate_limit=KeyRateLimit(True, window_ms=1000, max_requests=3))
    async with open_house(storage, clock, config) as house:
        key = await house.new_key((await house.sign_up()).cookie())
        assert (key["rateLimitEnabled"], key["rateLimitTimeWindow"], key["rateLimitMax"]) == (True, 1000, 3)
        header = {"x-api-key": str(key["key"])}
        replies = await asyncio.gather(*(house.get("/api/me", header) for _ in range(6)))
        assert sorted(reply.status for reply in replies) == [200, 200, 200, 401, 401, 401]
        clock.advance(0.4)
        limited = await house.get("/api/auth/get-session", header)
        assert limited.status == 401
        assert limited.json() == {
            "code": "RATE_LIMITED",
            "message": "Rate limit exceeded.",
            "details": {"tryAgainIn": 600},
        }
        clock.advance(0.7)
        assert (await house.get("/api/me", header)).status == 200


async def test_a_used_up_key_is_429_in_the_auth_area_and_goes(house: House, storage: Storage) -> None:
    key = await house.new_key((await house.sign_up()).cookie())
    header = {"x-api-key": str(key["key"])}

    async def limit(tx: Transaction) -> None:
        await tx.execute("UPDATE apikey SET remaining = 1")

    await storage.write(limit)
    assert (await house.get("/api/me", header)).status == 200
    used_up = await house.get("/api/auth/get-session", header)
    message = "API Key has reached its usage limit"
    assert (used_up.status, used_up.json()) == (429, {"code": "USAGE_EXCEEDED", "message": message})
    assert await storage.fetch_all("SELECT id FROM apikey") == []
