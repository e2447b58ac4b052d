"""Credentials in memory: never slow, never stale, and never a way to lock somebody out (rest-account.md 1, 2.2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from relay.accounts.cache import Cache
from relay.accounts.users import OPERATOR
from relay.events import CredentialsRevoked, UserRemoved
from relay.http.errors import ApiError
from relay.http.identity import Credential
from relay.storage import Storage, StorageError
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, open_house, with_limits
from tests.clock import ManualClock


def request(headers: dict[str, str]) -> web.Request:
    return make_mocked_request("GET", "/api/me", headers=headers)


async def test_a_known_credential_is_answered_without_the_database(house: House, storage: Storage) -> None:
    cookie = (await house.sign_up()).cookie()
    raw = str((await house.new_key(cookie))["key"])
    headers = [cookie, {"x-api-key": raw}, {"Authorization": f"Bearer {raw}"}]
    for entry in headers:
        await house.accounts.resolve(request(entry))
    await house.accounts.keys.close()
    await storage.close()
    found = [await house.accounts.resolve(request(entry)) for entry in headers]
    assert [identity.via for identity in found] == [Credential.COOKIE, Credential.KEY, Credential.BEARER]
    assert len({identity.user_id for identity in found}) == 1
    with pytest.raises(StorageError):
        await house.accounts.resolve(request({"x-api-key": "unknown"}))
    with pytest.raises(StorageError):
        await house.accounts.verify_key("unknown")


async def test_resolve_says_who_and_until_when(house: House, clock: ManualClock) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    by_cookie = await house.accounts.resolve(request(cookie))
    by_key = await house.accounts.resolve(request({"x-api-key": str(key["key"])}))
    session = (await house.get("/api/auth/get-session", cookie)).json()["session"]
    assert isinstance(session, dict)
    assert (by_cookie.credential_id, by_cookie.expires_at) == (session["id"], clock.now() + 604_800)
    assert (by_key.credential_id, by_key.expires_at) == (key["id"], None)
    assert by_key == await house.accounts.verify_key(str(key["key"]))
    assert by_cookie == await house.accounts.verify_cookie(request(cookie))
    assert await house.accounts.verify_key("nonsense") is None
    assert await house.accounts.verify_cookie(request({})) is None
    with pytest.raises(ApiError) as caught:
        await house.accounts.resolve(request({}))
    assert caught.value.status == 401


async def test_user_name_is_the_id_for_nobody(house: House) -> None:
    assert await house.accounts.user_name("who") == "who"


@pytest.mark.parametrize("turns", range(10))
async def test_no_key_is_found_valid_after_the_news_of_its_end(house: House, turns: int) -> None:
    key = await house.new_key((await house.sign_up()).cookie())
    raw, user_id = str(key["key"]), str(key["userId"])

    async def verify() -> tuple[bool, int]:
        valid = await house.accounts.verify_key(raw) is not None
        return valid, len(house.revoked)

    async def delete() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await house.accounts.keys.delete(user_id, str(key["id"]))

    deleting = asyncio.create_task(delete())
    found: list[tuple[bool, int]] = []
    while not deleting.done():
        found += await asyncio.gather(verify(), verify())
    await deleting
    found.append(await verify())
    # A socket that is let in after the news would never be cut.
    assert [entry for entry in found if entry[0] and entry[1]] == []
    assert found[-1] == (False, 1)


@pytest.mark.parametrize("turns", range(10))
async def test_no_session_is_found_alive_after_the_news_of_its_end(house: House, turns: int) -> None:
    reply = await house.sign_up()
    token = str(reply.json()["token"])
    user = reply.json()["user"]
    assert isinstance(user, dict)

    async def find() -> tuple[bool, int]:
        alive = await house.accounts.sessions.find(token) is not None
        return alive, len(house.revoked)

    async def revoke() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await house.accounts.sessions.revoke(str(user["id"]), token)

    revoking = asyncio.create_task(revoke())
    found: list[tuple[bool, int]] = []
    while not revoking.done():
        found += await asyncio.gather(find(), find())
    await revoking
    found.append(await find())
    assert [entry for entry in found if entry[0] and entry[1]] == []
    assert found[-1] == (False, 1)


async def test_a_read_that_a_drop_overtakes_is_read_again() -> None:
    cache: Cache[str] = Cache(4)
    rows = iter(["old", "new"])

    async def fetch() -> str:
        row = next(rows)
        if row == "old":
            cache.drop_key("other")
        return row

    assert await cache.read(fetch) == ("new", cache.ticket)


async def test_a_revocation_whose_caller_leaves_still_empties_the_cache_and_tells(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    raw = str(key["key"])
    assert await house.accounts.verify_key(raw) is not None
    caller = asyncio.create_task(house.accounts.keys.delete(str(key["userId"]), str(key["id"])))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await house.accounts._steps.close()
    assert await house.accounts.verify_key(raw) is None
    assert len(house.revoked) == 1


async def test_a_removed_user_is_gone_everywhere(house: House, storage: Storage) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    header = {"x-api-key": str(key["key"])}
    assert (await house.get("/api/me", cookie)).status == 200
    assert (await house.get("/api/me", header)).status == 200
    assert await house.accounts.users.remove(str(key["userId"]))
    assert (await house.get("/api/me", cookie)).status == 401
    assert (await house.get("/api/me", header)).status == 401
    assert house.removed == [UserRemoved(str(key["userId"]))]
    for table in ("user", "account", "cookie_session", "apikey"):
        assert await storage.fetch_all(f"SELECT * FROM {table}") == []
    assert not await house.accounts.users.remove(str(key["userId"]))


async def test_each_revocation_names_exactly_what_it_ended(house: House) -> None:
    first = await house.sign_up()
    cookie = first.cookie()
    user = first.json()["user"]
    assert isinstance(user, dict)
    user_id = str(user["id"])
    session_id = (await house.accounts.resolve(request(cookie))).credential_id
    one = await house.new_key(cookie)
    two = await house.new_key(cookie)
    await house.auth("/api-key/delete", {"keyId": one["id"]}, cookie)
    await house.auth("/api-key/update", {"keyId": two["id"], "enabled": False}, cookie)
    await house.auth("/sign-out", {}, cookie)
    assert house.revoked == [
        CredentialsRevoked(user_id, frozenset({str(one["id"])})),
        CredentialsRevoked(user_id, frozenset({str(two["id"])})),
        CredentialsRevoked(user_id, frozenset({session_id})),
    ]


async def test_the_caches_are_bounded(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, with_limits(cached_credentials=5)) as house:
        cookie = (await house.sign_up()).cookie()
        for _ in range(12):
            key = await house.new_key(cookie)
            assert await house.accounts.verify_key(str(key["key"])) is not None
        assert len(house.accounts.keys._cache) == 5


async def test_sessions_and_keys_survive_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        cookie = (await house.sign_up()).cookie()
        key = await house.new_key(cookie)
    async with open_house(storage, clock) as house:
        assert (await house.get("/api/me", cookie)).status == 200
        assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).status == 200
    async with open_house(storage, clock, replace(CONFIG, secret=b"another")) as house:
        assert (await house.get("/api/me", cookie)).status == 401


# Failed sign-ins


async def test_nobody_can_lock_the_owner_out(storage: Storage, clock: ManualClock) -> None:
    limits = replace(CONFIG.limits.sign_in, free_failures=3, first_delay=0.05, most_delay=0.2, address_failures=4)
    config = replace(with_limits(sign_in=limits), auth_rate_limit=True)
    async with open_house(storage, clock, config) as house:
        await house.sign_up()
        for number in range(12):
            reply = await house.auth(
                "/sign-in/email",
                {"email": EMAIL, "password": "Wrong-Passw0rd"},
                {"X-Forwarded-For": f"198.51.100.{number}"},
            )
            assert reply.status == 401
        started = time.monotonic()
        reply = await house.sign_in()
        took = time.monotonic() - started
        assert reply.status == 200
        assert 0.2 <= took < 6.0
        # Success forgets the failures.
        assert house.accounts.attempts.delay(EMAIL) == 0


async def test_an_address_that_fails_too_often_is_blocked_with_the_right_password_too(
    storage: Storage, clock: ManualClock
) -> None:
    limits = replace(CONFIG.limits.sign_in, address_failures=4)
    async with open_house(storage, clock, with_limits(sign_in=limits)) as house:
        await house.sign_up()
        for number in range(4):
            assert (await house.sign_in(f"{number}@example.com", "Wrong-Passw0rd")).status == 401
        blocked = await house.sign_in()
        assert blocked.status == 429
        assert blocked.headers["Retry-After"] == "900"
        register = await house.post("/api/register", {"name": "", "email": EMAIL, "password": PASSWORD})
        assert register.status == 429
        elsewhere = await house.auth(
            "/sign-in/email", {"email": EMAIL, "password": PASSWORD}, {"X-Forwarded-For": "198.51.100.1"}
        )
        assert elsewhere.status == 200
        clock.advance(900.1)
        assert (await house.sign_in()).status == 200


async def quickest(ask: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(5):
        # The process's own CPU time: a busy machine does not blur it, and scrypt's threads count.
        started = time.process_time()
        await ask()
        times.append(time.process_time() - started)
    return min(times)


async def test_unknown_users_take_as_long_as_known_ones(house: House) -> None:
    await house.sign_up()
    known = await quickest(lambda: house.sign_in(EMAIL, "Wrong-Passw0rd"))
    unknown = await quickest(lambda: house.sign_in("who@example.com", "Wrong-Passw0rd"))
    assert max(known, unknown) < 3 * min(known, unknown)


async def test_a_slow_down_is_the_same_for_unknown_users(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock) as house:
        await house.sign_up()
        for email in (EMAIL, "who@example.com"):
            for _ in range(5):
                await house.sign_in(email, "Wrong-Passw0rd")
        counts = [house.accounts.attempts._accounts.get(email) for email in (EMAIL, "who@example.com")]
        assert [entry.count if entry else None for entry in counts] == [5, 5]


async def test_many_sign_ins_at_once_never_stop_the_loop(house: House) -> None:
    await house.sign_up()
    key = await house.new_key((await house.sign_in()).cookie())
    header = {"x-api-key": str(key["key"])}
    await house.get("/api/me", header)
    signing_in = [asyncio.create_task(house.sign_in()) for _ in range(8)]
    slowest = 0.0
    asked = 0
    while not all(task.done() for task in signing_in):
        started = time.perf_counter()
        assert (await house.get("/api/me", header)).status == 200
        slowest = max(slowest, time.perf_counter() - started)
        asked += 1
    assert [task.result().status for task in signing_in] == [200] * 8
    assert asked > 8
    assert slowest < 5.0


async def test_a_full_queue_of_password_checks_is_503_with_a_time(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, with_limits(password_threads=1, password_queue=0)) as house:
        await house.accounts.users.create(email=EMAIL, name="Jo", password=PASSWORD, grant=OPERATOR)
        replies = await asyncio.gather(*(house.sign_in() for _ in range(4)))
        statuses = sorted(reply.status for reply in replies)
        assert statuses[0] == 200
        assert 503 in statuses
        busy = next(reply for reply in replies if reply.status == 503)
        assert busy.headers["Retry-After"] == "1"
