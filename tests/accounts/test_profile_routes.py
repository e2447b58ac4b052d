"""Passwords, names and sessions of a signed-in user: rest-account.md 2.2."""

from __future__ import annotations

import pytest

from relay.accounts.passwords import POLICY_SUMMARY
from relay.accounts.users import OPERATOR
from relay.storage import Storage, Transaction
from tests.accounts.house import PASSWORD, House

NEW = "Brand-new-1"


async def test_change_password_with_revocation_leaves_one_new_session(house: House) -> None:
    first = (await house.sign_up()).cookie()
    second = (await house.sign_in()).cookie()
    key = await house.new_key(first)
    body = {"currentPassword": PASSWORD, "newPassword": NEW, "revokeOtherSessions": True}
    reply = await house.auth("/change-password", body, first)
    assert reply.status == 200
    assert list(reply.json()) == ["token", "user"]
    assert len(reply.cookies) == 1
    assert [(await house.get("/api/me", cookie)).status for cookie in (first, second, reply.cookie())] == [
        401,
        401,
        200,
    ]
    assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).status == 200
    assert len((await house.get("/api/auth/list-sessions", reply.cookie())).items()) == 1
    assert (await house.sign_in()).status == 401
    assert (await house.sign_in(password=NEW)).status == 200
    (event,) = house.revoked
    assert len(event.credential_ids) == 2


async def test_change_password_without_revocation_keeps_every_session(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    reply = await house.auth("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, cookie)
    assert (reply.status, reply.json()["token"], reply.cookies) == (200, None, [])
    assert (await house.get("/api/me", cookie)).status == 200
    assert house.revoked == []


async def test_change_password_with_a_key(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    body = {"currentPassword": PASSWORD, "newPassword": NEW, "revokeOtherSessions": True}
    reply = await house.auth("/change-password", body, {"x-api-key": str(key["key"])})
    assert reply.status == 200
    assert (await house.get("/api/me", reply.cookie())).status == 200
    assert (await house.get("/api/me", cookie)).status == 401


@pytest.mark.parametrize("weak", ["short", "alllowercase1", 7, None])
async def test_a_new_password_against_the_policy_is_refused_before_anything_else(house: House, weak: object) -> None:
    reply = await house.auth("/change-password", {"currentPassword": PASSWORD, "newPassword": weak})
    assert (reply.status, reply.json()) == (
        400,
        {"code": "WEAK_PASSWORD", "message": POLICY_SUMMARY, "error": POLICY_SUMMARY},
    )


async def test_change_password_errors_in_their_order(house: House, storage: Storage) -> None:
    cookie = (await house.sign_up()).cookie()
    missing = await house.auth("/change-password", {"currentPassword": PASSWORD}, cookie)
    assert (missing.status, missing.code) == (400, "VALIDATION_ERROR")
    long = {"currentPassword": PASSWORD, "newPassword": "Ab1" + "\U0001f600" * 100}
    assert (await house.auth("/change-password", long)).status == 401
    too_long = await house.auth("/change-password", long, cookie)
    assert (too_long.status, too_long.code) == (400, "PASSWORD_TOO_LONG")
    wrong = await house.auth("/change-password", {"currentPassword": "wrong", "newPassword": NEW}, cookie)
    assert (wrong.status, wrong.json()) == (400, {"code": "INVALID_PASSWORD", "message": "Invalid password"})

    async def drop_account(tx: Transaction) -> None:
        await tx.execute("DELETE FROM account")

    await storage.write(drop_account)
    none = await house.auth("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, cookie)
    assert (none.status, none.code) == (400, "CREDENTIAL_ACCOUNT_NOT_FOUND")


async def test_update_user_changes_the_name_everywhere_at_once(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    header = {"x-api-key": str(key["key"])}
    assert (await house.get("/api/me", cookie)).json()["userName"] == "Jo"
    assert (await house.get("/api/me", header)).json()["userName"] == "Jo"
    user_id = str((await house.get("/api/me", header)).json()["userId"])
    assert await house.accounts.user_name(user_id) == "Jo"

    reply = await house.auth("/update-user", {"name": "Johanna", "image": "https://x/i.png"}, cookie)
    assert (reply.status, reply.json()) == (200, {"status": True})
    assert [line.partition(";")[0] for line in reply.cookies] == [cookie["Cookie"]]
    assert (await house.get("/api/me", cookie)).json()["userName"] == "Johanna"
    assert (await house.get("/api/me", header)).json()["userName"] == "Johanna"
    assert await house.accounts.user_name(user_id) == "Johanna"
    user = (await house.get("/api/auth/get-session", cookie)).json()["user"]
    assert isinstance(user, dict)
    assert (user["name"], user["image"]) == ("Johanna", "https://x/i.png")

    assert (await house.auth("/update-user", {"image": None}, header)).cookies == []
    user = (await house.get("/api/auth/get-session", cookie)).json()["user"]
    assert isinstance(user, dict)
    assert (user["name"], user["image"]) == ("Johanna", None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "NO_FIELDS_TO_UPDATE"),
        ({"other": 1}, "NO_FIELDS_TO_UPDATE"),
        ({"email": "new@example.com"}, "EMAIL_CAN_NOT_BE_UPDATED"),
        ({"name": 7}, "VALIDATION_ERROR"),
    ],
)
async def test_update_user_errors(house: House, body: object, code: str) -> None:
    cookie = (await house.sign_up()).cookie()
    reply = await house.auth("/update-user", body, cookie)
    assert (reply.status, reply.code) == (400, code)


async def test_sessions_are_listed_and_revoked(house: House) -> None:
    first, second, third = [await house.sign_up(), await house.sign_in(), await house.sign_in()]
    tokens = [reply.json()["token"] for reply in (first, second, third)]
    listed = (await house.get("/api/auth/list-sessions", first.cookie())).items()
    assert [entry["token"] for entry in listed] == tokens

    async def alive() -> list[int]:
        return [(await house.get("/api/me", reply.cookie())).status for reply in (first, second, third)]

    assert await alive() == [200, 200, 200]
    for token in (tokens[1], tokens[1], "unknown"):
        reply = await house.auth("/revoke-session", {"token": token}, first.cookie())
        assert (reply.status, reply.json()) == (200, {"status": True})
    assert await alive() == [200, 401, 200]
    assert (await house.auth("/revoke-other-sessions", {}, first.cookie())).json() == {"status": True}
    assert await alive() == [200, 401, 401]
    assert (await house.auth("/revoke-sessions", {}, first.cookie())).json() == {"status": True}
    assert await alive() == [401, 401, 401]
    assert [event.credential_ids for event in house.revoked] == [
        frozenset({listed[1]["id"]}),
        frozenset({listed[2]["id"]}),
        frozenset({listed[0]["id"]}),
    ]


async def test_a_strangers_session_is_not_revoked(house: House) -> None:
    mine = await house.sign_up()
    await house.accounts.users.create(email="b@example.com", name="B", password=PASSWORD, grant=OPERATOR)
    other = await house.sign_in("b@example.com")
    reply = await house.auth("/revoke-session", {"token": mine.json()["token"]}, other.cookie())
    assert reply.json() == {"status": True}
    assert (await house.get("/api/me", mine.cookie())).status == 200


async def test_revoke_other_sessions_with_a_key_revokes_all(house: House) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    await house.auth("/revoke-other-sessions", {}, {"x-api-key": str(key["key"])})
    assert (await house.get("/api/me", cookie)).status == 401
