"""The common rules of `/api/auth/*`: rest-account.md 2.1, 2.4, 2.5."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from relay.accounts.api_keys import digest
from relay.accounts.auth_errors import error_code
from relay.storage import Storage, Transaction
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, open_house
from tests.clock import ManualClock

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Invalid email or password", "INVALID_EMAIL_OR_PASSWORD"),
        (
            "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
            "CROSSSITE_NAVIGATION_LOGIN_BLOCKED_THIS_REQUEST_APPEARS_TO_BE_A_CSRF_ATTACK",
        ),
        ("No values to update.", "NO_VALUES_TO_UPDATE"),
    ],
)
def test_codes_are_derived_from_messages(message: str, code: str) -> None:
    assert error_code(message) == code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/auth"),
        ("GET", "/api/auth/"),
        ("GET", "/api/auth/nothing"),
        ("GET", "/api/auth/sign-in/email"),
        ("POST", "/api/auth/get-session"),
        ("GET", "/api/auth/get-session/"),
        ("GET", "/api/auth//get-session"),
        ("OPTIONS", "/api/auth/get-session"),
        ("HEAD", "/api/auth/get-session"),
        ("POST", "/api/auth/sign-in/social"),
        ("POST", "/api/auth/request-password-reset"),
    ],
)
async def test_what_does_not_exist_is_an_empty_404_without_a_type(house: House, method: str, path: str) -> None:
    reply = await house.ask(method, path, headers={"Origin": "https://evil.example", "Cookie": "a=b"})
    assert (reply.status, reply.body) == (404, b"")
    assert "Content-Type" not in reply.headers


@pytest.mark.parametrize("path", ["/api-key/list", "/list-sessions", "/api-key/get?id=x"])
async def test_a_guarded_get_without_a_session_is_an_empty_401_with_a_json_type(house: House, path: str) -> None:
    reply = await house.get("/api/auth" + path)
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (401, b"", "application/json")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api-key/delete", {"keyId": "x"}),
        ("/revoke-session", {"token": "x"}),
        ("/revoke-sessions", {}),
        ("/revoke-other-sessions", {}),
        ("/update-user", {"name": "x"}),
        ("/change-password", {"currentPassword": "x", "newPassword": "Abcdefg1"}),
    ],
)
async def test_a_guarded_post_without_a_session_is_an_empty_401(house: House, path: str, body: object) -> None:
    reply = await house.auth(path, body)
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (401, b"", "application/json")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{'a': 1}", b'{"a": NaN}'])
async def test_broken_json_is_400(house: House, body: bytes) -> None:
    reply = await house.ask("POST", "/api/auth/sign-out", data=body, headers=JSON)
    assert (reply.status, reply.json()) == (400, {"code": "INVALID_JSON", "message": "Invalid JSON body"})


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "array"), (b"null", "null"), (b'"x"', "string"), (b"1", "number")])
async def test_json_that_is_no_object_is_a_validation_error(house: House, body: bytes, kind: str) -> None:
    reply = await house.ask("POST", "/api/auth/sign-out", data=body, headers=JSON)
    message = f"[body] Invalid input: expected object, received {kind}"
    assert (reply.status, reply.json()) == (400, {"code": "VALIDATION_ERROR", "message": message})


async def test_a_wrong_content_type_is_415(house: House) -> None:
    reply = await house.ask("POST", "/api/auth/sign-out", data=b"{}", headers={"Content-Type": "text/plain"})
    message = 'Content-Type "text/plain" is not allowed. Allowed types: application/json'
    assert (reply.status, reply.json()) == (415, {"code": "UNSUPPORTED_MEDIA_TYPE", "message": message})
    form = await house.ask(
        "POST", "/api/auth/sign-out", data=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert form.status == 415


async def test_no_content_type_is_415_body_or_not(house: House) -> None:
    for data in (None, b"{}"):
        async with house.http.post(
            house.url + "/api/auth/sign-out", data=data, skip_auto_headers=["Content-Type"]
        ) as response:
            message = "Content-Type is required. Allowed types: application/json"
            assert response.status == 415
            assert await response.json() == {"code": "UNSUPPORTED_MEDIA_TYPE", "message": message}


async def test_a_body_over_the_limit_is_413(house: House) -> None:
    reply = await house.ask("POST", "/api/auth/sign-out", data=io.BytesIO(b" " * 1_048_577), headers=JSON)
    assert reply.status == 413


async def test_ok_answers(house: House) -> None:
    reply = await house.get("/api/auth/ok")
    assert (reply.body, reply.headers["Content-Type"]) == (b'{"ok":true}', "application/json")


# x-api-key is checked first


async def test_a_bad_key_is_refused_before_the_endpoint_runs(house: House) -> None:
    body = {"code": "INVALID_API_KEY", "message": "Invalid API key."}
    for path in ("/get-session", "/ok", "/api-key/list"):
        short = await house.get("/api/auth" + path, {"x-api-key": "short"})
        assert (short.status, short.json()) == (403, body)
        unknown = await house.get("/api/auth" + path, {"x-api-key": "x" * 64})
        assert (unknown.status, unknown.json()) == (401, body)


async def test_a_short_key_that_is_stored_works(house: House, storage: Storage) -> None:
    key = await house.new_key((await house.sign_up()).cookie())

    async def shorten(tx: Transaction) -> None:
        await tx.execute("UPDATE apikey SET key = ? WHERE id = ?", (digest("short"), key["id"]))

    await storage.write(shorten)
    assert (await house.get("/api/auth/api-key/list", {"x-api-key": "short"})).status == 200


async def test_a_bad_bearer_is_passed_over(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    reply = await house.get("/api/auth/api-key/list", cookie | {"Authorization": "Bearer nonsense"})
    assert reply.status == 200


async def test_a_key_acts_as_its_user_even_beside_another_users_cookie(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as house:
        one = await house.sign_up("one@example.com")
        two = await house.sign_up("two@example.com")
        key = await house.new_key(one.cookie())
        headers = two.cookie() | {"x-api-key": str(key["key"])}
        session = (await house.get("/api/auth/get-session", headers)).json()
        assert session["user"] == one.json()["user"]


# Origin (2.4)


async def test_account_12_a_cookie_needs_a_trusted_origin(house: House) -> None:
    cookie = (await house.sign_up()).cookie()

    async def out(headers: dict[str, str]) -> tuple[int, object]:
        reply = await house.post("/api/auth/sign-out", {}, headers)
        return reply.status, reply.code

    assert await out(cookie | {"Origin": "https://evil.example"}) == (403, "INVALID_ORIGIN")
    assert await out(cookie | {"Origin": "null"}) == (403, "MISSING_OR_NULL_ORIGIN")
    assert await out(cookie | {"Sec-Fetch-Site": "cross-site"}) == (403, "MISSING_OR_NULL_ORIGIN")
    assert await out(cookie) == (403, "MISSING_OR_NULL_ORIGIN")
    assert await out(cookie | {"Referer": "https://evil.example/page"}) == (403, "INVALID_ORIGIN")
    assert await out({"Origin": "https://evil.example"}) == (200, None)
    assert await out({"Cookie": "unrelated=1", "Origin": "https://evil.example"}) == (403, "INVALID_ORIGIN")
    assert (await house.get("/api/me", cookie)).status == 200
    assert await out(cookie | {"Referer": house.url + "/page?x=1"}) == (200, None)
    assert (await house.get("/api/me", cookie)).status == 401


async def test_account_12_the_own_origin_passes(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    assert (await house.post("/api/auth/sign-out", {}, cookie | house.origin)).status == 200


async def test_reading_needs_no_origin(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    assert (await house.get("/api/auth/get-session", cookie | {"Origin": "https://evil.example"})).body != b"null"


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 200, None),
        ({"Origin": "https://evil.example"}, 200, None),
        (
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"},
            403,
            "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
        ),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403, "Missing or null Origin"),
        ({"Sec-Fetch-Dest": "empty", "Origin": "https://evil.example"}, 403, "Invalid origin"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "OWN"}, 200, None),
    ],
)
async def test_sign_in_without_a_cookie_looks_at_fetch_metadata(
    house: House, headers: dict[str, str], status: int, message: str | None
) -> None:
    await house.sign_up()
    sent = {name: house.url if value == "OWN" else value for name, value in headers.items()}
    reply = await house.post("/api/auth/sign-in/email", {"email": EMAIL, "password": PASSWORD}, sent)
    assert reply.status == status
    assert reply.json().get("message") == message


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://configured.example", 200),
        ("https://a.wild.example", 200),
        ("https://a.b.wild.example", 200),
        ("https://evil.example/.wild.example", 403),
        ("https://wild.example", 403),
        ("http://a.wild.example", 403),
        ("https://configured.example.evil.example", 403),
    ],
)
async def test_configured_origins_may_have_wildcards(
    storage: Storage, clock: ManualClock, origin: str, status: int
) -> None:
    config = replace(CONFIG, auth_origins=("https://configured.example/", "https://*.wild.example"))
    async with open_house(storage, clock, config) as house:
        reply = await house.post("/api/auth/sign-out", {}, {"Cookie": "a=b", "Origin": origin})
        assert reply.status == status


# Pace (2.5)


async def test_sign_in_is_limited_per_address_by_default(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, auth_rate_limit=True)) as house:
        await house.sign_up()
        assert [(await house.sign_in()).status for _ in range(3)] == [200, 200, 200]
        reply = await house.sign_in()
        assert reply.status == 429
        assert (reply.headers["X-Retry-After"], reply.headers["Retry-After"]) == ("10", "10")
        assert reply.headers["Content-Type"] == "application/json"
        message = "Too many requests. Please try again later."
        assert reply.json() == {"code": "TOO_MANY_REQUESTS", "message": message, "error": message}
        elsewhere = await house.auth(
            "/sign-in/email", {"email": EMAIL, "password": PASSWORD}, {"X-Forwarded-For": "198.51.100.7"}
        )
        assert elsewhere.status == 200
        clock.advance(10.1)
        assert (await house.sign_in()).status == 200


async def test_other_endpoints_allow_a_hundred(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, auth_rate_limit=True)) as house:
        statuses = [(await house.get("/api/auth/ok")).status for _ in range(101)]
        assert statuses == [200] * 100 + [429]
        assert (await house.get("/api/auth/get-session")).status == 200


async def test_the_limit_can_be_switched_off(house: House) -> None:
    await house.sign_up()
    assert [(await house.sign_in()).status for _ in range(5)] == [200] * 5


# Trouble


async def test_a_database_that_fails_is_503_and_never_a_sign_out(house: House, storage: Storage) -> None:
    cookie = (await house.sign_up()).cookie()
    await storage.close()
    for path in ("/api/auth/get-session", "/api/me"):
        reply = await house.get(path, cookie)
        assert (reply.status, reply.cookies) == (503, [])
    assert (await house.get("/api/me", {"x-api-key": "x" * 64})).status == 503
