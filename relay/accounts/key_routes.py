"""List, make, change and revoke API keys (rest-account.md 2.2)."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from relay.accounts import schemas
from relay.accounts.accounts import Accounts
from relay.accounts.api_keys import LONGEST_LABEL, mint_letters, wire
from relay.accounts.auth_area import AuthCall, Caller, Endpoint, answer
from relay.accounts.auth_errors import AuthError, denied
from relay.accounts.keys import KeyChange
from relay.accounts.tokens import utf16_length
from relay.accounts.validation import Field, Fields, Kind, at_least
from relay.http.errors import ErrorSpec
from relay.http.identity import Scope

_PREFIX: Final = re.compile(r"[a-zA-Z0-9_-]+")
_DAY: Final = 86_400
#: Life of a key in days (rest-account.md 2.2).
_LONGEST_LIFE: Final = 365
_SERVER_ONLY: Final = (
    "refillAmount",
    "refillInterval",
    "rateLimitMax",
    "rateLimitTimeWindow",
    "rateLimitEnabled",
    "permissions",
)


def _prefix(value: object) -> str | None:
    if isinstance(value, str) and _PREFIX.fullmatch(value):
        return None
    return "Invalid prefix format, must be alphanumeric and contain only underscores and hyphens."


def _scope(value: object) -> str | None:
    return None if value in set(Scope) else f"Invalid scope, must be one of {', '.join(Scope)}."


_COMMON: Final = (
    Field("name", Kind.STRING),
    Field("expiresIn", Kind.NUMBER, nullable=True, checks=(at_least(1),)),
    Field("remaining", Kind.NUMBER, nullable=True, checks=(at_least(0),)),
    Field("metadata", Kind.ANY),
    Field("refillAmount", Kind.NUMBER),
    Field("refillInterval", Kind.NUMBER),
    Field("rateLimitTimeWindow", Kind.NUMBER),
    Field("rateLimitMax", Kind.NUMBER),
    Field("rateLimitEnabled", Kind.BOOLEAN),
    Field("permissions", Kind.ANY),
)
_CREATE: Final = (
    *_COMMON,
    Field("prefix", Kind.STRING, checks=(_prefix,)),
    Field("scope", Kind.STRING, checks=(_scope,)),
)
_UPDATE: Final = (
    Field("keyId", Kind.STRING, required=True),
    *_COMMON,
    Field("enabled", Kind.BOOLEAN),
)


KEY_NOT_FOUND: Final = ErrorSpec(404, "API Key not found")


def _not_found() -> AuthError:
    return denied(KEY_NOT_FOUND.status, KEY_NOT_FOUND.message)


class ApiKeys:
    """Answer the endpoints of a user's keys."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def endpoints(self) -> list[Endpoint]:
        """Answer the rows."""
        return [
            Endpoint(
                "GET",
                "/api-key/list",
                self.list,
                "List the keys, without the keys themselves",
                answers=list[schemas.KeyEntry],
            ),
            Endpoint(
                "GET",
                "/api-key/get",
                self.get,
                "Describe one key",
                query=(Field("id", Kind.STRING, required=True),),
                answers=schemas.KeyEntry,
                errors=(KEY_NOT_FOUND,),
            ),
            Endpoint(
                "POST",
                "/api-key/create",
                self.create,
                "Make a key, shown this once",
                fields=_CREATE,
                answers=schemas.NewKey,
            ),
            Endpoint(
                "POST",
                "/api-key/delete",
                self.delete,
                "Revoke a key",
                fields=(Field("keyId", Kind.STRING, required=True),),
                answers=schemas.Success,
                errors=(KEY_NOT_FOUND,),
            ),
            Endpoint(
                "POST",
                "/api-key/update",
                self.update,
                "Rename, disable or prolong a key",
                fields=_UPDATE,
                answers=schemas.KeyEntry,
                errors=(KEY_NOT_FOUND,),
            ),
        ]

    async def list(self, call: AuthCall) -> web.Response:
        """Answer `GET /api-key/list`: all of them, oldest first."""
        caller = await call.required()
        return answer([wire(key) for key in await self._accounts.keys.of_user(caller.user.id)])

    async def get(self, call: AuthCall) -> web.Response:
        """Answer `GET /api-key/get?id=`."""
        caller = await call.required()
        wanted = call.query.get("id")
        for key in await self._accounts.keys.of_user(caller.user.id):
            if key.id == wanted:
                return answer(wire(key))
        raise _not_found()

    async def create(self, call: AuthCall) -> web.Response:
        """Answer `POST /api-key/create`."""
        caller = await self._owner(call)
        fields = call.fields
        _check_settable(fields)
        _check_life(fields)
        prefix = fields.text_or_none("prefix")
        if prefix is not None and len(prefix) > LONGEST_LABEL:
            raise denied(400, "The prefix length is either too large or too small.")
        name = fields.text_or_none("name")
        if name:
            _check_name(name)
        minted = mint_letters(prefix)
        key = await self._accounts.keys.create(
            caller.user.id,
            minted,
            name=name,
            expires_in=fields.number_or_none("expiresIn"),
            scope=Scope(fields.text_or_none("scope") or Scope.FULL),
        )
        return answer(wire(key) | {"key": minted.raw})

    async def delete(self, call: AuthCall) -> web.Response:
        """Answer `POST /api-key/delete`."""
        caller = await call.required()
        if not await self._accounts.keys.delete(caller.user.id, call.fields.text("keyId")):
            raise _not_found()
        return answer({"success": True})

    async def update(self, call: AuthCall) -> web.Response:
        """Answer `POST /api-key/update`."""
        caller = await self._owner(call)
        fields = call.fields
        _check_settable(fields)
        key_id = fields.text("keyId")
        if all(key.id != key_id for key in await self._accounts.keys.of_user(caller.user.id)):
            raise _not_found()
        name = fields.text_or_none("name")
        if name is not None:
            _check_name(name)
        _check_life(fields)
        if not any(field in fields for field in ("name", "enabled", "expiresIn")):
            raise denied(400, "No values to update.")
        change = KeyChange(
            name=name,
            enabled=fields.flag("enabled", default=True) if "enabled" in fields else None,
            sets_expiry="expiresIn" in fields,
            expires_in=fields.number_or_none("expiresIn"),
        )
        key = await self._accounts.keys.update(caller.user.id, key_id, change)
        if key is None:
            raise _not_found()
        return answer(wire(key))

    async def _owner(self, call: AuthCall) -> Caller:
        """Answer who calls; unlike elsewhere nobody gets a 401 with a body, and so does a stranger's `userId`."""
        caller = await call.caller()
        claimed = call.fields.raw("userId")
        if caller is None or (claimed is not None and str(claimed) != caller.user.id):
            raise denied(401, "Unauthorized or invalid session")
        return caller


def _check_settable(fields: Fields) -> None:
    """Refuse what only the server may set."""
    if fields.raw("remaining") is not None or any(name in fields for name in _SERVER_ONLY):
        raise denied(400, "The property you're trying to set can only be set from the server auth instance only.")
    if fields.raw("metadata"):
        raise denied(400, "Metadata is disabled.")


def _check_life(fields: Fields) -> None:
    seconds = fields.number_or_none("expiresIn")
    if seconds is None:
        return
    if seconds < _DAY:
        raise denied(400, "The expiresIn is smaller than the predefined minimum value.")
    if seconds > _LONGEST_LIFE * _DAY:
        raise denied(400, "The expiresIn is larger than the predefined maximum value.")


def _check_name(name: str) -> None:
    if not 1 <= utf16_length(name) <= LONGEST_LABEL:
        raise denied(400, "The name length is either too large or too small.")
