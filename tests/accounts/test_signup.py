"""The set-up rule: rest-account.md 4.1, part of acceptance check 1."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.http.client_address import TrustProxy
from relay.storage import Storage
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, Reply, open_house, with_limits
from tests.clock import ManualClock

BODY = {"name": "Jo", "email": EMAIL, "password": PASSWORD}
FAR = {"X-Forwarded-For": "198.51.100.1"}
PATHS = pytest.mark.parametrize("path", ["/api/register", "/api/auth/sign-up/email"])


async def no_account(house: House) -> bool:
    status = await house.get("/api/signup-status")
    return bool(status.json()["signupEnabled"])


@PATHS
async def test_account_01_loopback_needs_no_code(house: House, path: str) -> None:
    assert (await house.post(path, BODY)).status == 200
    assert not await no_account(house)


@PATHS
@pytest.mark.parametrize(
    "headers",
    [
        FAR,
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"CF-Connecting-IP": "127.0.0.1"},
    ],
)
async def test_account_01_a_request_that_was_forwarded_is_not_loopback(
    house: House, path: str, headers: dict[str, str]
) -> None:
    reply = await house.post(path, BODY, headers)
    message = "The first account needs the set-up code that the relay printed in its terminal."
    assert (reply.status, reply.json()) == (
        403,
        {"error": message, "code": "SIGNUPS_DISABLED", "message": message},
    )
    assert await no_account(house)


@PATHS
async def test_account_01_the_code_lets_a_client_from_elsewhere_in_once(house: House, path: str) -> None:
    code = house.accounts.setup_line()
    assert code is not None
    reply = await house.post(path, {**BODY, "setupCode": code.lower().replace("-", " ")}, FAR)
    assert reply.status == 200, reply.body
    assert house.accounts.setup_line() is None
    second = await house.post(path, {**BODY, "email": "other@example.com", "setupCode": code}, FAR)
    assert second.status == 403


@PATHS
@pytest.mark.parametrize("code", ["wrong", "\u00e4", "A" * 100_000])
async def test_account_01_a_wrong_code_has_its_own_error(house: House, path: str, code: str) -> None:
    reply = await house.post(path, {**BODY, "setupCode": code}, FAR)
    assert (reply.status, reply.code) == (403, "INVALID_SETUP_CODE")
    assert reply.json()["error"] == reply.json()["message"]
    assert await no_account(house)


@PATHS
@pytest.mark.parametrize("code", [None, "", 7, ["x"], {}])
async def test_account_01_a_missing_code_is_told(house: House, path: str, code: object) -> None:
    reply = await house.post(path, {**BODY, "setupCode": code}, FAR)
    assert (reply.status, reply.code) == (403, "SIGNUPS_DISABLED")


@PATHS
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "capacitor://localhost"},
        {"Origin": "https://trusted.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example:7492"},
    ],
)
async def test_account_01_a_strangers_page_cannot_make_the_first_account(
    storage: Storage, clock: ManualClock, path: str, headers: dict[str, str]
) -> None:
    async with open_house(storage, clock, trusted_origins=["https://trusted.example"]) as house:
        code = house.accounts.setup_line()
        for body in (BODY, {**BODY, "setupCode": code}):
            reply = await house.post(path, body, headers)
            assert (reply.status, reply.code) == (403, "SIGNUPS_DISABLED")
        assert await no_account(house)


@PATHS
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "OWN", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", "Origin": "OWN"},
        {"Host": "localhost:7492"},
        {"Host": "[::1]:7492"},
        {"Host": "192.168.1.7"},
        {"Host": "relay.home.example:7492"},
        {"Host": "RELAY.home.example"},
    ],
)
async def test_account_01_the_own_page_and_safe_hosts_pass(
    storage: Storage, clock: ManualClock, path: str, headers: dict[str, str]
) -> None:
    config = replace(CONFIG, hostnames=frozenset({"relay.home.example"}))
    async with open_house(storage, clock, config) as house:
        sent = {name: house.url if value == "OWN" else value for name, value in headers.items()}
        reply = await house.post(path, BODY, sent)
        assert reply.status == 200, reply.body


async def test_account_01_a_page_must_send_json_as_json(house: House) -> None:
    text = b'{"name": "Jo", "email": "jo@example.com", "password": "Passw0rd-of-jo"}'
    for headers in (house.origin, {"Sec-Fetch-Mode": "no-cors"}):
        reply = await house.ask("POST", "/api/register", data=text, headers=headers | {"Content-Type": "text/plain"})
        assert reply.status == 415
    assert await no_account(house)
    # A command line client names no content type and no origin.
    curl = await house.ask("POST", "/api/register", data=text, headers={"Content-Type": "text/plain"})
    assert curl.status == 200


async def test_after_the_first_account_the_strict_rule_is_over(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as house:
        assert (await house.sign_up()).status == 200
        reply = await house.post("/api/register", {**BODY, "email": "b@example.com"}, {"Host": "b.example", **FAR})
        assert reply.status == 200


@PATHS
async def test_of_two_first_users_at_once_one_wins(house: House, path: str) -> None:
    bodies = [{**BODY, "email": f"{number}@example.com"} for number in range(6)]
    replies: list[Reply] = await asyncio.gather(*(house.post(path, body) for body in bodies))
    assert sorted(reply.status for reply in replies) == [200] + [403] * 5
    assert len(await house.accounts.users.summaries()) == 1


async def test_two_accounts_of_one_email_at_once_are_one(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as house:
        replies = await asyncio.gather(*(house.sign_up() for _ in range(4)))
        assert sorted(reply.status for reply in replies) == [200, 422, 422, 422]


async def test_the_fifth_wrong_try_makes_a_new_code_and_shows_it(house: House) -> None:
    old = house.accounts.setup_line()

    async def attempt(code: object) -> Reply:
        return await house.post("/api/register", {**BODY, "setupCode": code}, FAR)

    for _ in range(4):
        assert (await attempt("wrong")).code == "INVALID_SETUP_CODE"
        assert house.accounts.setup_line() == old
    assert house.announced == []
    assert (await attempt("wrong")).code == "INVALID_SETUP_CODE"
    new = house.accounts.setup_line()
    assert new != old
    assert house.announced == [new]
    assert (await attempt(old)).code == "INVALID_SETUP_CODE"
    assert (await attempt(new)).status == 200


async def test_the_code_and_its_wrong_tries_survive_a_restart_until_used(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        code = house.accounts.setup_line()
        for _ in range(4):
            await house.post("/api/register", {**BODY, "setupCode": "wrong"}, FAR)
    async with open_house(storage, clock) as house:
        assert house.accounts.setup_line() == code
        await house.post("/api/register", {**BODY, "setupCode": "wrong"}, FAR)
        assert house.accounts.setup_line() != code
        code = house.accounts.setup_line()
    async with open_house(storage, clock) as house:
        assert house.accounts.setup_line() == code
        assert (await house.post("/api/register", {**BODY, "setupCode": code}, FAR)).status == 200
    async with open_house(storage, clock) as house:
        assert house.accounts.setup_line() is None
        assert not await no_account(house)
    assert await storage.fetch_all("SELECT name FROM installation") == []


async def test_an_address_that_guesses_codes_is_blocked(storage: Storage, clock: ManualClock) -> None:
    config = with_limits(sign_in=replace(CONFIG.limits.sign_in, address_failures=7))
    async with open_house(storage, clock, config, trust=TrustProxy.LOOPBACK) as house:
        path = "/api/auth/sign-up/email"
        for _ in range(7):
            assert (await house.post(path, {**BODY, "setupCode": "x"}, FAR)).status == 403
        code = house.accounts.setup_line()
        blocked = await house.post(path, {**BODY, "setupCode": code}, FAR)
        assert blocked.status == 429
        assert int(blocked.headers["Retry-After"]) > 0
        elsewhere = await house.post(path, {**BODY, "setupCode": code}, {"X-Forwarded-For": "198.51.100.2"})
        assert elsewhere.status == 200
