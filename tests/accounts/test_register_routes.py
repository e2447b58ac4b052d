"""`/api/register`, `/api/signup-status`, `/api/me`: rest-account.md 4 and the acceptance checks 6 to 8."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from relay.accounts.passwords import POLICY_SUMMARY
from relay.accounts.users import OPERATOR
from relay.http.client_address import TrustProxy
from relay.storage import Storage
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, Reply, open_house, with_limits
from tests.clock import ManualClock

BODY = {"name": "Jo", "email": EMAIL, "password": PASSWORD}


async def register(house: House, **changes: object) -> Reply:
    return await house.post("/api/register", {**BODY, **changes})


async def test_the_first_registration_makes_an_account_and_a_key_and_sets_no_cookie(
    house: House, storage: Storage
) -> None:
    reply = await register(house)
    assert reply.status == 200
    assert list(reply.json()) == ["ok", "key"]
    assert reply.json()["ok"] is True
    raw = str(reply.json()["key"])
    assert re.fullmatch(r"pk_live_[0-9a-f]{64}", raw)
    assert reply.cookies == []
    assert await storage.fetch_all("SELECT id FROM cookie_session") == []
    assert (await house.get("/api/me", {"x-api-key": raw})).json()["userName"] == "Jo"
    (listed,) = (await house.get("/api/auth/api-key/list", {"x-api-key": raw})).items()
    assert (listed["name"], listed["start"], listed["prefix"]) == ("cli", raw[:16], "pk_live_")
    assert (listed["rateLimitEnabled"], listed["rateLimitTimeWindow"], listed["rateLimitMax"]) == (False, None, None)
    assert listed["expiresAt"] is None
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(listed["id"]))
    assert (await house.sign_in()).status == 200


@pytest.mark.parametrize("trusted", [True, False])
async def test_account_06_the_sixth_registration_of_an_address_is_429(
    storage: Storage, clock: ManualClock, trusted: bool
) -> None:
    trust = TrustProxy.LOOPBACK if trusted else TrustProxy.NOBODY
    config = with_limits(register_attempts=5)
    async with open_house(storage, clock, config, trust=trust) as house:
        await house.accounts.users.create(email=EMAIL, name="Jo", password=PASSWORD, grant=OPERATOR)

        async def attempt(address: str) -> Reply:
            return await house.post("/api/register", BODY, {"X-Forwarded-For": address})

        first = [(await attempt("198.51.100.1")).status for _ in range(5)]
        assert first == [200] * 5
        sixth = await attempt("198.51.100.1")
        assert sixth.status == 429
        assert sixth.json() == {"error": "Too many registration attempts. Please try again later."}
        assert sixth.headers["Retry-After"] == "900"
        # What an untrusted peer says about its address makes no second bucket.
        assert (await attempt("198.51.100.2")).status == (200 if trusted else 429)
        clock.advance(900.1)
        assert (await attempt("198.51.100.1")).status == 200


async def test_every_attempt_counts_even_one_that_is_no_json(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, with_limits(register_attempts=5)) as house:
        headers = {"Content-Type": "application/json"}
        statuses = [(await house.ask("POST", "/api/register", data=b"{", headers=headers)).status for _ in range(5)]
        assert statuses == [400] * 5
        assert (await register(house)).status == 429


async def test_account_07_registering_again_revokes_the_first_key(house: House) -> None:
    first = str((await register(house)).json()["key"])
    assert (await house.get("/api/me", {"x-api-key": first})).status == 200
    second = str((await register(house, name="")).json()["key"])
    assert (await house.get("/api/me", {"x-api-key": first})).status == 401
    assert (await house.get("/api/me", {"x-api-key": second})).status == 200
    assert len(house.revoked) == 1
    other = await house.new_key((await house.sign_in()).cookie(), {"name": "other"})
    await register(house)
    assert (await house.get("/api/me", {"x-api-key": str(other["key"])})).status == 200


async def test_account_08_a_closed_relay_does_not_tell_who_has_an_account(house: House) -> None:
    await house.sign_up()
    wrong: list[Reply] = []
    unknown: list[Reply] = []
    times: dict[str, list[float]] = {EMAIL: [], "who@example.com": []}
    for _ in range(6):
        for email, replies in ((EMAIL, wrong), ("who@example.com", unknown)):
            # The process's own CPU time: a busy machine does not blur it, and scrypt's threads count.
            started = time.process_time()
            replies.append(await register(house, email=email, password="Wrong-Passw0rd"))
            times[email].append(time.process_time() - started)
    assert {(reply.status, reply.body) for reply in wrong + unknown} == {
        (403, b'{"error":"Registration is not available."}')
    }
    quickest = [min(values) for values in times.values()]
    # Both take one scrypt: without it an unknown e-mail would be answered ten times as fast.
    assert max(quickest) < 3 * min(quickest)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"email": ""}, 400, "Missing required fields: email, password"),
        ({"password": ""}, 400, "Missing required fields: email, password"),
        ({"email": None}, 400, "Missing required fields: email, password"),
        ({"email": 7}, 400, "Missing required fields: email, password"),
        ({"password": ["x"]}, 400, "Missing required fields: email, password"),
        ({"email": "jo@localhost"}, 400, "Invalid email format"),
        ({"email": "\ud800@example.com"}, 400, "Invalid email format"),
        ({"password": "alllowercase"}, 400, POLICY_SUMMARY),
        ({"name": ""}, 400, "Missing required field: name (required for new accounts)"),
        ({"name": None}, 400, "Missing required field: name (required for new accounts)"),
        ({"name": 7}, 400, "Missing required field: name (required for new accounts)"),
    ],
)
async def test_register_errors(house: House, changes: dict[str, object], status: int, error: str) -> None:
    reply = await register(house, **changes)
    assert (reply.status, reply.json()) == (status, {"error": error})
    assert house.accounts.signup.is_setup


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
async def test_a_body_that_is_no_object_is_400(house: House, body: bytes) -> None:
    reply = await house.ask("POST", "/api/register", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.json()) == (400, {"error": "Invalid JSON body"})


async def test_with_open_sign_up_a_wrong_password_is_401(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as house:
        assert (await register(house)).status == 200
        wrong = await register(house, password="Wrong-Passw0rd")
        assert (wrong.status, wrong.json()) == (401, {"error": "Invalid credentials"})
        assert (await register(house, email="other@example.com")).status == 200
        assert (await house.get("/api/signup-status")).json()["signupEnabled"] is True


async def test_the_email_may_be_typed_in_capitals(house: House) -> None:
    await register(house)
    assert (await register(house, email="JO@Example.COM", name="")).status == 200


async def test_a_weak_password_that_was_accepted_once_still_proves_its_owner(house: House) -> None:
    await house.sign_up(password="weakweak")
    assert (await register(house, password="weakweak")).status == 200
    weak = await register(house, password="weakweek")
    assert (weak.status, weak.json()) == (400, {"error": POLICY_SUMMARY})


async def test_register_beside_a_cookie_needs_a_trusted_origin(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    foreign = await house.post("/api/register", BODY, cookie | {"Origin": "https://evil.example"})
    assert (foreign.status, foreign.json()) == (403, {"error": "Cross-origin request rejected"})
    assert (await house.post("/api/register", BODY, cookie | house.origin)).status == 200


async def test_signup_status_follows_the_first_account(house: House) -> None:
    fresh = {"signupEnabled": True, "setupCodeRequired": False, "accounts": False}
    assert (await house.get("/api/signup-status")).json() == fresh
    far = await house.get("/api/signup-status", {"X-Forwarded-For": "198.51.100.1"})
    assert far.json() == fresh | {"setupCodeRequired": True}
    await register(house)
    for headers in ({}, {"X-Forwarded-For": "198.51.100.1"}):
        status = await house.get("/api/signup-status", headers)
        assert status.json() == {"signupEnabled": False, "setupCodeRequired": False, "accounts": True}


async def test_me_answers_a_cookie_and_a_key(house: House) -> None:
    reply = await house.sign_up()
    user = reply.json()["user"]
    assert isinstance(user, dict)
    expected = {"userId": user["id"], "userName": "Jo"}
    assert (await house.get("/api/me", reply.cookie())).json() == expected
    key = await house.new_key(reply.cookie())
    assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).json() == expected
