"""Do what `relay key` asks for, in the running relay or on a database that no relay holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay.accounts.api_keys import LONGEST_LABEL, mint_live, wire
from relay.accounts.control import Handler
from relay.accounts.keys import Keys
from relay.accounts.records import ApiKey, User
from relay.accounts.tokens import utf16_length, well_formed
from relay.accounts.user_admin import AdminError
from relay.accounts.users import Users
from relay.http.identity import Scope

_DAY: Final = 86_400


class KeyAdmin:
    """Manage API keys on the ground that the operator holds the data directory."""

    def __init__(self, users: Users, keys: Keys) -> None:
        self._users = users
        self._keys = keys

    def handlers(self) -> dict[str, Handler]:
        """Answer the verbs of the control socket."""
        return {"key.create": self.create, "key.list": self.list, "key.revoke": self.revoke}

    async def create(self, request: Mapping[str, object]) -> dict[str, object]:
        """Make a key of `scope` for the user `email`, ending after `days`; raises AdminError."""
        user = await self._user(request.get("email"))
        name, scope, days = request.get("name"), request.get("scope"), request.get("days")
        if not isinstance(name, str) or utf16_length(name) > LONGEST_LABEL:
            raise AdminError(f"a name has at most {LONGEST_LABEL} characters")
        if scope not in set(Scope):
            raise AdminError(f"a scope is one of {', '.join(Scope)}")
        minted = mint_live()
        made = await self._keys.create(
            user.id,
            minted,
            name=well_formed(name) or None,
            expires_in=days * _DAY if isinstance(days, int) else None,
            scope=Scope(str(scope)),
        )
        return {"key": _shown(made, user) | {"key": minted.raw}}

    async def list(self, request: Mapping[str, object]) -> dict[str, object]:
        """Answer the keys of the user `email`, or of everybody, in order of creation; raises AdminError."""
        email = request.get("email")
        users = [await self._user(email)] if email else [entry.user for entry in await self._users.summaries()]
        return {"keys": [_shown(key, user) for user in users for key in await self._keys.of_user(user.id)]}

    async def revoke(self, request: Mapping[str, object]) -> dict[str, object]:
        """Revoke the key that `id` names: its id, or what the lists show of its beginning; raises AdminError."""
        wanted = request.get("id")
        if not isinstance(wanted, str) or not wanted:
            raise AdminError("no key is named")
        found = [
            (key, entry.user)
            for entry in await self._users.summaries()
            for key in await self._keys.of_user(entry.user.id)
            if wanted in (key.id, key.start)
        ]
        if len(found) > 1:
            raise AdminError(f"several keys begin with {wanted}, name one by its id")
        if not found or not await self._keys.delete(found[0][1].id, found[0][0].id):
            raise AdminError(f"there is no key {wanted}")
        return {"key": _shown(*found[0])}

    async def _user(self, email: object) -> User:
        user = await self._users.by_email(email) if isinstance(email, str) else None
        if user is None:
            raise AdminError(f"there is no user with the e-mail {email}")
        return user


def _shown(key: ApiKey, user: User) -> dict[str, object]:
    """Describe a key as the auth endpoints do, with whose it is."""
    return wire(key) | {"email": user.email}
