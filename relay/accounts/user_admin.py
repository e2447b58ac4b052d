"""Do what `relay user` asks for, in the running relay or on a database that no relay holds.

A relay has no mail, so this is where a forgotten password is mended.
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.accounts import emails
from relay.accounts.control import Handler
from relay.accounts.passwords import POLICY_SUMMARY, PasswordsBusy, meets_policy
from relay.accounts.records import User
from relay.accounts.users import OPERATOR, EmailTaken, Users


class AdminError(Exception):
    """Say in one line why a request of the operator's can't be done."""


class UserAdmin:
    """Manage users on the ground that the operator holds the data directory."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def handlers(self) -> dict[str, Handler]:
        """Answer the verbs of the control socket."""
        return {"user.add": self.add, "user.passwd": self.passwd, "user.list": self.list, "user.remove": self.remove}

    async def add(self, request: Mapping[str, object]) -> dict[str, object]:
        """Add the user `email` with `name` and `password`; raises AdminError."""
        email, password = _text(request, "email"), _text(request, "password")
        if not emails.is_registrable(email):
            raise AdminError(f"not an e-mail address: {email}")
        _check_password(password)
        name = _text(request, "name") or email.partition("@")[0]
        try:
            user = await self._users.create(email=email, name=name, password=password, grant=OPERATOR)
        except EmailTaken as error:
            raise AdminError(f"there is a user with the e-mail {emails.normalize(email)} already") from error
        except PasswordsBusy as error:
            raise AdminError("the relay is busy, try again") from error
        return {"user": _wire(user)}

    async def passwd(self, request: Mapping[str, object]) -> dict[str, object]:
        """Give the user `email` a new `password` and end their browser sessions; their keys stay. Raises AdminError."""
        user = await self._user(request)
        password = _text(request, "password")
        _check_password(password)
        try:
            await self._users.set_password(user.id, password, revoke_sessions=True)
        except PasswordsBusy as error:
            raise AdminError("the relay is busy, try again") from error
        return {"user": _wire(user)}

    async def list(self, _request: Mapping[str, object]) -> dict[str, object]:
        """Answer all users in order of creation, with the number of their sessions and keys."""
        summaries = await self._users.summaries()
        return {"users": [_wire(entry.user) | {"sessions": entry.sessions, "keys": entry.keys} for entry in summaries]}

    async def remove(self, request: Mapping[str, object]) -> dict[str, object]:
        """Delete the user `email` with all that is theirs; raises AdminError."""
        user = await self._user(request)
        if not await self._users.remove(user.id):
            raise AdminError(f"there is no user with the e-mail {user.email}")
        return {"user": _wire(user)}

    async def _user(self, request: Mapping[str, object]) -> User:
        email = _text(request, "email")
        user = await self._users.by_email(email)
        if user is None:
            raise AdminError(f"there is no user with the e-mail {email}")
        return user


def _text(request: Mapping[str, object], name: str) -> str:
    value = request.get(name)
    return value if isinstance(value, str) else ""


def _check_password(password: str) -> None:
    if not meets_policy(password):
        raise AdminError(POLICY_SUMMARY)


def _wire(user: User) -> dict[str, object]:
    return {"id": user.id, "email": user.email, "name": user.name, "createdAt": user.created_at}
