"""Whatever is sent to the account routes, the answer is a clear one and never a 5xx."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts.house import EMAIL, PASSWORD, House

PATHS = (
    "/api/register",
    "/api/auth/sign-up/email",
    "/api/auth/sign-in/email",
    "/api/auth/sign-out",
    "/api/auth/change-password",
    "/api/auth/update-user",
    "/api/auth/revoke-session",
    "/api/auth/api-key/create",
    "/api/auth/api-key/update",
    "/api/auth/api-key/delete",
)
FIELDS = (
    *("name", "email", "password", "image", "callbackURL", "rememberMe", "setupCode", "currentPassword", "newPassword"),
    *("revokeOtherSessions", "token", "keyId", "prefix", "expiresIn", "remaining", "metadata", "enabled", "userId"),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=40)
    | st.sampled_from([EMAIL, PASSWORD, "", "\x00", "a" * 3000, "\ud800"])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
async def test_any_body_gets_a_clear_answer(house: House, path: str, body: dict[str, object]) -> None:
    headers = {"Content-Type": "application/json", **house.origin}
    reply = await house.ask("POST", path, data=json.dumps(body).encode("ascii"), headers=headers)
    assert reply.status < 500, reply.body
    if reply.status >= 400 and reply.body:
        shown = reply.json()
        assert "message" in shown or "error" in shown


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80),
    cookie=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
)
async def test_any_credential_is_401(house: House, key: str, cookie: str) -> None:
    for headers in (
        {"x-api-key": key},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": key},
        {"Cookie": cookie},
        {"Cookie": f"better-auth.session_token={cookie}"},
    ):
        assert (await house.get("/api/me", headers)).status == 401


async def test_bytes_that_are_no_text_in_a_credential_are_401(house: House) -> None:
    for headers in ({"x-api-key": "\xff\xfe"}, {"Cookie": "better-auth.session_token=\xff"}):
        assert (await house.get("/api/me", headers)).status == 401


async def test_a_browser_name_that_is_no_text_is_stored(house: House) -> None:
    reply = await house.auth(
        "/sign-up/email", {"name": "x", "email": EMAIL, "password": PASSWORD}, {"User-Agent": "\xff" + "x" * 5000}
    )
    assert reply.status == 200
    (session,) = (await house.get("/api/auth/list-sessions", reply.cookie())).items()
    assert len(str(session["userAgent"])) == 1024
