"""Describe the bodies of the account calls (rest-account.md 2, 4).

What the auth endpoints take is described by the fields that they are validated with.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

import msgspec

from relay.accounts.validation import Field, Kind

_KINDS = {Kind.STRING: str, Kind.NUMBER: float, Kind.BOOLEAN: bool, Kind.ANY: object}


def fields_type(name: str, fields: tuple[Field, ...]) -> type:
    """Make the type that describes a body of these fields."""
    members: list[tuple[str, object, object] | tuple[str, object]] = []
    for field in sorted(fields, key=lambda one: not one.required):
        kind: object = _KINDS[field.kind] | None if field.nullable else _KINDS[field.kind]
        if field.required:
            members.append((field.name, kind))
        else:
            members.append((field.name, kind | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct(name, members)


class AuthFailure(TypedDict, total=False):
    """Say what went wrong, in the auth library's words; 401 may come with an empty body."""

    code: str
    message: str
    error: str
    details: dict[str, object]


class AuthUser(TypedDict):
    """Describe an account."""

    id: str
    name: str
    email: str
    emailVerified: bool
    image: str | None
    createdAt: str
    updatedAt: str


class AuthSession(TypedDict):
    """Describe a cookie session; for a caller with a key it is made up."""

    id: str
    token: str
    userId: str
    expiresAt: str
    createdAt: str
    updatedAt: str
    ipAddress: str
    userAgent: str


class SignedUp(TypedDict):
    """Answer a new account and the token of its session."""

    token: str
    user: AuthUser


class SignedIn(TypedDict):
    """Answer who signed in; `url` is the callback that was sent."""

    redirect: bool
    token: str
    user: AuthUser
    url: NotRequired[str]


class SessionAndUser(TypedDict):
    """Say who is signed in."""

    session: AuthSession
    user: AuthUser


class SessionQuery(TypedDict, total=False):
    """Keep a session from being prolonged with `true`."""

    disableRefresh: str


class PasswordChanged(TypedDict):
    """Answer the account, and a token when the other sessions were ended."""

    token: str | None
    user: AuthUser


class Success(TypedDict):
    """Say that it is done."""

    success: Literal[True]


class Status(TypedDict):
    """Say that it is done."""

    status: Literal[True]


class KeyQuery(TypedDict):
    """Name a key."""

    id: str


class KeyEntry(TypedDict):
    """Describe an API key without the key."""

    id: str
    name: str | None
    start: str | None
    prefix: str | None
    userId: str
    refillInterval: int | None
    refillAmount: int | None
    lastRefillAt: str | None
    enabled: bool
    rateLimitEnabled: bool
    rateLimitTimeWindow: int | None
    rateLimitMax: int | None
    requestCount: int
    remaining: int | None
    lastRequest: str | None
    expiresAt: str | None
    createdAt: str
    updatedAt: str
    permissions: None
    metadata: None
    scope: Literal["full", "runner", "read", "webhooks"]


class NewKey(KeyEntry):
    """Describe an API key with the key, this once."""

    key: str


class Registration(TypedDict):
    """Give credentials; `name` is needed for a new account, `setupCode` for the first one from another machine."""

    email: str
    password: str
    name: NotRequired[str | None]
    setupCode: NotRequired[str]


class Registered(TypedDict):
    """Answer the key of the command line client, which ends its earlier one."""

    ok: Literal[True]
    key: str


class SignupStatus(TypedDict):
    """Tell whether accounts can be made, whether that takes the set-up code, and whether there is one yet."""

    signupEnabled: bool
    setupCodeRequired: bool
    accounts: bool


class Me(TypedDict):
    """Name the caller."""

    userId: str
    userName: str
