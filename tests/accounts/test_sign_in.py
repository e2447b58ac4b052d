"""Sign up, in, out: rest-account.md 2.2 and the acceptance checks 1 and 2."""

from __future__ import annotations

import re

from tests.accounts.house import EMAIL, PASSWORD, House


async def test_check_01_first_sign_up_sets_the_cookie_and_the_second_is_refused(house: House) -> None:
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


async def test_check_02_get_session_without_a_live_session_is_null(house: House) -> None:
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
