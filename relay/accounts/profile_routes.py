"""Change the password and the name, list and revoke sessions (rest-account.md 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp_session import get_session

from relay.accounts import schemas
from relay.accounts.accounts import Accounts
from relay.accounts.auth_area import AuthCall, Endpoint, answer
from relay.accounts.auth_errors import denied
from relay.accounts.auth_routes import check_length
from relay.accounts.passwords import POLICY_SUMMARY, meets_policy
from relay.accounts.session_storage import sign_in
from relay.accounts.validation import Field, Kind

_CHANGE_PASSWORD: Final = (
    Field("newPassword", Kind.STRING, required=True),
    Field("currentPassword", Kind.STRING, required=True),
    Field("revokeOtherSessions", Kind.BOOLEAN),
)
_UPDATE_USER: Final = (Field("name", Kind.STRING), Field("image", Kind.STRING, nullable=True))


def _check_policy(body: Mapping[str, object]) -> None:
    """Hold a new password to the policy before anything else is looked at (rest-account.md 2.2, step 1)."""
    if "newPassword" in body and not meets_policy(body["newPassword"]):
        raise denied(400, POLICY_SUMMARY, code="WEAK_PASSWORD", extra={"error": POLICY_SUMMARY})


class Profile:
    """Answer the endpoints of a signed-in user's own account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def endpoints(self) -> list[Endpoint]:
        """Answer the rows."""
        return [
            Endpoint(
                "POST",
                "/change-password",
                self.change_password,
                "Change the password",
                fields=_CHANGE_PASSWORD,
                precheck=_check_policy,
                answers=schemas.PasswordChanged,
            ),
            Endpoint(
                "POST",
                "/update-user",
                self.update_user,
                "Change name or image",
                fields=_UPDATE_USER,
                answers=schemas.Status,
            ),
            Endpoint(
                "GET",
                "/list-sessions",
                self.list_sessions,
                "List the unexpired cookie sessions",
                answers=list[schemas.AuthSession],
            ),
            Endpoint(
                "POST",
                "/revoke-session",
                self.revoke_session,
                "Revoke one cookie session",
                fields=(Field("token", Kind.STRING, required=True),),
                answers=schemas.Status,
            ),
            Endpoint(
                "POST", "/revoke-sessions", self.revoke_sessions, "Revoke all cookie sessions", answers=schemas.Status
            ),
            Endpoint(
                "POST",
                "/revoke-other-sessions",
                self.revoke_other_sessions,
                "Revoke all cookie sessions but this one",
                answers=schemas.Status,
            ),
        ]

    async def change_password(self, call: AuthCall) -> web.Response:
        """Answer `POST /change-password`; with `revokeOtherSessions` all sessions end and this browser gets a new one.

        A wrong current password counts as a failed sign-in: a stolen session must not be a place to guess.
        """
        caller = await call.required()
        fields = call.fields
        new = fields.text("newPassword")
        check_length(new)
        users = self._accounts.users
        login = await users.login_of(caller.user)
        if login is None or login.password is None:
            raise denied(400, "Credential account not found")
        address = self._accounts.address.ip(call.request)
        if await users.authenticate(caller.user.email, fields.text("currentPassword"), address) is None:
            raise denied(400, "Invalid password")
        revoke = fields.flag("revokeOtherSessions", default=False)
        await users.set_password(caller.user.id, new, revoke_sessions=revoke)
        user = await users.get(caller.user.id) or caller.user
        token = None
        if revoke:
            token = await sign_in(call.request, user.id, remember=self._accounts.sessions.is_remembered(call.request))
        return answer({"token": token, "user": user.wire()})

    async def update_user(self, call: AuthCall) -> web.Response:
        """Answer `POST /update-user`."""
        if call.fields.raw("email"):
            raise denied(400, "Email can not be updated")
        caller = await call.required()
        fields = call.fields
        if "name" not in fields and "image" not in fields:
            raise denied(400, "No fields to update")
        await self._accounts.users.update(
            caller.user,
            name=fields.text_or_none("name"),
            image=fields.text_or_none("image"),
            sets_image="image" in fields,
        )
        if caller.session is not None:
            (await get_session(call.request)).changed()
        return answer({"status": True})

    async def list_sessions(self, call: AuthCall) -> web.Response:
        """Answer `GET /list-sessions`."""
        caller = await call.required()
        sessions = await self._accounts.sessions.of_user(caller.user.id)
        return answer([session.wire() for session in sessions])

    async def revoke_session(self, call: AuthCall) -> web.Response:
        """Answer `POST /revoke-session`, the same for an unknown token and a stranger's."""
        caller = await call.required()
        await self._accounts.sessions.revoke(caller.user.id, call.fields.text("token"))
        return answer({"status": True})

    async def revoke_sessions(self, call: AuthCall) -> web.Response:
        """Answer `POST /revoke-sessions`, the caller's own included."""
        caller = await call.required()
        await self._accounts.sessions.revoke_all(caller.user.id)
        return answer({"status": True})

    async def revoke_other_sessions(self, call: AuthCall) -> web.Response:
        """Answer `POST /revoke-other-sessions`; for the owner of a key every session is another one."""
        caller = await call.required()
        mine = None if caller.session is None else caller.session.token
        await self._accounts.sessions.revoke_all(caller.user.id, except_token=mine)
        return answer({"status": True})
