"""Sign up, in, out: rest-account.md 2.2 and the acceptance checks 1 and 2."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from relay.storage import Storage, Transaction
from tests.accounts.house import CONFIG, EMAIL, PASSWORD, House, open_house
from tests.clock import ManualClock


async def test_account_01_first_sign_up_sets_the_cookie_and_the_second_is_refused(house: House) -> None:
    first = await house.sign_up()
    assert first.status == 200
    assert first.headers["Content-Type"] == "application/json"
    (cookie,) = first.cookies
    token = first.json()["token"]
    assert isinstance(token, str)
    assert re.fullmatch(r"[a-zA-Z0-9]{32}", token)
    signed = house.accounts.sessions.signed(token)
    assert cookie == f"better-auth.session_token={signed}; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"

    second = await house.sign_up("other@example.com")
    assert second.status == 403
    message = "Signups are disabled. Contact the administrator."
    assert second.json() == {"error": message, "code": "SIGNUPS_DISABLED", "message": message}


async def test_sign_up_answers_the_user(house: House) -> None:
    reply = await house.sign_up("Jo@Example.COM", name="")
    user = reply.json()["user"]
    assert isinstance(user, dict)
    assert list(user) == ["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"]
    assert user["name"] == ""
    assert user["email"] == EMAIL
    assert user["emailVerified"] is False
    assert user["image"] is None
    assert user["createdAt"] == user["updatedAt"] == "2026-01-01T00:00:00.000Z"


async def test_account_02_get_session_without_a_live_session_is_null(house: House) -> None:
    nobody = await house.get("/api/auth/get-session")
    assert (nobody.status, nobody.body, nobody.cookies) == (200, b"null", [])

    signed_up = await house.sign_up()
    cookie = signed_up.cookie()
    live = (await house.get("/api/auth/get-session", cookie)).json()
    assert isinstance(live["session"], dict)
    assert live["session"]["token"] == signed_up.json()["token"]

    tampered = {"Cookie": cookie["Cookie"].replace("session_token=", "session_token=x", 1)}
    refused = await house.get("/api/auth/get-session", tampered)
    assert (refused.status, refused.body, refused.cookies) == (200, b"null", [])

    out = await house.auth("/sign-out", {}, cookie)
    assert out.json() == {"success": True}
    assert out.cookies == [
        f"better-auth.{name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        for name in ("session_token", "session_data", "dont_remember")
    ]
    after = await house.get("/api/auth/get-session", cookie)
    assert (after.status, after.body) == (200, b"null")
    # A well-signed cookie of a session that is gone is cleared, a wrongly signed one is left alone.
    assert len(after.cookies) == 3


async def test_sign_in_answers_token_and_user_and_never_redirects(house: House) -> None:
    await house.sign_up()
    reply = await house.sign_in()
    body = reply.json()
    assert reply.status == 200
    assert list(body) == ["redirect", "token", "user"]
    assert body["redirect"] is False
    me = await house.get("/api/me", reply.cookie())
    assert me.json()["userName"] == "Jo"


async def test_sign_in_takes_a_form(house: House) -> None:
    await house.sign_up()
    reply = await house.ask(
        "POST",
        "/api/auth/sign-in/email",
        data=f"email={EMAIL}&password={PASSWORD}".encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert reply.status == 200


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (
            {"name": "x", "password": PASSWORD},
            400,
            "VALIDATION_ERROR",
            "[body.email] Invalid input: expected string, received undefined",
        ),
        (
            {"name": "x", "email": " jo@example.com", "password": PASSWORD},
            400,
            "VALIDATION_ERROR",
            "[body.email] Invalid email address",
        ),
        (
            {"email": 7, "password": None},
            400,
            "VALIDATION_ERROR",
            "[body.name] Invalid input: expected string, received undefined; "
            "[body.email] Invalid input: expected string, received number; "
            "[body.password] Invalid input: expected string, received null",
        ),
        (
            {"name": "x", "email": EMAIL, "password": ""},
            400,
            "VALIDATION_ERROR",
            "[body.password] Too small: expected string to have >=1 characters",
        ),
        (
            {"name": "x", "email": EMAIL, "password": PASSWORD, "rememberMe": "yes"},
            400,
            "VALIDATION_ERROR",
            "[body.rememberMe] Invalid input: expected boolean, received string",
        ),
        ({"name": "x", "email": EMAIL, "password": "Abcdef1"}, 400, "PASSWORD_TOO_SHORT", "Password too short"),
        ({"name": "x", "email": EMAIL, "password": "a" * 129}, 400, "PASSWORD_TOO_LONG", "Password too long"),
        (
            {"name": "x", "email": EMAIL, "password": "\U0001f600" * 65},
            400,
            "PASSWORD_TOO_LONG",
            "Password too long",
        ),
    ],
)
async def test_sign_up_errors(house: House, body: object, status: int, code: str, message: str) -> None:
    reply = await house.auth("/sign-up/email", body)
    assert (reply.status, reply.json()) == (status, {"code": code, "message": message})
    assert reply.cookies == []
    assert reply.headers["Content-Type"] == "application/json"
    assert (await house.get("/api/signup-status")).json()["signupEnabled"] is True


async def test_sign_up_with_a_taken_email(storage: Storage, clock: ManualClock) -> None:
    async with open_house(storage, clock, replace(CONFIG, open_signup=True)) as house:
        assert (await house.sign_up()).status == 200
        taken = await house.sign_up("JO@example.com")
        message = "User already exists. Use another email."
        assert (taken.status, taken.json()) == (
            422,
            {"code": "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "message": message},
        )
        assert (await house.sign_up("other@example.com")).status == 200


async def test_a_weak_password_of_eight_characters_is_enough_for_sign_up(house: House) -> None:
    assert (await house.sign_up(password="        ")).status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": EMAIL, "password": "wrong-Passw0rd"}, 401, "INVALID_EMAIL_OR_PASSWORD"),
        ({"email": "who@example.com", "password": PASSWORD}, 401, "INVALID_EMAIL_OR_PASSWORD"),
        ({"email": EMAIL, "password": ""}, 401, "INVALID_EMAIL_OR_PASSWORD"),
        ({"email": "jo", "password": PASSWORD}, 400, "INVALID_EMAIL"),
        ({"email": "", "password": PASSWORD}, 400, "INVALID_EMAIL"),
        ({"email": ["jo"], "password": PASSWORD}, 400, "VALIDATION_ERROR"),
        ({"password": PASSWORD}, 400, "VALIDATION_ERROR"),
    ],
)
async def test_sign_in_errors(house: House, body: object, status: int, code: str) -> None:
    await house.sign_up()
    reply = await house.auth("/sign-in/email", body)
    assert (reply.status, reply.code) == (status, code)
    assert set(reply.json()) == {"code", "message"}
    assert reply.cookies == []


async def test_sign_in_does_not_tell_unknown_users_from_wrong_passwords(house: House, storage: Storage) -> None:
    await house.sign_up()

    async def without_password(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO user (id, name, email, created_at, updated_at) VALUES ('p', 'p', 'p@example.com', '', '')"
        )

    await storage.write(without_password)
    replies = [await house.sign_in(email, "wrong-Passw0rd") for email in (EMAIL, "who@example.com", "p@example.com")]
    assert [reply.status for reply in replies] == [401] * 3
    assert len({reply.body for reply in replies}) == 1
    assert replies[0].json() == {"code": "INVALID_EMAIL_OR_PASSWORD", "message": "Invalid email or password"}


async def test_a_sign_in_whose_email_is_typed_in_capitals_works(house: House) -> None:
    await house.sign_up()
    assert (await house.sign_in("JO@EXAMPLE.com")).status == 200


async def test_a_callback_url_redirects(house: House) -> None:
    await house.sign_up()
    reply = await house.auth("/sign-in/email", {"email": EMAIL, "password": PASSWORD, "callbackURL": "/session/1?a=b"})
    assert reply.status == 200
    assert (reply.json()["redirect"], reply.json()["url"]) == (True, "/session/1?a=b")
    assert reply.headers["Location"] == "/session/1?a=b"


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "//evil.example", "/\\evil.example", "/%2fevil", "javascript:alert(1)", 7]
)
async def test_a_foreign_callback_url_is_refused(house: House, url: object) -> None:
    await house.sign_up()
    reply = await house.auth("/sign-in/email", {"email": EMAIL, "password": PASSWORD, "callbackURL": url})
    assert (reply.status, reply.json()) == (403, {"code": "INVALID_CALLBACKURL", "message": "Invalid callbackURL"})


async def test_without_remember_me_the_cookie_ends_with_the_browser_and_the_row_after_a_day(
    house: House, clock: ManualClock
) -> None:
    await house.sign_up()
    body = {"email": EMAIL, "password": PASSWORD, "rememberMe": False}
    reply = await house.auth("/sign-in/email", body)
    token = str(reply.json()["token"])
    signed = house.accounts.sessions.signed
    assert reply.cookies == [
        f"better-auth.session_token={signed(token)}; Path=/; HttpOnly; SameSite=Lax",
        f"better-auth.dont_remember={signed('true')}; Path=/; HttpOnly; SameSite=Lax",
    ]
    clock.advance(86_399)
    live = await house.get("/api/auth/get-session", reply.cookie())
    session = live.json()["session"]
    assert isinstance(session, dict)
    assert session["expiresAt"] == "2026-01-02T00:00:00.000Z"
    assert live.cookies == []
    clock.advance(1)
    assert (await house.get("/api/auth/get-session", reply.cookie())).body == b"null"


async def test_behind_https_the_cookie_is_secure(house: House) -> None:
    headers = {"X-Forwarded-Proto": "https", "Origin": house.url.replace("http:", "https:")}
    await house.sign_up()
    reply = await house.auth("/sign-in/email", {"email": EMAIL, "password": PASSWORD}, headers)
    (cookie,) = reply.cookies
    assert cookie.startswith("__Secure-better-auth.session_token=")
    assert cookie.endswith("; Max-Age=604800; Path=/; HttpOnly; Secure; SameSite=Lax")
    assert (await house.get("/api/me", reply.cookie())).status == 200
    out = await house.auth("/sign-out", {}, reply.cookie() | headers)
    assert all(line.startswith("__Secure-better-auth.") and "; Secure;" in line for line in out.cookies)


async def test_get_session_describes_session_and_user(house: House) -> None:
    reply = await house.auth(
        "/sign-up/email", {"name": "Jo", "email": EMAIL, "password": PASSWORD}, {"User-Agent": "Browser/1"}
    )
    body = (await house.get("/api/auth/get-session", reply.cookie())).json()
    assert list(body) == ["session", "user"]
    session, user = body["session"], body["user"]
    assert isinstance(session, dict)
    assert isinstance(user, dict)
    assert list(session) == [
        *("id", "token", "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent")
    ]
    assert session["userId"] == user["id"]
    assert session["expiresAt"] == "2026-01-08T00:00:00.000Z"
    assert (session["ipAddress"], session["userAgent"]) == ("127.0.0.1", "Browser/1")
    anonymous = await house.sign_in()
    other = (await house.get("/api/auth/get-session", anonymous.cookie())).json()["session"]
    assert isinstance(other, dict)
    assert other["userAgent"] == ""


async def test_only_get_session_prolongs_a_session_and_at_most_daily(house: House, clock: ManualClock) -> None:
    cookie = (await house.sign_up()).cookie()

    async def ends(query: str = "") -> tuple[str, list[str]]:
        reply = await house.get("/api/auth/get-session" + query, cookie)
        session = reply.json()["session"]
        assert isinstance(session, dict)
        return str(session["expiresAt"]), reply.cookies

    clock.advance(86_399)
    assert await ends() == ("2026-01-08T00:00:00.000Z", [])
    clock.advance(1)
    assert (await house.get("/api/me", cookie)).cookies == []
    assert (await house.get("/api/auth/list-sessions", cookie)).cookies == []
    assert await ends("?disableRefresh=true") == ("2026-01-08T00:00:00.000Z", [])
    moved, cookies = await ends()
    assert moved == "2026-01-09T00:00:00.000Z"
    assert len(cookies) == 1
    assert "; Max-Age=604800;" in cookies[0]
    assert cookies[0].partition(";")[0] == cookie["Cookie"]
    assert await ends() == ("2026-01-09T00:00:00.000Z", [])
    clock.advance(604_799)
    assert (await house.get("/api/me", cookie)).status == 200
    clock.advance(1)
    assert (await house.get("/api/me", cookie)).status == 401


async def test_an_expired_session_is_deleted_and_its_cookie_cleared(
    house: House, clock: ManualClock, storage: Storage
) -> None:
    cookie = (await house.sign_up()).cookie()
    clock.advance(604_800)
    reply = await house.get("/api/auth/get-session", cookie)
    assert (reply.body, len(reply.cookies)) == (b"null", 3)
    assert await storage.fetch_all("SELECT id FROM cookie_session") == []


async def test_sign_out_succeeds_whatever_the_session(house: House) -> None:
    for headers in ({}, {"Cookie": "better-auth.session_token=nonsense"}):
        reply = await house.auth("/sign-out", {}, headers)
        assert (reply.status, reply.json(), len(reply.cookies)) == (200, {"success": True}, 3)


async def test_get_session_with_a_key_makes_a_session_up(house: House) -> None:
    key = await house.new_key((await house.sign_up()).cookie(), {"name": "phone"})
    for header in ({"x-api-key": str(key["key"])}, {"Authorization": f"Bearer {key['key']}"}):
        reply = await house.get("/api/auth/get-session", header)
        session = reply.json()["session"]
        assert isinstance(session, dict)
        assert (session["id"], session["token"]) == (key["id"], key["key"])
        assert session["createdAt"] == session["updatedAt"] == "2026-01-01T00:00:00.000Z"
        assert session["expiresAt"] == "2026-01-08T00:00:00.000Z"
        assert reply.cookies == []
        assert "x-api-key" not in reply.headers


async def test_a_name_that_no_column_could_hold_is_stored_as_a_browser_would(house: House) -> None:
    raw = b'{"name": "a\\ud800b", "email": "jo@example.com", "password": "Passw0rd-of-jo"}'
    reply = await house.ask(
        "POST", "/api/auth/sign-up/email", data=raw, headers=house.origin | {"Content-Type": "application/json"}
    )
    user = reply.json()["user"]
    assert isinstance(user, dict)
    assert user["name"] == "a\ufffdb"
