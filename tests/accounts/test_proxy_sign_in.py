"""Sign-in on the word of a proxy: who is believed, who gets in, who gets an account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.accounts.proxy_sign_in import ProxySignInConfig
from relay.app_settings import proxy_sign_in
from relay.config import AuthSettings, ConfigError, Settings
from relay.http.client_address import parse_networks
from relay.storage import Storage
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, Reply, open_house
from tests.clock import ManualClock

HEADER = "X-Forwarded-Email"
LOOPBACK = parse_networks(["127.0.0.1"])
ELSEWHERE = parse_networks(["203.0.113.0/24"])
OWN = replace(CONFIG, proxy_sign_in=ProxySignInConfig(HEADER, LOOPBACK))


async def look(house: House, email: str = EMAIL, **headers: str) -> Reply:
    """Open the UI as a browser behind the proxy does."""
    return await house.get("/api/auth/get-session", {HEADER: email, "X-Forwarded-For": "198.51.100.4", **headers})


async def with_account(house: House) -> None:
    """Make the account and forget its cookie."""
    assert (await house.sign_up()).status == 200


async def test_a_named_person_is_signed_in_with_a_session_like_any_other(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, OWN) as house:
        await with_account(house)
        reply = await look(house, email=f"  {EMAIL.upper()} ")
        assert reply.json()["user"]["email"] == EMAIL  # type: ignore[index]  # a nested object
        cookie = reply.cookie()
        assert (await house.get("/api/me", cookie)).json()["userName"] == "Jo"
        again = await look(house, **cookie)
        assert again.cookies == []
        assert again.json()["session"] == reply.json()["session"]
        listed = (await house.get("/api/auth/list-sessions", cookie)).items()
        assert "198.51.100.4" in {session["ipAddress"] for session in listed}


async def test_a_header_from_another_peer_is_ignored(
    storage: Storage, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = replace(CONFIG, proxy_sign_in=ProxySignInConfig(HEADER, ELSEWHERE, create=True))
    async with open_house(storage, clock, elsewhere) as house:
        await with_account(house)
        # The peer decides, not what it says about whom it stands for.
        for more in ({}, {"X-Forwarded-For": "203.0.113.5"}, {"X-Real-IP": "203.0.113.5"}):
            reply = await house.get("/api/auth/get-session", {HEADER: EMAIL, **more})
            assert (reply.status, reply.body, reply.cookies) == (200, b"null", [])
    assert "from elsewhere is ignored" in caplog.text


async def test_it_is_off_by_default(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        await with_account(house)
        assert (await look(house)).body == b"null"


async def test_nothing_else_looks_at_the_header(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, OWN) as house:
        await with_account(house)
        assert (await house.get("/api/me", {HEADER: EMAIL})).status == 401
        assert (await house.get("/api/auth/list-sessions", {HEADER: EMAIL})).status == 401


async def test_somebody_without_an_account_stays_out_unless_the_setting_says_so(
    storage: Storage, clock: ManualClock
) -> None:
    async with open_house(storage, clock, OWN) as house:
        await with_account(house)
        assert (await look(house, email="new@example.com")).body == b"null"
        assert await house.accounts.users.by_email("new@example.com") is None
    create = replace(CONFIG, proxy_sign_in=ProxySignInConfig(HEADER, LOOPBACK, create=True))
    async with open_house(storage, clock, create) as house:
        cookie = (await look(house, email="new@example.com")).cookie()
        assert (await house.get("/api/me", cookie)).json()["userName"] == "new"
        # There is no password to guess, and none to change.
        assert (await house.sign_in("new@example.com", PASSWORD)).status == 401
        change = {"currentPassword": PASSWORD, "newPassword": "Another-Passw0rd"}
        assert (await house.auth("/change-password", change, cookie)).status == 400


async def test_the_first_account_may_come_that_way(storage: Storage, clock: ManualClock) -> None:
    create = replace(CONFIG, proxy_sign_in=ProxySignInConfig(HEADER, LOOPBACK, create=True))
    async with open_house(storage, clock, create) as house:
        assert (await look(house)).status == 200
        assert house.accounts.users.any
        assert house.accounts.setup_line() is None


async def test_another_name_ends_the_session_of_the_one_before(storage: Storage, clock: ManualClock) -> None:
    create = replace(CONFIG, proxy_sign_in=ProxySignInConfig(HEADER, LOOPBACK, create=True))
    async with open_house(storage, clock, create) as house:
        first = (await look(house, email="one@example.com")).cookie()
        second = (await look(house, email="two@example.com", **first)).cookie()
        assert (await house.get("/api/me", first)).status == 401
        assert (await house.get("/api/me", second)).json()["userName"] == "two"


@pytest.mark.parametrize("email", ["", "nobody", "a b@example.com", "x@localhost", f"{'a' * 300}@example.com"])
async def test_a_name_that_is_no_email_is_ignored(storage: Storage, clock: ManualClock, email: str) -> None:
    create = replace(CONFIG, proxy_sign_in=ProxySignInConfig(HEADER, LOOPBACK, create=True))
    async with open_house(storage, clock, create) as house:
        await with_account(house)
        assert (await look(house, email=email)).body == b"null"
        assert len(await house.accounts.users.summaries()) == 1


async def test_two_headers_name_nobody(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, OWN) as house:
        await with_account(house)
        async with house.http.get(
            f"{house.url}/api/auth/get-session", headers=[(HEADER, "x@example.com"), (HEADER, EMAIL)]
        ) as response:
            assert await response.read() == b"null"


@pytest.mark.parametrize(
    ("header", "addresses"),
    [(HEADER, ()), (HEADER, ("proxy.example.com",)), (HEADER, ("10.0.0.1", "x")), ("a b", ("10.0.0.1",))],
)
def test_a_header_that_anybody_could_send_is_refused_at_the_start(
    header: str, addresses: tuple[str, ...], tmp_path: Path
) -> None:
    settings = Settings(auth=AuthSettings(proxy_header=header, proxy_addresses=addresses))
    with pytest.raises(ConfigError, match=r"auth\.proxy_"):
        proxy_sign_in(settings)
