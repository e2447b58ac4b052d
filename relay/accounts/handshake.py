"""Decide who may join a namespace, and cut the sockets whose credentials are revoked.

Browsers: sockets-browsers.md 1.2. Agents and runners: sockets-agents.md 1.4.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from relay.accounts.accounts import Accounts, key_identity
from relay.accounts.api_keys import KeyState
from relay.events import Bus, CredentialsRevoked, UserRemoved
from relay.http.identity import Credential, Identity, Scope
from relay.http.origins import OriginPolicy
from relay.realtime import Drop, Handshake, Namespace, Refuse
from relay.storage import StorageError

log = logging.getLogger(__name__)

#: The socket protocol that the clients announce and we speak (sockets-browsers.md 1.3).
PROTOCOL_VERSION: Final = 1
#: A version is a few characters; the rest of a longer text is of no use in a log.
MAX_VERSION_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Admission:
    """Say whom a socket acts for; it is the `data` of every socket of our namespaces.

    `credential_id` is the id of the API key or cookie session that admitted it, `scope` what it may do.
    `protocol_compatible` is False only
    when the client announced another protocol version.
    """

    user_id: str
    user_name: str
    client_version: str | None
    protocol_compatible: bool
    credential_id: str
    scope: Scope = Scope.FULL


class CannotTell(Exception):
    """Say that a credential can't be judged right now: the database fails, or the key is over its rate."""


async def verify_agent_key(accounts: Accounts, raw: str) -> Identity | None:
    """Answer the owner of an API key, None for a bad one.

    Raises CannotTell for what passes by itself; the clients of sockets take a refusal as final (sockets-agents.md 1.4).
    """
    try:
        check = await accounts.keys.check(raw)
    except StorageError as error:
        raise CannotTell(str(error)) from error
    if check.state is KeyState.LIMITED:
        raise CannotTell("the API key is over its rate")
    return key_identity(check, Credential.KEY)


class BrowserHandshake:
    """Authenticate `/viewer`, `/hub`, `/runners` and `/terminal` (sockets-browsers.md 1.2)."""

    def __init__(self, accounts: Accounts, origins: OriginPolicy, *scopes: Scope) -> None:
        """Admit full credentials and keys of the `scopes`."""
        self._accounts = accounts
        self._origins = origins
        self._scopes = scopes

    def for_scopes(self, *scopes: Scope) -> BrowserHandshake:
        """Answer the same for a namespace that admits other scopes."""
        return BrowserHandshake(self._accounts, self._origins, *scopes)

    async def __call__(self, handshake: Handshake) -> Admission:
        """Admit by `auth.apiKey`, else by the cookie session; an invalid key falls through to the cookie.

        Raises Refuse with the exact texts of the contract, and Drop when the credentials can't be checked right now.
        """
        origin = handshake.origin
        if origin is not None and not self._origins.trusted(handshake.request, origin):
            raise Refuse("forbidden: untrusted origin")
        try:
            identity = await self._identity(handshake)
        except (CannotTell, StorageError) as error:
            log.warning("browser admission put off", extra={"reason": str(error)})
            raise Drop from error
        if identity is None:
            raise Refuse("unauthorized")
        _check_scope(identity, self._scopes)
        return _admission(identity, handshake.auth)

    async def _identity(self, handshake: Handshake) -> Identity | None:
        key = handshake.auth.get("apiKey")
        if isinstance(key, str) and key:
            identity = await verify_agent_key(self._accounts, key)
            if identity is not None:
                return identity
        if "Cookie" not in handshake.request.headers:
            return None
        return await self._accounts.verify_cookie(handshake.request)


class AgentHandshake:
    """Authenticate `/relay` and `/runner`: by API key alone, without an Origin check (sockets-agents.md 1.4)."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def __call__(self, handshake: Handshake) -> Admission:
        """Admit by `auth.apiKey`.

        Raises Refuse("unauthorized"), which is final for these clients, and Drop when the key cannot be checked right
        now: they come back after that.
        """
        key = handshake.auth.get("apiKey")
        if not isinstance(key, str) or not key:
            raise Refuse("unauthorized")
        try:
            identity = await verify_agent_key(self._accounts, key)
        except CannotTell as error:
            log.warning("agent admission put off", extra={"reason": str(error)})
            raise Drop from error
        if identity is None:
            raise Refuse("unauthorized")
        _check_scope(identity, (Scope.RUNNER,))
        admission = _admission(identity, handshake.auth)
        if not admission.protocol_compatible:
            log.warning("client speaks another protocol version", extra={"client_version": admission.client_version})
        return admission


class SocketsByCredential:
    """Cut live sockets when their credential or user goes.

    The transport is closed without a packet. The client comes back by itself and is then refused with `unauthorized`,
    which is what tells a daemon to stop and a browser to sign in; after a DISCONNECT packet it would learn nothing.
    Namespaces that share a browser's connection come back with their own credentials.
    """

    def __init__(self, namespaces: Iterable[Namespace], bus: Bus) -> None:
        self._namespaces = tuple(namespaces)
        bus.subscribe(CredentialsRevoked, self._revoked)
        bus.subscribe(UserRemoved, self._removed)

    def _revoked(self, event: CredentialsRevoked) -> None:
        ids = event.credential_ids
        self._cut(lambda held: held.user_id == event.user_id and (not ids or held.credential_id in ids))

    def _removed(self, event: UserRemoved) -> None:
        self._cut(lambda held: held.user_id == event.user_id)

    def _cut(self, affected: Callable[[Admission], bool]) -> None:
        for namespace in self._namespaces:
            for socket in list(namespace.sockets.values()):
                if isinstance(socket.data, Admission) and affected(socket.data):
                    log.info("socket cut, its credential is gone", extra={"namespace": namespace.name})
                    socket.close_transport()


def _check_scope(identity: Identity, scopes: Collection[Scope]) -> None:
    if not identity.scope.within(scopes):
        raise Refuse(f"forbidden: the scope of this API key is {identity.scope.value}")


def _admission(identity: Identity, auth: dict[str, object]) -> Admission:
    version = auth.get("clientVersion")
    text = version.strip()[:MAX_VERSION_LENGTH] if isinstance(version, str) else ""
    return Admission(
        user_id=identity.user_id,
        user_name=identity.user_name,
        client_version=text or None,
        protocol_compatible=compatible(auth.get("protocolVersion")),
        credential_id=identity.credential_id,
        scope=identity.scope,
    )


def compatible(announced: object) -> bool:
    """Tell whether a client's protocol version is ours; an unknown one (no integer, no digits) counts as ours."""
    if isinstance(announced, str) and announced.isascii() and announced.isdigit():
        return announced.lstrip("0") == str(PROTOCOL_VERSION)
    if isinstance(announced, bool) or (isinstance(announced, float) and not announced.is_integer()):
        return True
    return not isinstance(announced, (int, float)) or announced == PROTOCOL_VERSION
